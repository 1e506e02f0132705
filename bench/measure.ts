import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Whose code is measured: the gateway's, the least that any code must do, or another project's. */
export type Kind = 'ours' | 'floor' | 'peer';

/** The time of one operation, in milliseconds. CPU time is that of all threads of this process. */
export interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Runs a number of operations and returns the mean of one. */
export type Round = (operations: number) => Promise<Sample>;

/** Something to measure. If a peer fails, the others are still measured, and the report says so. Any other failure is an error. */
export interface Candidate {
  readonly name: string;
  readonly kind: Kind;
  /** The candidate whose time is divided by this one's. @default the gateway's, if there is only one */
  readonly of?: string | undefined;
  readonly start: () => Promise<Round> | Round;
}

/** One sample per round, in the order of the rounds. */
export interface Series extends Pick<Candidate, 'name' | 'kind' | 'of'> {
  readonly samples: Sample[];
}

/** A peer that failed. */
export interface Missing {
  readonly name: string;
  readonly reason: string;
}

export interface Plan {
  readonly rounds: number;
  /** Operations per round. */
  readonly operations: number;
  /** Operations of each candidate before its first round. */
  readonly warmUpOperations: number;
}

export interface Measured {
  readonly series: readonly Series[];
  readonly missing: readonly Missing[];
  readonly plan: Plan;
}

setFlagsFromString('--expose-gc');
// A forced collection ages code as hours of traffic would, and each round would then compile its code again.
setFlagsFromString('--no-flush-bytecode');

const collect = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;

/** A full collection, so that no subject pays for the garbage of the one before. It also discards optimized code. */
export const collectGarbage = (): void => collect();

/** Collects only the young generation. It keeps compiled code, so that the next measurement stays warm. */
const collectYoung = (): void => collect({ type: 'minor' });

/** Measures how long some work takes. */
export const timed = async (work: () => Promise<void> | void): Promise<Sample> => {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const wallMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (user + system) / 1000 };
};

const perOperation = ({ wallMs, cpuMs }: Sample, operations: number): Sample => ({
  wallMs: wallMs / operations,
  cpuMs: cpuMs / operations,
});

/** Operations of a round before its clock starts. */
const leadInOperations = 3;

/** Makes what a round needs, and runs the first of it. */
const prepared = async <T>(
  prepare: (count: number) => Promise<readonly T[]>,
  run: (one: T) => Promise<unknown>,
  operations: number,
): Promise<readonly T[]> => {
  const made = await prepare(leadInOperations + operations);
  collectYoung();
  for (const one of made.slice(0, leadInOperations)) await run(one);
  return made.slice(leadInOperations);
};

/** A round of sequential operations. They are prepared before the clock starts. */
export const oneByOne =
  <T>(prepare: (count: number) => Promise<readonly T[]>, run: (one: T) => Promise<void>): Round =>
  async (operations) => {
    const made = await prepared(prepare, run, operations);
    const sample = await timed(async () => {
      for (const one of made) await run(one);
    });
    return perOperation(sample, operations);
  };

/**
 * Like {@link oneByOne}, for operations of two steps. All first steps are timed, then all second steps. The sample of each is added
 * to `apart`, and the round's sample is their sum.
 */
export const twoSteps =
  <T, U>(
    prepare: (count: number) => Promise<readonly T[]>,
    [first, second]: readonly [(one: T) => Promise<U>, (one: U) => Promise<void>],
    apart: readonly [Sample[], Sample[]],
  ): Round =>
  async (operations) => {
    const made = await prepared(prepare, async (one) => second(await first(one)), operations);
    const between: U[] = [];
    const firsts = await timed(async () => {
      for (const one of made) between.push(await first(one));
    });
    const seconds = await timed(async () => {
      for (const one of between) await second(one);
    });
    const [one, other] = [perOperation(firsts, operations), perOperation(seconds, operations)];
    apart[0].push(one);
    apart[1].push(other);
    return { wallMs: one.wallMs + other.wallMs, cpuMs: one.cpuMs + other.cpuMs };
  };

/**
 * Like {@link oneByOne}, but the clock starts at a signal, and each operation's milliseconds are added to `latencies`.
 */
export const onSignal =
  (signal: () => Promise<void>, latencies: number[]): typeof oneByOne =>
  (prepare, run) =>
  async (operations) => {
    const made = await prepared(prepare, run, operations);
    await signal();
    const sample = await timed(async () => {
      for (const one of made) {
        const startedAt = performance.now();
        await run(one);
        latencies.push(performance.now() - startedAt);
      }
    });
    return perOperation(sample, operations);
  };

/** A round of work without preparation. `leadIn` runs before the clock starts. */
export const repeated =
  (work: () => void, leadIn: () => void = work): Round =>
  async (operations) => {
    collectGarbage();
    leadIn();
    const sample = await timed(() => {
      for (let done = 0; done < operations; done += 1) work();
    });
    return perOperation(sample, operations);
  };

/** Makes `count` of them, one after another. */
export const oneAfterAnother =
  <T>(make: () => Promise<T>) =>
  async (count: number): Promise<T[]> => {
    const made: T[] = [];
    while (made.length < count) made.push(await make());
    return made;
  };

const shuffled = <T>(values: readonly T[]): T[] => {
  const result = [...values];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
};

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).split('\n')[0] ?? '';

type Running = Series & { readonly round: Round };

/** A round prepares all of its operations at once, and a code lives for a minute. A fleet divides these evenly. */
const mostAtOnce = 80;

/** Floors and peers are warmed by as many operations as the gateway. */
const warmUp = async (round: Round, operations: number): Promise<void> => {
  for (let left = operations; left > 0; left -= mostAtOnce) await round(Math.min(left, mostAtOnce));
};

const unlessPeer = (candidate: Pick<Candidate, 'name' | 'kind'>, missing: Missing[], error: unknown): void => {
  if (candidate.kind !== 'peer') throw error;
  missing.push({ name: candidate.name, reason: reasonOf(error) });
};

const startAll = async (
  candidates: readonly Candidate[],
  { warmUpOperations }: Plan,
  missing: Missing[],
): Promise<Running[]> => {
  const running: Running[] = [];
  for (const { start, ...candidate } of candidates) {
    try {
      const round = await start();
      await warmUp(round, warmUpOperations);
      running.push({ ...candidate, samples: [], round });
    } catch (error) {
      unlessPeer(candidate, missing, error);
    }
  }
  return running;
};

/**
 * Measures candidates in interleaved rounds. Each pair of rounds is a random order and its mirror image (ABBA), so a
 * machine that slows down or speeds up favors none of them.
 * @throws what the gateway or a floor throws
 */
export const measure = async (candidates: readonly Candidate[], plan: Plan): Promise<Measured> => {
  const missing: Missing[] = [];
  let running = await startAll(candidates, plan, missing);
  let order: Running[] = [];
  for (let round = 0; round < plan.rounds; round += 1) {
    order = round % 2 === 0 ? shuffled(running) : order.toReversed();
    for (const one of order.filter((candidate) => running.includes(candidate))) {
      try {
        one.samples.push(await one.round(plan.operations));
      } catch (error) {
        unlessPeer(one, missing, error);
        running = running.filter((other) => other !== one);
      }
    }
  }
  return { series: running.map(({ name, kind, of, samples }) => ({ name, kind, of, samples })), missing, plan };
};
