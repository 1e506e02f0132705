/** What a check finds. */

/** A field, and `what is wrong; what to write`. */
export interface ConfigFinding {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The finding, if there is one. */
export const findingIf = (wrong: boolean, path: readonly PropertyKey[], message: string): readonly ConfigFinding[] =>
  wrong ? [{ path, message }] : [];

/** The findings of an entry, with paths from the root. */
export const insideEntry = (
  field: string,
  index: number,
  findings: readonly ConfigFinding[],
): readonly ConfigFinding[] => findings.map(({ path, message }) => ({ path: [field, index, ...path], message }));
