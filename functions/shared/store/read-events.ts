import { n, s, type Item } from './dynamo.ts';

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

const endOf = ({ status, error, bytes, callerLeft }: ReadEnd): Item => ({
  status: n(status),
  ...(error === undefined ? {} : { error: s(error) }),
  ...(bytes === undefined ? {} : { bytes: n(bytes) }),
  ...(callerLeft === true ? { callerLeft: { BOOL: true } } : {}),
});

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
export const readEventItem = (event: ReadEvent): Item => ({
  eventId: s(event.requestId),
  ...(event.type === 'opened' ? { [openReads.key]: s(event.requestId) } : {}),
  type: s(event.type),
  atMs: n(event.atMs),
  requestId: s(event.requestId),
  grantId: s(event.grantId),
  partner: s(event.partner),
  payer: s(event.payer),
  ...(event.patient === undefined ? {} : { patient: s(event.patient) }),
  interaction: s(event.interaction),
  ...(event.end === undefined ? {} : endOf(event.end)),
  expiresAt: n(Math.floor(event.atMs / 1000) + keptSeconds),
});
