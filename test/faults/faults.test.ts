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

/** Calls that change nothing. If one is lost or its answer is, the caller sees a reset, and all is as it was. */
const readsOnly = /^(?!payer).*: (?:GetItem|GetSecretValue|GenerateMac)\b/;

/** The same cell under another name. */
const alsoUnder = async (cell: Promise<CellResult | Error>, fault: Fault): Promise<CellResult | Error> => {
  const found = await cell;
  return found instanceof Error ? found : { ...found, fault };
};

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
    const failuresOf = (call: string): Promise<CellResult | Error>[] => {
      const cellOf = ({ kind, times }: Pick<Fault, 'kind' | 'times'>): Promise<CellResult | Error> => {
        const fault = { call, kind, times };
        const pool = kind === 'answer late' ? waiting : working;
        return pool(() => runCell(dynamo, path, clean, fault)).catch((error: unknown) => broken(fault, error));
      };
      const [refused, ...others] = faultKinds.flatMap((kind) =>
        (['once', 'always'] as const).map((times) => ({ kind, times })),
      );
      const lost = cellOf(refused!);
      return [
        lost,
        ...others.map((fault) =>
          readsOnly.test(call) && fault.kind === 'answer lost' && fault.times === 'once'
            ? alsoUnder(lost, { call, ...fault })
            : cellOf(fault),
        ),
      ];
    };
    const killsOf = (call: string): Promise<CellResult | Error>[] => {
      const killed = (fault: Fault): Promise<CellResult | Error> =>
        killing(() => runCell(dynamo, path, clean, fault, processes.start)).catch((error: unknown) =>
          broken(fault, error),
        );
      const [early, late] = (['killed before', 'killed after'] as const).map((kind): Fault => ({
        call,
        kind,
        times: 'once',
      }));
      const before = killed(early!);
      return [before, readsOnly.test(call) ? alsoUnder(before, late!) : killed(late!)];
    };
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
