import { instant } from '../shared/instant.ts';
import { auditEventAttributes } from '../shared/store/attributes.ts';
import { readerOf } from '../shared/store/items.ts';
import { keptSeconds } from '../shared/store/read-events.ts';
import { areApart, claimOf } from './audit-event.ts';
import { requiredReader, type StreamImage } from './stream-image.ts';

/**
 * The event's time, as recorded in its AuditEvents item: its own time, to the millisecond, if the stream's agrees, or if an operator
 * has just put an older item back.
 * @param at when the stream got it, epoch seconds
 * @returns the event's time, and what to note about it
 * @throws Error if it is not readable
 */
export const itemTime = (image: StreamImage, at: number) => {
  const claimedAt = requiredReader(auditEventAttributes, image)('atMs') / 1000;
  const refiledAt = readerOf(auditEventAttributes, image)('refiledAt') ?? Number.NaN;
  const isPutBack = !areApart(refiledAt, at) && claimedAt < at && claimedAt >= at - keptSeconds;
  const isBelieved = isPutBack || !areApart(claimedAt, at);
  return {
    recorded: isBelieved ? new Date(claimedAt * 1000).toISOString() : instant(at),
    marks: { ...(isBelieved ? {} : claimOf(claimedAt, at)), ...(isPutBack ? { putBackAt: instant(at) } : {}) },
  };
};
