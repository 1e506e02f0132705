import type { Clock } from '../clock.ts';
import { boundedMap } from './bounded-map.ts';

/** How long a read counts as fresh, and how long it may be used while the store fails, in milliseconds. */
export const freshMs = 20_000;
export const staleMs = 5 * 60_000;

/** After a failure, calls that can go on with what is kept do not ask for this long, so that not each waits. */
const aloneMs = 2000;

/** The most keys kept with a value, and without: anyone can ask for names that do not exist. */
export const mostKept = 20_000;
export const mostAbsent = 1000;

/** The most weight of the values, in characters of JSON. Parsed, they take a few times as much memory. */
export const mostCharacters = 24_000_000;

interface KeptReadsDeps<Value> {
  /** Reads one key; `undefined` if there is nothing. */
  readonly read: (key: string) => Promise<Value | undefined>;
  /** Characters of a value's JSON. */
  readonly weigh: (value: Value) => number;
  readonly clock: Clock;
  /** Told about a failure to read, at most once every two seconds. */
  readonly onFailure: (error: unknown) => void;
}

interface Instant {
  readonly monotonic: number;
  readonly nowMs: number;
}

interface Kept<Value> {
  readonly value: Value | undefined;
  /** When its read began: a write may follow before the read ends. */
  readonly since: Instant;
}

interface Reading<Value> {
  readonly value: Promise<Value | undefined>;
  readonly since: Instant;
}

/**
 * Reads by key, each at most every twenty seconds. While the store fails, what was read in the last five minutes still
 * counts. Concurrent calls share a read.
 * @throws what `read` threw, if nothing recent enough is kept
 */
export const keptReads = <Value>({ read, weigh, clock, onFailure }: KeptReadsDeps<Value>) => {
  const present = boundedMap<Kept<Value>>({
    most: mostKept,
    mostWeight: mostCharacters,
    weigh: ({ value }) => (value === undefined ? 0 : weigh(value)),
  });
  const absent = boundedMap<Kept<Value>>({ most: mostAbsent, mostWeight: 0, weigh: () => 0 });
  const underWay = new Map<string, Reading<Value>>();
  let failedSince: Instant | undefined;

  const instant = (): Instant => ({ monotonic: clock.monotonic(), nowMs: clock.now() });

  // The monotonic clock may stand still while Lambda freezes the environment, and the wall clock may go back: the longer
  // time counts.
  const ageOf = ({ monotonic, nowMs }: Instant): number => Math.max(clock.monotonic() - monotonic, clock.now() - nowMs);

  const find = (key: string): Kept<Value> | undefined => present.get(key) ?? absent.get(key);

  const keep = (key: string, kept: Kept<Value>): void => {
    const [into, from] = kept.value === undefined ? [absent, present] : [present, absent];
    from.delete(key);
    into.set(key, kept);
  };

  const hasJustFailed = (): boolean => failedSince !== undefined && ageOf(failedSince) < aloneMs;

  const noteFailure = (error: unknown): void => {
    if (hasJustFailed()) return;
    onFailure(error);
    failedSince = instant();
  };

  const isRecent = (kept: Kept<Value> | undefined): kept is Kept<Value> =>
    kept !== undefined && ageOf(kept.since) < staleMs;

  const startRead = (key: string): Promise<Value | undefined> => {
    const since = instant();
    const readAndKeep = async (): Promise<Value | undefined> => {
      try {
        const value = await read(key);
        failedSince = undefined;
        // A read that froze with its environment was replaced, and its value is too old to keep.
        if (underWay.get(key) === reading) keep(key, { value, since });
        return value;
      } catch (error) {
        noteFailure(error);
        const kept = find(key);
        if (!isRecent(kept)) throw error;
        return kept.value;
      } finally {
        if (underWay.get(key) === reading) underWay.delete(key);
      }
    };
    // Begins one turn later, when `reading` is there.
    const reading: Reading<Value> = { since, value: Promise.resolve().then(readAndKeep) };
    underWay.set(key, reading);
    return reading.value;
  };

  return async (key: string): Promise<Value | undefined> => {
    const kept = find(key);
    if (kept !== undefined && ageOf(kept.since) < freshMs) return kept.value;
    const reading = underWay.get(key);
    if (reading !== undefined && ageOf(reading.since) < freshMs) return reading.value;
    if (hasJustFailed() && isRecent(kept)) return kept.value;
    return startRead(key);
  };
};
