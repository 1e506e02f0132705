import { Session, type Profiler } from 'node:inspector/promises';

/** The sampling interval, in microseconds. */
export const intervalUs = 100;

type Frame = Profiler.ProfileNode['callFrame'];

/** Milliseconds of CPU time, by what the time was spent on. */
export type Spent = ReadonlyMap<string, number>;

/** V8's garbage collection. */
export const garbage = 'collecting garbage';

/** A longer gap between two samples is time in which this process did not run. */
const ofThisProcess = (deltaUs: number): number => Math.min(deltaUs, 2 * intervalUs) / 1000;

/**
 * Adds up a profile's samples.
 * @param kindOf says what a frame is; `undefined` if it is whatever its caller is, as what V8 and C++ do is
 */
export const spentIn = (
  { nodes, samples = [], timeDeltas = [] }: Profiler.Profile,
  kindOf: (frame: Frame) => string | undefined,
): Spent => {
  const callers = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const kinds = new Map<number | undefined, string | undefined>();
  // Callers come before the functions that they call.
  for (const { id, callFrame } of nodes) {
    const own = callFrame.functionName === '(garbage collector)' ? garbage : kindOf(callFrame);
    kinds.set(id, own ?? kinds.get(callers.get(id)));
  }
  const idle = new Set(nodes.filter(({ callFrame }) => callFrame.functionName === '(idle)').map(({ id }) => id));
  const spent = new Map<string, number>();
  for (const [at, id] of samples.entries()) {
    const kind = kinds.get(id) ?? 'other';
    if (!idle.has(id)) spent.set(kind, (spent.get(kind) ?? 0) + ofThisProcess(timeDeltas[at] ?? 0));
  }
  return spent;
};

/** The mean of each operation, of so many. */
export const perOperation = (all: readonly Spent[], operations: number): Spent => {
  const sum = new Map<string, number>();
  for (const [kind, ms] of all.flatMap((spent) => [...spent])) sum.set(kind, (sum.get(kind) ?? 0) + ms);
  return new Map([...sum].map(([kind, ms]) => [kind, ms / operations]));
};

/** Groups of source files. A file belongs to the first group whose pattern matches its URL. */
const files = {
  'AWS client': /node_modules\/@(?:aws|aws-sdk|aws-crypto|smithy)\//,
  'middy and other packages': /node_modules\//,
  'our own code': /\/functions\//,
  "the bench's own": /\/bench\/|^node:inspector/,
  'node:crypto': /^node:(?:internal\/)?crypto/,
  "Node's HTTP, sockets, streams, promises": /^node:/,
};

/** In the order of the table's rows. */
export const kindsOfCalls = [...Object.keys(files), garbage, 'other'];

const kindOfCall = ({ url }: Frame): string | undefined =>
  Object.entries(files).find(([, pattern]) => pattern.test(url))?.[0];

/** Profiles calls. */
export const profiled = async (work: () => Promise<void>): Promise<Spent> => {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: intervalUs });
  await session.post('Profiler.start');
  await work();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  return spentIn(profile, kindOfCall);
};
