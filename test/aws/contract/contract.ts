/** One thing that AWS does, asked of whatever stands in for AWS. */
export interface Case<Target> {
  /** A whole sentence, which names the service. */
  readonly title: string;
  /** The page of AWS's documentation that says so. */
  readonly source: string;
  readonly run: (target: Target) => Promise<void>;
}

/** Makes cases that one page of AWS's documentation is the source of. */
export const casesFrom =
  <Target>(source: string) =>
  (title: string, run: Case<Target>['run']): Case<Target> => ({ title, source, run });

/** Cases that a target does not keep: their titles, by what the target does instead. */
export type Differences = Readonly<Record<string, readonly string[]>>;

/** What a target does instead, by the title of the case. @throws Error if there is no such case */
const byTitle = (
  cases: readonly { readonly title: string }[],
  differences: Differences,
): ReadonlyMap<string, string> => {
  const found = new Map(
    Object.entries(differences).flatMap(([instead, titles]) => titles.map((title) => [title, instead] as const)),
  );
  const unknown = [...found.keys()].filter((title) => !cases.some((one) => one.title === title));
  if (unknown.length > 0) throw new Error(`There is no case "${unknown.join('", "')}"`);
  return found;
};

/** A target that cannot be reached differs in nothing. */
const expectDifference = async (running: Promise<void>): Promise<void> => {
  const failure: unknown = await running.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(Error);
  expect(failure).not.toHaveProperty('code', expect.stringMatching(/^E[A-Z]+$/));
};

/**
 * Declares each case as a test of a target. A case that the target is known not to keep must fail there, so that the
 * list of differences names no case that is kept.
 */
export const declareCases = <Target>(
  cases: readonly Case<Target>[],
  target: () => Target,
  differences: Differences = {},
): void => {
  const insteadOf = byTitle(cases, differences);
  for (const { title, source, run } of cases) {
    const instead = insteadOf.get(title);
    if (instead === undefined) it(`${title} (${source})`, () => run(target()));
    else it(`not here, where it ${instead}: ${title} (${source})`, () => expectDifference(run(target())));
  }
};
