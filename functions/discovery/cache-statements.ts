import type { Clock } from '../shared/clock.ts';
import type { Payer } from '../shared/registry/types.ts';
import type { FetchedStatement } from './fetch-statement.ts';

const goodForMs = 3_600_000;
const retryAfterMs = 60_000;

/** A statement may have megabytes, and a stage a thousand payers. */
const mostEntries = 16;

interface Entry {
  readonly fetched: Promise<FetchedStatement>;
  freshUntilMs: number;
}

const setFreshness = async (clock: Clock, entry: Entry): Promise<void> => {
  const { statement } = await entry.fetched;
  entry.freshUntilMs = clock.now() + (statement === undefined ? retryAfterMs : goodForMs);
};

/**
 * Caches payers' statements in memory for an hour, or for a minute if there was none. Concurrent requests share one
 * fetch.
 * @param fetchStatement must not throw
 */
export const cacheStatements = (clock: Clock, fetchStatement: (payer: Payer) => Promise<FetchedStatement>) => {
  const entries = new Map<string, Entry>();
  return (payer: Payer): Promise<FetchedStatement> => {
    const known = entries.get(payer.id);
    if (known !== undefined && clock.now() < known.freshUntilMs) return known.fetched;
    const entry: Entry = { fetched: fetchStatement(payer), freshUntilMs: Number.POSITIVE_INFINITY };
    void setFreshness(clock, entry);
    // Delete it first, so that the entries stay in order of age.
    entries.delete(payer.id);
    entries.set(payer.id, entry);
    const oldest = entries.keys().next();
    if (entries.size > mostEntries && !oldest.done) entries.delete(oldest.value);
    return entry.fetched;
  };
};
