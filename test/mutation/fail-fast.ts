type Body = (...values: unknown[]) => unknown;
type Declare = (name: string, body: Body, ms?: number) => void;

let failed = false;

const untilFailure =
  (body: Body): Body =>
  async (...values) => {
    if (failed) return;
    try {
      await body(...values);
    } catch (error) {
      failed = true;
      throw error;
    }
  };

/** From here on, tests after a failed one end at once, since a mutant needs to be noticed only once. */
export const failFast = (leftOut: readonly string[]): void => {
  const declare =
    (original: Declare): Declare =>
    (name, body, ms) => {
      if (!leftOut.includes(name)) original(name, untilFailure(body), ms);
    };
  const original = globalThis.it as unknown as Declare & { readonly each: (...table: unknown[]) => Declare };
  const each = (...table: unknown[]): Declare => declare(original.each(...table));
  Object.assign(globalThis, { it: Object.assign(declare(original), { each }) });
};
