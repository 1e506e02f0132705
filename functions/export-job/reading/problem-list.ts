import { countName, type Problem } from './problems.ts';

/** Problems while a record is read: the first ones of each name, and how many there were of each. */
export interface ProblemList {
  readonly add: (problem: Problem) => void;
  /** Adds another list, as if each of its problems was added. */
  readonly addAll: (other: ProblemList) => void;
  /** Takes back a problem that turned out to be none. */
  readonly remove: (problem: Problem) => void;
  readonly listed: () => readonly Problem[];
  /** How many there are, by name, including those before. */
  readonly counts: () => Readonly<Record<string, number>>;
}

/** The most problems listed under one name. The rest are only counted. */
const mostOfName = 200;

/** The most problems listed in all, besides the first of each name, in an export. */
const mostListed = 20_000;

/**
 * Collects problems in little memory, however many there are: one page may have millions.
 * @param before how many there were before, by name
 */
export const createProblemList = (before: Readonly<Record<string, number>> = {}): ProblemList => {
  const counts = new Map(Object.entries(before));
  let inAll = Object.values(before).reduce((sum, count) => sum + Math.min(count, mostOfName), 0);
  let listed: Problem[] = [];

  const count = (problem: Problem, times: number): void => {
    const name = countName(problem);
    counts.set(name, (counts.get(name) ?? 0) + times);
  };

  const add = (problem: Problem): void => {
    const earlier = counts.get(countName(problem)) ?? 0;
    count(problem, 1);
    if (earlier > 0 && (earlier >= mostOfName || inAll >= mostListed)) return;
    inAll += 1;
    listed.push(problem);
  };

  return {
    add,
    addAll: (other) => {
      const added = new Map<string, number>();
      for (const problem of other.listed()) {
        add(problem);
        added.set(countName(problem), (added.get(countName(problem)) ?? 0) + 1);
      }
      for (const [name, all] of Object.entries(other.counts())) {
        counts.set(name, (counts.get(name) ?? 0) + all - (added.get(name) ?? 0));
      }
    },
    remove: (problem) => {
      listed = listed.filter((one) => one !== problem);
      count(problem, -1);
    },
    listed: () => listed,
    counts: () => Object.fromEntries([...counts].filter(([, all]) => all > 0)),
  };
};
