import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDynamo, type Dynamo } from '../support/world/dynalite.ts';
import { runCell, runClean, type CellResult, type CleanRun } from './cell.ts';
import { faultsDocument } from './document.ts';
import { paths, type Path } from './paths.ts';
import { poolOf } from './pool.ts';
import { startProcesses, type Processes } from './processes.ts';
import { faultKinds, type Fault } from './proxy.ts';

const document = join(import.meta.dirname, '../../docs/reports/faults.md');

/** Each path's faults, already running. */
interface PathRuns {
  readonly path: Path;
  readonly clean: CleanRun;
  readonly failures: Promise<CellResult | Error>[];
  readonly kills: Promise<CellResult | Error>[];
}

const started: { dynamo?: Dynamo; processes?: Processes } = {};
const runs = new Map<Path, PathRuns>();

const broken = (fault: Fault, error: unknown): Error =>
  new Error(`${fault.call}: ${fault.kind}, ${fault.times}: ${String(error)}`, { cause: error });

beforeAll(async () => {
  const dynamo = await startDynamo();
  const processes = await startProcesses();
  Object.assign(started, { dynamo, processes });
  // Faults that wait run many at once; the others need the processor.
  const [waiting, working, killing] = [poolOf(16), poolOf(3), poolOf(2)];
  for (const path of paths) {
    const clean = await runClean(dynamo, path);
    const failuresOf = (call: string): Promise<CellResult | Error>[] =>
      faultKinds.flatMap((kind) =>
        (['once', 'always'] as const).map((times) => {
          const fault = { call, kind, times };
          const pool = kind === 'answer late' ? waiting : working;
          return pool(() => runCell(dynamo, path, clean, fault)).catch((error: unknown) => broken(fault, error));
        }),
      );
    const killsOf = (call: string): Promise<CellResult | Error>[] =>
      (['killed before', 'killed after'] as const).map((kind) => {
        const fault = { call, kind, times: 'once' } as const;
        return killing(() => runCell(dynamo, path, clean, fault, processes.start)).catch((error: unknown) =>
          broken(fault, error),
        );
      });
    runs.set(path, {
      path,
      clean,
      failures: clean.calls.flatMap(failuresOf),
      kills: clean.calls.flatMap(killsOf),
    });
  }
});

afterAll(async () => {
  // If a test gave up early, what it waited for is still running.
  for (const { failures, kills } of runs.values()) await Promise.all([failures, kills].flat());
  await started.processes?.close();
  await started.dynamo?.close();
});

const named = paths.map((path) => [path.name, path] as const);

const problemsOf = async (cells: readonly Promise<CellResult | Error>[]): Promise<string[]> =>
  (await Promise.all(cells)).filter((cell) => cell instanceof Error).map(({ message }) => message);

describe('whatever call fails, the answer is a standard one and every promise holds', () => {
  it.each(named)('%s', async (_name, path) => {
    expect(await problemsOf(runs.get(path)!.failures)).toEqual([]);
  });
});

describe('whenever the process is killed, the next one continues and every promise holds', () => {
  it.each(named)('%s', async (_name, path) => {
    expect(await problemsOf(runs.get(path)!.kills)).toEqual([]);
  });
});

it('docs/reports/faults.md lists what these tests saw (FAULTS_DOC=write updates it)', async () => {
  const results = await Promise.all(
    [...runs.values()].map(async ({ path, clean, failures, kills }) => {
      const cells = await Promise.all([...failures, ...kills]);
      return { path, clean, cells: cells.filter((cell): cell is CellResult => !(cell instanceof Error)) };
    }),
  );
  const written = await faultsDocument(results);
  if (process.env['FAULTS_DOC'] === 'write') await writeFile(document, written);

  expect(await readFile(document, 'utf8')).toBe(written);
});
