import type { Clock } from '../deps.ts';

/** How long a read counts as fresh, and how long it may be used while the store fails, in milliseconds. */
export const freshMs = 20_000;
export const staleMs = 5 * 60_000;

/** After a failure the store is left alone for this long, so that not every call waits for it. */
const aloneMs = 2000;

/** The most keys kept with a value, and without: anyone can ask for names that do not exist. */
const mostKept = 20_000;
const mostAbsent = 1000;

interface KeptReadsDeps<Value> {
  /** Reads one key; `undefined` if there is nothing. */
  readonly read: (key: string) => Promise<Value | undefined>;
  readonly clock: Clock;
  /** Told about each failure to read. */
  readonly onFailure: (error: unknown) => void;
}

interface Kept<Value> {
  readonly value: Value | undefined;
  readonly readAt: number;
  readonly readAtMs: number;
}

/**
 * Reads by key, each at most every twenty seconds. While the store fails, what was read in the last five minutes still
 * counts. Concurrent calls share a read.
 * @throws what `read` threw, if nothing recent enough is kept
 */
export const keptReads = <Value>({ read, clock, onFailure }: KeptReadsDeps<Value>) => {
  const present = new Map<string, Kept<Value>>();
  const absent = new Map<string, Kept<Value>>();
  const reading = new Map<string, Promise<Value | undefined>>();
  let failed: { readonly error: unknown; readonly at: number } | undefined;

  // A frozen environment's monotonic clock may stand still, and a wall clock may go back: the longer time counts.
  const ageOf = ({ readAt, readAtMs }: Kept<Value>): number =>
    Math.max(clock.monotonic() - readAt, clock.now() - readAtMs);

  const keep = (key: string, value: Value | undefined, at: { readAt: number; readAtMs: number }): void => {
    const [map, other, most] = value === undefined ? [absent, present, mostAbsent] : [present, absent, mostKept];
    other.delete(key);
    map.delete(key);
    map.set(key, { value, ...at });
    const [oldest] = map.keys();
    if (map.size > most && oldest !== undefined) map.delete(oldest);
  };

  const readNow = async (key: string): Promise<Value | undefined> => {
    // The age counts from before the read, since a write may follow it.
    const at = { readAt: clock.monotonic(), readAtMs: clock.now() };
    const value = await read(key);
    keep(key, value, at);
    failed = undefined;
    return value;
  };

  const readOrKept = async (key: string, kept: Kept<Value> | undefined): Promise<Value | undefined> => {
    const isUsable = kept !== undefined && ageOf(kept) < staleMs;
    try {
      if (failed !== undefined && clock.monotonic() - failed.at < aloneMs) throw failed.error;
      return await readNow(key);
    } catch (error) {
      if (error !== failed?.error) {
        failed = { error, at: clock.monotonic() };
        onFailure(error);
      }
      if (!isUsable) throw error;
      return kept.value;
    }
  };

  return async (key: string): Promise<Value | undefined> => {
    const kept = present.get(key) ?? absent.get(key);
    if (kept !== undefined && ageOf(kept) < freshMs) return kept.value;
    const underWay = reading.get(key);
    if (underWay !== undefined) return underWay;
    const started = readOrKept(key, kept).finally(() => reading.delete(key));
    reading.set(key, started);
    return started;
  };
};
