import { makeEvent } from '../shared/events/event.ts';
import { grantAttributes, grantEventAttributes } from '../shared/store/attributes.ts';
import { readerOf, type StoredItem } from '../shared/store/items.ts';
import type { Task } from './tasks.ts';

/** The facts of a grant that matter here. Times are epoch seconds. */
interface Standing {
  readonly partner: string;
  readonly payer: string;
  /** Set once the partner has the grant's tokens. */
  readonly redeemedAt: number | undefined;
  readonly revokedAt: number | undefined;
  readonly endsAt: number;
  readonly reason: string | undefined;
  /** Whether an operator has put the item back. */
  readonly restored: boolean;
}

const readStanding = (image: StoredItem): Standing => {
  const read = readerOf(grantAttributes, image);
  const readEvent = readerOf(grantEventAttributes, image['lastEvent']?.M ?? {});
  const [partner, payer, endsAt] = [read('partner'), read('payer'), read('endsAt')];
  if (partner === undefined || payer === undefined || endsAt === undefined) throw new Error('the image is no grant');
  return {
    partner,
    payer,
    endsAt,
    redeemedAt: read('redeemedAt'),
    revokedAt: read('revokedAt'),
    reason: readEvent('reason'),
    restored: readEvent('type') === 'restored',
  };
};

/** When the grant ended, and why; undefined while it is live, and if its item was deleted before its time. */
const endOf = (
  after: Standing | undefined,
  before: Standing | undefined,
  at: number,
): { at: number; reason: string } | undefined => {
  if (after === undefined) {
    return before === undefined || at < before.endsAt ? undefined : { at: before.endsAt, reason: 'expired' };
  }
  return after.revokedAt === undefined ? undefined : { at: after.revokedAt, reason: after.reason ?? 'unknown' };
};

/**
 * The tasks that follow from a write to Grants. A partner gets no events about a grant whose code was never redeemed.
 *
 * Nor does it when an item is deleted by hand or by mistake, and put back: told of an end, it would forget tokens that
 * may work again, and told of a beginning, it would take an old grant for a new one. The export goes all the same.
 * @param at when it was written, in epoch seconds
 * @throws Error if an image cannot be read
 */
export const grantTasks = (
  grantId: string,
  oldImage: StoredItem | undefined,
  newImage: StoredItem | undefined,
  at: number,
): Task[] => {
  const before = oldImage === undefined ? undefined : readStanding(oldImage);
  const after = newImage === undefined ? undefined : readStanding(newImage);
  const grant = after ?? before;
  if (grant?.redeemedAt === undefined) return [];
  const { partner, payer, redeemedAt } = grant;
  const data = { grant: grantId, payer };
  const tasks: Task[] = [];
  if (after !== undefined && before?.redeemedAt === undefined && !after.restored) {
    tasks.push({ do: 'tell', event: makeEvent('grant.created', { partner, atSeconds: redeemedAt, data }) });
  }
  if (before?.revokedAt !== undefined) return tasks;
  const ended = endOf(after, before, at);
  if (after === undefined || ended !== undefined) tasks.push({ do: 'deleteExport', grantId });
  if (ended !== undefined) {
    const { at: atSeconds, reason } = ended;
    tasks.push({ do: 'tell', event: makeEvent('grant.ended', { partner, atSeconds, data: { ...data, reason } }) });
  }
  return tasks;
};
