/** Turns on exactly these switches of a sandbox payer, as its page /admin does. @param url the payer's */
export const setSwitches = (url: string, names: readonly string[]): Promise<Response> =>
  fetch(`${url}/admin`, {
    method: 'POST',
    body: new URLSearchParams(names.map((name) => ['fault', name])),
    redirect: 'manual',
  });

/** Groups tests by the switch that is on while they run. @param url the payer's, once it has started */
export const switchTests = (url: () => string) => {
  const tested: string[] = [];
  return {
    /** The switches that have tests. */
    tested,
    withSwitch: (name: string, tests: () => void): void => {
      tested.push(name);
      describe(`with ${name}`, () => {
        beforeEach(async () => void (await setSwitches(url(), [name])));
        afterEach(async () => void (await setSwitches(url(), [])));
        tests();
      });
    },
  };
};
