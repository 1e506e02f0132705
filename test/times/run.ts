import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOrExit } from '../../bin/shared/command-line.ts';
import { markdownTable } from '../../bin/shared/markdown-table.ts';
import { spec } from './flags.ts';

/** Seconds of processor time of a test file: until its tests began, until its end, and of processes that ended meanwhile. */
interface Took {
  readonly file: string;
  readonly load: number;
  readonly whole: number;
  readonly children: number;
}

const { only, write } = await readOrExit(spec);
const mostFiles = 24;
const report = 'docs/reports/testing.md';
const [begin, end] = ['<!-- npm run test:times -- --write -->', '<!-- end of times -->'];

const folder = mkdtempSync(join(tmpdir(), 'times-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const lines = join(folder, 'times.jsonl');
writeFileSync(lines, '');
const { status } = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', ...(only === undefined ? [] : [only])],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
      P2P_TEST_TIMES: lines,
    },
  },
);
const took = readFileSync(lines, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Took);

const sumOf = (some: readonly Took[], part: (one: Took) => number): number =>
  some.reduce((sum, one) => sum + part(one), 0);
const testing = ({ whole, load }: Took): number => whole - load;
const all = ({ whole, children }: Took): number => whole + children;
const figures = (some: readonly Took[]): string[] =>
  [all, ({ load }: Took) => load, testing, ({ children }: Took) => children].map((part) =>
    sumOf(some, part).toFixed(1),
  );

/** `test/functions/token`, `test/bin`. */
const folderOf = ({ file }: Took): string =>
  file
    .split('/')
    .slice(0, -1)
    .slice(0, file.startsWith('test/functions/') ? 3 : 2)
    .join('/');
const folders = [...Map.groupBy(took, folderOf)].toSorted(([, a], [, b]) => sumOf(b, all) - sumOf(a, all));
const dearest = took.toSorted((a, b) => all(b) - all(a)).slice(0, mostFiles);
const parts = ['whole', 'loading', 'in tests', 'other processes'];
const tables = `${took.length} files took ${sumOf(took, all).toFixed(0)} s of processor time in ${availableParallelism()} cores.

${markdownTable(
  ['folder', 'files', ...parts],
  folders.map(([name, some]) => [`\`${name}\``, String(some.length)].concat(figures(some))),
  { numbers: true },
)}

The files that took most:

${markdownTable(
  ['file', ...parts],
  dearest.map((one) => [`\`${one.file}\``].concat(figures([one]))),
  { numbers: true },
)}`;

console.log(`\n${tables}`);
if (write) {
  const [before = '', rest = ''] = readFileSync(report, 'utf8').split(begin);
  const [, after = ''] = rest.split(end);
  writeFileSync(report, `${before}${begin}\n\n${tables}\n\n${end}${after}`);
}
process.exitCode = status ?? 1;
