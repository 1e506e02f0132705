import { everything, type SearchTask } from '../state/state.ts';
import type { Leg } from './leg.ts';
import { searchByType } from './search-types-instead.ts';

/*
 * A search is planned when the export begins. The partner's scopes may be narrowed while it runs.
 */

/** Reports once that the partner's scope no longer covers a type. */
export const reportLostScope = ({ state, tagOf, problems }: Leg, type: string): void => {
  if (state.seen.add(tagOf(`lost ${type}`))) problems.add({ kind: 'typeOutOfScope', type, narrowed: true });
};

/**
 * Drops the first search if the scope no longer covers it, and reports what is missing. A request for everything that
 * was not answered yet is replaced by searches. Returns whether the queue has changed.
 */
export const dropIfBeyondScope = (leg: Leg, { type, page }: SearchTask): boolean => {
  const { wanted, queue, problems } = leg;
  if (type === everything ? wanted.mayAll('rs') : wanted.may(type, 's')) return false;
  queue.shift();
  if (type !== everything) reportLostScope(leg, type);
  else if (page === 1) searchByType(leg);
  else problems.add({ kind: 'typeNotRead', type, why: 'scopeNarrowed' });
  return true;
};
