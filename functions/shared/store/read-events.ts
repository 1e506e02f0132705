import { auditEventAttributes } from './attributes.ts';
import { writeItem, type Item } from './items.ts';

/** What a read left behind: that it began, or how it ended. Ids and figures only, never what was read. */
export interface ReadEvent {
  readonly type: 'opened' | 'ended';
  readonly atMs: number;
  readonly requestId: string;
  readonly grantId: string;
  readonly partner: string;
  readonly payer: string;
  /** The payer's id of the patient, where the grant knows one. */
  readonly patient?: string;
  /** The FHIR interaction and type, such as `search-type Observation`. */
  readonly interaction: string;
  /** How it ended; absent from what has only begun. */
  readonly end?: ReadEnd;
}

/** How a read ended. */
interface ReadEnd {
  /** The HTTP status that the partner was given. */
  readonly status: number;
  /** Our error code; absent where all went well. */
  readonly error?: string;
  /** Body bytes that left; absent where the answer was no stream of the payer's. */
  readonly bytes?: number;
  /** Whether the partner closed the connection before the end. */
  readonly callerLeft?: boolean;
}

/** Longer than the 24 hours of the table's stream, and than a month that nobody looked. Seconds. */
const keptSeconds = 35 * 86_400;

/** The longest that fetch may run; no read is open for longer. Seconds. */
export const longestReadSeconds = 14 * 60;

/**
 * The index of AuditEvents that holds open reads only: an item is in it while it has the index's key, which its end leaves
 * out. So whoever looks for reads without an end need not look at those that have one.
 */
export const openReads = { index: 'OpenReads', key: 'openId' } as const;

/**
 * The event as an item of AuditEvents. Its key is the request's: what happened last takes the place of what was before, and a
 * repeated write changes nothing. The stream tells of each.
 */
export const readEventItem = ({ requestId, type, atMs, end, ...known }: ReadEvent): Item =>
  writeItem(auditEventAttributes, {
    eventId: requestId,
    openId: type === 'opened' ? requestId : undefined,
    type,
    atMs,
    requestId,
    grantId: known.grantId,
    partner: known.partner,
    payer: known.payer,
    patient: known.patient,
    interaction: known.interaction,
    status: end?.status,
    error: end?.error,
    bytes: end?.bytes,
    callerLeft: end?.callerLeft === true ? true : undefined,
    expiresAt: Math.floor(atMs / 1000) + keptSeconds,
  });
