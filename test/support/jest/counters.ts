/**
 * Cheaper coverage. Istanbul counts how often each statement and branch runs, and calls a function each time. A threshold only needs
 * to know whether it ran, so here a counter is a number that is set. Once it is set, code that is loaded for later test files no
 * longer has it.
 */
import { runInThisContext } from 'node:vm';

/** How often each statement, function and branch of a file ran, as Istanbul counts. */
export interface Counts {
  readonly s: Readonly<Record<string, number>>;
  readonly f: Readonly<Record<string, number>>;
  readonly b: Readonly<Record<string, readonly number[]>>;
}

/** The counts of all test files that a process runs, by path of the covered file. */
export const counted: Record<string, Counts> = {};
/** How much of each file has run, as of the last report to Jest. */
const told = new Map<string, number>();

const howManyRan = ({ s, f, b }: Counts): number =>
  [...Object.values(s), ...Object.values(f), ...Object.values(b).flat()].filter((count) => count > 0).length;

/** Files that have run further since the last report to Jest. Most test files add nothing, and Jest merges every file that it gets. */
export const moreCounted = (): Record<string, Counts> =>
  Object.fromEntries(
    Object.entries(counted).filter(([path, counts]) => {
      const ran = howManyRan(counts);
      if (told.get(path) === ran) return false;
      told.set(path, ran);
      return true;
    }),
  );

/** What Istanbul puts before a file's own code: a function that makes and finds the file's counts. */
const istanbulsHead = /^\/\* istanbul ignore next \*\/\nfunction (cov_\w+)\(\) \{\n[^]*?\n\}\n\1\(\);\n/;
/** `cov_1().s[2]++`, `cov_1().b[2][1]++` */
const istanbulsCounter = /\b(cov_\w+)\(\)\.([sfb])\[(\d+)\](?:\[(\d+)\])?\+\+/g;

interface Lean {
  readonly source: string;
  /** As `told` was when the code was made. */
  readonly ran: number | undefined;
  readonly code: string;
}

const leans = new Map<string, Lean>();

/** Removes counters without moving any line or column, so that stack traces stay right. */
const makeLean = (path: string, source: string): string => {
  const [head = '', name = ''] = istanbulsHead.exec(source) ?? [];
  if (head === '') return source;
  const counts = (counted[path] ??= runInThisContext(`(() => {${head} return ${name}();})()`) as Counts);
  const rest = source
    .slice(head.length)
    .replace(istanbulsCounter, (counter, _name, kind: 's' | 'f' | 'b', id, branch) => {
      const of = counts[kind][id as string];
      const count = typeof of === 'object' ? of[Number(branch)] : of;
      if (count === 0) return counter.replace('()', '').replace('++', '=1  ');
      return '0'.padEnd(counter.length);
    });
  return `const ${name} = countedRuns[${JSON.stringify(path)}];${head.replace(/[^\n]+/g, '')}${rest}`;
};

/**
 * @param path of an ES module
 * @param source what Jest loads: with Istanbul's counters where coverage is measured
 * @returns the same with counters that cost little; `countedRuns` in its global object must be {@link counted}
 */
export const withLeanCounters = (path: string, source: string): string => {
  if (!source.startsWith('/* istanbul')) return source;
  const ran = told.get(path);
  const known = leans.get(path);
  if (known?.source === source && known.ran === ran) return known.code;
  const code = makeLean(path, source);
  leans.set(path, { source, ran, code });
  return code;
};
