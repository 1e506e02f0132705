import { instant } from '../../functions/shared/instant.ts';
import type { Item } from '../../functions/shared/store/items.ts';
import { Refusal } from '../shared/errors.ts';
import type { Wait } from '../shared/patience.ts';
import { scanPages } from '../shared/scan-pages.ts';
import type { Copy } from './copy.ts';
import { decideFate, lastEventOf, type Fate } from './decide.ts';
import type { Known } from './known-events.ts';

/** How many items of a copy have each fate. */
export type Counts = Readonly<Record<Fate, number>>;

/** How much of the audit before the point is read too, to see that it is complete. Seconds. */
export const overlapSeconds = 3600;

const shownGaps = 5;

interface Planning {
  readonly known: Known;
  /** Epoch seconds. */
  readonly now: number;
  readonly wait: Wait;
}

/** The last event of an item, if the audit should have it and has not. */
const gapIn = (item: Item, known: Known, since: number): string | undefined => {
  const last = lastEventOf(item);
  const grantId = item['grantId']?.S ?? '';
  if (last === undefined || last.at < since) return undefined;
  const isKnown = (known.get(grantId) ?? []).some(
    ({ type, at, requestId }) => type === last.type && at === last.at && requestId === last.requestId,
  );
  return isKnown ? undefined : `${grantId} (${last.type} at ${instant(last.at)})`;
};

/**
 * Counts what would become of a copy's items.
 * @throws Refusal if the audit lacks an event that the copy has: then it may also lack the end of a grant
 */
export const planGrants = async (copy: Copy, { known, now, wait }: Planning): Promise<Counts> => {
  const counts: Record<Fate, number> = {
    putBack: 0,
    assertion: 0,
    codeOpen: 0,
    endedSince: 0,
    changedSince: 0,
    over: 0,
    unreadable: 0,
  };
  const gaps: string[] = [];
  for await (const { items } of scanPages({ ...copy, wait })) {
    for (const item of items) {
      counts[decideFate(item, known, now)] += 1;
      const gap = gapIn(item, known, copy.point - overlapSeconds);
      if (gap !== undefined) gaps.push(gap);
    }
  }
  if (gaps.length > 0) {
    throw new Refusal(
      `The audit lacks the last event of ${gaps.length} grants of the copy: ${gaps.slice(0, shownGaps).join(', ')}. So it ` +
        'may also lack that a grant ended, and nothing was changed. If the audit is behind, wait until it is not ' +
        '(docs/alarms.md, audit-behind). If those events are lost, these grants must be lost too.',
    );
  }
  return counts;
};
