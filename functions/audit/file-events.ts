import { createHash } from 'node:crypto';
import type { FiledEvent } from './read-records.ts';

/** An object of the audit bucket. */
export interface AuditObject {
  readonly key: string;
  /** NDJSON: one AuditEvent a line. */
  readonly body: string;
}

const lines = (events: readonly FiledEvent[]): string =>
  events.map(({ event }) => `${JSON.stringify(event)}\n`).join('');

/**
 * The objects that a batch becomes: one for each partner and day, and one for each new grant.
 *
 * An object is named by its content. A batch that comes again makes the same objects; one that comes again longer or
 * shorter, as it may after a restart of the stream's reader, makes others, and no event hides behind an older name.
 */
export const fileEvents = (events: readonly FiledEvent[]): AuditObject[] => {
  const folderOf = ({ event, partner }: FiledEvent): string =>
    `events/partner=${partner}/date=${event.recorded.slice(0, 10)}`;
  const days = [...Map.groupBy(events, folderOf)].map(([folder, filed]) => {
    const body = lines(filed);
    return { key: `${folder}/${createHash('sha256').update(body).digest('hex')}.ndjson`, body };
  });
  const grants = events.flatMap((filed) =>
    filed.createdGrant === undefined ? [] : [{ key: `grants/${filed.createdGrant}.ndjson`, body: lines([filed]) }],
  );
  return [...days, ...grants];
};
