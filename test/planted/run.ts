import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readOrExit } from '../../bin/shared/command-line.ts';
import { chooseDefects, roomOf } from './choose.ts';
import { planted, type Defect } from './defects.ts';
import { spec } from './flags.ts';

const { seed, count, only: onlyGiven, at } = await readOrExit(spec);

/** Files of tests that one defect may need, and how long they may take: a test that hangs has noticed. */
const mostTests = 80;
const longestRunMs = 300_000;

const here = process.cwd();
const run = (folder: string, command: string, args: readonly string[], env = {}) =>
  spawnSync(command, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: longestRunMs,
    killSignal: 'SIGKILL',
  });
const commit = run(here, 'git', ['rev-parse', '--short', at]).stdout.trim();
const copy = mkdtempSync(join(tmpdir(), 'planted-'));
run(here, 'git', ['worktree', 'add', '--detach', '--force', copy, commit]);
symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
process.chdir(copy);
process.on('exit', () => {
  run(here, 'git', ['worktree', 'remove', '--force', copy]);
  rmSync(copy, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

const jest = (args: readonly string[], env = {}) =>
  run(copy, process.execPath, [join(here, 'node_modules/jest/bin/jest.js'), ...args], {
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
    ...env,
  });

interface TestMap {
  readonly tests: readonly { readonly file: string; readonly ms: number }[];
  readonly lines: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
}

/**
 * Which test files ran which lines, measured once for a commit.
 * @throws Error if a test of a file ran no line of it: then they were not counted
 */
const testMap = (): TestMap => {
  const kept = join(here, `coverage/planted-map-${commit}.json`);
  mkdirSync(join(here, 'coverage'), { recursive: true });
  if (!existsSync(kept)) {
    console.log('measuring which tests run which lines…');
    const sources = ['functions', 'lib', 'bin', 'config', 'sandbox'].map(
      (folder) => `--collectCoverageFrom=${folder}/**/*.ts`,
    );
    const reporter = join(here, 'test/planted/coverage-reporter.cjs');
    spawnSync(
      process.execPath,
      [
        join(here, 'node_modules/jest/bin/jest.js'),
        '--coverage',
        '--coverageThreshold={}',
        '--coverageReporters=none',
        `--reporters=${reporter}`,
        ...sources,
      ],
      {
        cwd: copy,
        stdio: 'inherit',
        env: {
          ...process.env,
          NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
          PLANTED_MAP: kept,
        },
      },
    );
  }
  const map = JSON.parse(readFileSync(kept, 'utf8')) as TestMap;
  const idle = map.tests.filter(({ file }, index) => {
    const statements = map.lines[file.replace(/^test\/(.*)\.test\.ts$/, '$1.ts')];
    return statements !== undefined && !Object.values(statements).some((ran) => ran.includes(index));
  });
  if (idle.length > 0) throw new Error(`run nothing of their own file: ${idle.map(({ file }) => file).join(', ')}`);
  return map;
};

/** Files that the compiler refuses with all these defects in them. */
const refusedByTypes = (defects: readonly Defect[]): ReadonlySet<string> => {
  const byFile = Map.groupBy(defects, ({ file }) => file);
  for (const [file, all] of byFile) {
    const source = readFileSync(file);
    const last = all.toSorted((a, b) => b.start - a.start);
    writeFileSync(
      join(copy, file),
      last.reduce<Uint8Array>((text, defect) => planted(defect, text), source),
    );
  }
  const { stdout } = run(copy, join(here, 'node_modules/.bin/tsc'), ['--noEmit', '--pretty', 'false']);
  run(copy, 'git', ['checkout', '--quiet', '.']);
  return new Set([...stdout.matchAll(/^([^\s(]+)\(\d+,\d+\): error/gm)].map(([, file]) => file!));
};

const { tests, lines } = testMap();

/** Test files that ran the line, those that mirror the source's place first, then the quickest. */
const testsFor = ({ file, line }: Defect): readonly string[] => {
  const statements = lines[file] ?? {};
  const statement = Math.max(
    0,
    ...Object.keys(statements)
      .map(Number)
      .filter((start) => start <= line),
  );
  const covering = statements[statement] ?? [];
  const folder = `test/${file.split('/').slice(0, -1).join('/')}`;
  const own = `test/${file.replace(/\.ts$/, '')}`;
  const far = (test: string): number =>
    test.startsWith(`${own}.`) || test.startsWith(`${own}-`) ? 0 : test.startsWith(folder) ? 1 : 2;
  const mirrored = tests.flatMap(({ file: test }, index) => (test.startsWith(folder) ? [index] : []));
  const asked = covering.length > 0 ? covering : mirrored;
  return [...new Set(asked)]
    .map((index) => tests[index]!)
    .toSorted((a, b) => far(a.file) - far(b.file) || a.ms - b.ms)
    .slice(0, mostTests)
    .map(({ file: test }) => test);
};

/** The first test that fails, or undefined. */
const firstFailure = (files: readonly string[]): string | undefined => {
  const results = join(copy, 'results.json');
  const { status, signal } = jest([
    '--runTestsByPath',
    ...files,
    '--bail=1',
    '-w',
    '1',
    '--json',
    `--outputFile=${results}`,
  ]);
  if (status === 0) return undefined;
  if (signal !== null) return `${files.join(' ')} did not end`;
  const { testResults } = JSON.parse(readFileSync(results, 'utf8')) as {
    testResults: { name: string; status: string; assertionResults: { status: string; fullName: string }[] }[];
  };
  const failed = testResults.find((one) => one.status === 'failed');
  if (failed === undefined) return 'ended without results';
  const test = failed.assertionResults.find((one) => one.status === 'failed')?.fullName ?? 'the file cannot be loaded';
  return `${failed.name.replace(`${copy}/`, '')}: ${test}`;
};

const whatNotices = (defect: Defect): string | undefined => {
  const source = readFileSync(defect.file);
  writeFileSync(defect.file, planted(defect, source));
  try {
    const files = testsFor(defect);
    for (const part of [files.slice(0, 6), files.slice(6)]) {
      const failure = part.length === 0 ? undefined : firstFailure(part);
      if (failure !== undefined) return failure;
    }
    return undefined;
  } finally {
    writeFileSync(defect.file, source);
  }
};

const kept = join(here, `coverage/planted-${seed}.jsonl`);
const known = existsSync(kept)
  ? readFileSync(kept, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  : [];
const defects = chooseDefects(seed, count);
const only = onlyGiven?.split(',').map(Number);
const refused = refusedByTypes(defects);
const survivors: string[] = [];
let caught = 0;
for (const [index, defect] of defects.entries()) {
  if (only !== undefined && !only.includes(index)) continue;
  const before = known.find((one) => one['commit'] === commit && one['index'] === index);
  const by = before ? (before['by'] as string | undefined) : refused.has(defect.file) ? 'types' : whatNotices(defect);
  const where = `${index} ${defect.file}:${defect.line} ${defect.kind}: ${defect.was} → ${defect.becomes}`.replaceAll(
    /\s+/g,
    ' ',
  );
  console.log(`${where}\n    ${by === undefined ? 'SURVIVED' : by}`);
  if (!before) appendFileSync(kept, `${JSON.stringify({ commit, index, room: roomOf(defect.file), ...defect, by })}\n`);
  if (by === undefined) survivors.push(where);
  else caught += 1;
}
console.log(`\n${caught} caught, ${survivors.length} survived`);
for (const one of survivors) console.log(`  ${one}`);
