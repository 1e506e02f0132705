import { createHash } from 'node:crypto';
import type { FiledEvent } from './read-records.ts';

/** An object of the audit bucket. */
export interface AuditObject {
  readonly key: string;
  /** NDJSON: one AuditEvent per line. */
  readonly body: string;
}

const lines = (events: readonly FiledEvent[]): string =>
  events.map(({ event }) => `${JSON.stringify(event)}\n`).join('');

/** An object for each folder and day. */
const byDay = (events: readonly FiledEvent[], folderOf: (filed: FiledEvent) => string): AuditObject[] =>
  [...Map.groupBy(events, (filed) => `${folderOf(filed)}/date=${filed.event.recorded.slice(0, 10)}`)].map(
    ([folder, filed]) => {
      const body = lines(filed);
      return { key: `${folder}/${createHash('sha256').update(body).digest('hex')}.ndjson`, body };
    },
  );

/**
 * The objects for a batch: one per partner and day, one per day for the registry, one per new grant, one per grant
 * that has become known as its member's, and, of exchanges, one per payer and day.
 *
 * An object is named by its content. A repeated batch makes the same objects. A batch that is repeated with other
 * limits, as may happen after a restart of the stream's reader, makes others, so no event is hidden by an older name.
 */
export const fileEvents = (events: readonly FiledEvent[]): AuditObject[] => {
  const days = byDay(events, ({ partner }) => (partner === undefined ? 'registry' : `events/partner=${partner}`));
  const exchanges = byDay(
    events.filter(({ ofPayer }) => ofPayer !== undefined),
    ({ ofPayer = '' }) => `exchanges/payer=${ofPayer}`,
  );
  const grants = events.flatMap((filed) =>
    filed.createdGrant === undefined ? [] : [{ key: `grants/${filed.createdGrant}.ndjson`, body: lines([filed]) }],
  );
  const members = events.flatMap((filed) => {
    const { memberIndex = '', grantId = '' } = filed.ofMember ?? {};
    return filed.ofMember === undefined
      ? []
      : [{ key: `members/${memberIndex}/${grantId}.ndjson`, body: lines([filed]) }];
  });
  return [...days, ...grants, ...members, ...exchanges];
};
