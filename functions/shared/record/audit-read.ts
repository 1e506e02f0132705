import { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import { causeOf, unavailable } from '../errors.ts';
import type { ApiResponse } from '../http/api.ts';
import type { Table } from '../store/dynamo.ts';
import { putReadEvent, putReadEventOnce } from '../store/put-read-event.ts';
import { raise, type Middleware, type RequestContext, type RequestRecord } from './request-record.ts';

/*
 * Once a read is parsed and its grant known, it leaves audit events however it ends:
 *
 *   auditRead ─┬─ refused (scope, patient, payer tokens) ───────────► end
 *              └─ begin, beside the payer's call ─┬─ body ──────────► end, by the body's generator
 *                   │                             └─ other ─────────► end, by the middleware
 *                   └─ not written ─► 503, and none of the payer's bytes leave
 */

/** What the gate and the end hook get. */
export interface AuditedRead {
  readonly record: RequestRecord;
  /** The patient's id at the payer. It is not in the record, which is logged. */
  readonly patient: string | undefined;
}

/** Where the audit goes. */
export interface ReadGate {
  /** Must resolve before the first byte of health data leaves. If it rejects, none leaves. */
  readonly openGate: (read: AuditedRead) => Promise<void>;
  /** Awaited when a read has ended, in any way, before its answer is finished. */
  readonly onEnd: (read: AuditedRead) => Promise<void>;
}

/** Where the audit of what is answered from the gateway's own files goes. */
export interface OnceGate {
  /**
   * Must resolve before the answer leaves. However often it is called with a key, one event is written.
   * @param key what the event is one of
   */
  readonly noteOnce: (read: AuditedRead, key: string) => Promise<void>;
}

/** The audit of one read. */
export interface ReadAudit {
  /**
   * Opens the gate.
   * @throws GatewayError `temporarily_unavailable` if the event may not have been written: nothing may leave
   */
  readonly begin: () => Promise<void>;
  /**
   * Waits for the end hook, once.
   * @throws whatever the hook threw; the record then has the signal
   */
  readonly end: () => Promise<void>;
}

/** The context of a read, with its audit once that has begun. */
export interface AuditContext extends RequestContext {
  audit?: ReadAudit;
}

/**
 * Audits an answer from the gateway's own files, once for a key.
 * @throws GatewayError `temporarily_unavailable` if the event may not have been written: nothing may leave
 */
export const auditOnce = async (gate: OnceGate, read: AuditedRead, key: string): Promise<void> => {
  try {
    await gate.noteOnce(read, key);
  } catch (error) {
    raise(read.record, 'auditNotWritten');
    throw unavailable(`gate: ${causeOf(error)}`);
  }
};

/** Starts the audit of a read: from here on, its end is audited. */
export const auditRead = (gate: ReadGate, context: AuditContext, patient: string | undefined): ReadAudit => {
  const { record } = context;
  const read = { record, patient };
  let isOver = false;
  const audit: ReadAudit = {
    begin: async () => {
      try {
        await gate.openGate(read);
      } catch (error) {
        // A closing event would only wait again for the table that has just failed.
        isOver = true;
        raise(record, 'auditNotWritten');
        throw unavailable(`gate: ${causeOf(error)}`);
      }
    },
    end: async () => {
      if (isOver) return;
      isOver = true;
      try {
        await gate.onEnd(read);
      } catch (error) {
        raise(record, 'auditNotWritten');
        record.detail ??= `end hook: ${causeOf(error)}`;
        throw error;
      }
    },
  };
  context.audit = audit;
  return audit;
};

/** Ends every audited read whose answer is not a stream. */
export const auditAnswers: Middleware<AuditContext> = {
  after: ({ context, response }) => endAnswered(context, response),
  onError: ({ context, response }) => endAnswered(context, response),
};

const endAnswered = async (
  { record, audit }: AuditContext,
  response: ApiResponse | null | undefined,
): Promise<void> => {
  if (response?.body instanceof Readable) return;
  record.status = response?.statusCode ?? 500;
  // The answer stands: it has no health data, and if the payer was asked, the opening event was written.
  await audit?.end().catch(() => undefined);
};

const known = ({ record, patient }: AuditedRead) => ({
  requestId: record.requestId,
  grantId: record.grantId ?? '',
  ...(record.exchange === undefined ? {} : { exchange: record.exchange }),
  partner: record.partner ?? '',
  payer: record.payer ?? '',
  interaction: record.interaction ?? '',
  patient,
});

/**
 * The real gate and end hook: each writes the request's item of AuditEvents with one put. The SDK's own retry after a
 * lost answer is harmless.
 */
export const readEventWriter = (table: Table, { now }: Clock): ReadGate & OnceGate => ({
  openGate: (read) => putReadEvent(table, { ...known(read), type: 'opened', atMs: now() }),
  onEnd: (read) => {
    const { status = 500, error, bytes } = read.record;
    return putReadEvent(table, {
      ...known(read),
      type: 'ended',
      atMs: now(),
      end: { status, error, bytes },
    });
  },
  noteOnce: (read, key) =>
    putReadEventOnce(table, { ...known(read), eventId: key, type: 'ended', atMs: now(), end: { status: 200 } }),
});
