import { auditEventAttributes } from './attributes.ts';
import { writeItem, type Item } from './items.ts';

/** The event of a read: that it began, or how it ended. Ids and figures only, never what was read. */
export interface ReadEvent {
  readonly type: 'opened' | 'ended';
  readonly atMs: number;
  readonly requestId: string;
  /** The item's key, for what is written once for more than one request. @default the request id */
  readonly eventId?: string;
  readonly grantId: string;
  /** Its id, if this is of an exchange between plans, which has no grant. */
  readonly exchange?: string;
  readonly partner: string;
  readonly payer: string;
  /** The patient's id at the payer, if the grant has one. */
  readonly patient?: string;
  /** The FHIR interaction and type, such as `search-type Observation`. */
  readonly interaction: string;
  /** How it ended; absent while it is open. */
  readonly end?: ReadEnd;
}

/** How a read ended. */
interface ReadEnd {
  /** The HTTP status that the partner was given. */
  readonly status: number;
  /** Our error code; absent after success. */
  readonly error?: string;
  /** Body bytes sent; absent if the answer was not a stream from the payer. */
  readonly bytes?: number;
}

/** Longer than the 24 hours of the table's stream, and than a month without anyone looking. Seconds. */
export const keptSeconds = 35 * 86_400;

/** The longest that fetch may run, and so the longest that a read is open. Seconds. */
export const longestReadSeconds = 14 * 60;

/**
 * The index of AuditEvents with open reads only: an item is in it while it has the index's key, which the end of a read
 * removes. A search for reads without an end then skips all that have one.
 */
export const openReads = { index: 'OpenReads', key: 'openId' } as const;

/**
 * The event as an item of AuditEvents. The request id is its key, so the last event replaces the one before, and a
 * repeated write changes nothing. The table's stream has each of them.
 */
export const readEventItem = ({ requestId, eventId = requestId, type, atMs, end, ...known }: ReadEvent): Item =>
  writeItem(auditEventAttributes, {
    eventId,
    openId: type === 'opened' ? requestId : undefined,
    type,
    atMs,
    requestId,
    grantId: known.grantId,
    exchange: known.exchange,
    partner: known.partner,
    payer: known.payer,
    patient: known.patient,
    interaction: known.interaction,
    status: end?.status,
    error: end?.error,
    bytes: end?.bytes,
    expiresAt: Math.floor(atMs / 1000) + keptSeconds,
  });
