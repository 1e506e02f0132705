import { Readable } from 'node:stream';
import type { MiddlewareObj } from '@middy/core';
import { causeOf, unavailable } from '../shared/errors.ts';
import type { ApiEvent, ApiResponse } from '../shared/http/api.ts';
import { raise, recordOf, type RequestRecord } from '../shared/record/request-record.ts';
import type { FetchDeps } from './deps.ts';

/*
 * A read that is understood, of a grant that is known, leaves its audit events however it ends:
 *
 *   noteRead ─┬─ refused (scope, patient, payer tokens) ──────────────► ended
 *             └─ openRead: opened, beside the payer's call ─┬─ body ──► ended, by the body's generator
 *                   │                                       └─ other ─► ended, by the middleware
 *                   └─ not written ─► 503, and nothing of the payer's leaves
 */

/** What the gate and the end hook are told. */
export interface AuditedRead {
  readonly record: RequestRecord;
  /** The payer's id of the patient; it has no place in the record, which is logged. */
  readonly patient: string | undefined;
}

type Gate = Pick<FetchDeps, 'openGate' | 'onEnd'>;

const reads = new WeakMap<RequestRecord, AuditedRead>();

/** From here on, the end of the request is audited. */
export const noteRead = (record: RequestRecord, patient: string | undefined): void => {
  reads.set(record, { record, patient });
};

/**
 * Opens the gate for a read that was noted.
 * @throws GatewayError `temporarily_unavailable` where the event is not known to be written: nothing may leave
 */
export const openRead = async (deps: Gate, record: RequestRecord): Promise<void> => {
  const read = reads.get(record);
  try {
    if (read === undefined) throw new Error('noteRead must come first');
    await deps.openGate(read);
  } catch (error) {
    // A closing event would only wait once more for what has just failed.
    reads.delete(record);
    raise(record, 'auditNotWritten');
    throw unavailable(`gate: ${causeOf(error)}`);
  }
};

/**
 * Lets the end hook end, once for each read that was noted.
 * @throws whatever the hook threw; the record has the signal then
 */
export const endRead = async (deps: Gate, record: RequestRecord, { callerLeft = false } = {}): Promise<void> => {
  const read = reads.get(record);
  if (read === undefined) return;
  reads.delete(record);
  try {
    await deps.onEnd(read, { callerLeft });
  } catch (error) {
    raise(record, 'auditNotWritten');
    record.detail ??= `end hook: ${causeOf(error)}`;
    throw error;
  }
};

/** Ends every read whose answer is no stream. */
export const auditAnswers = (deps: Gate): MiddlewareObj<ApiEvent, ApiResponse> => {
  const end = async ({
    event,
    response,
  }: {
    readonly event: ApiEvent;
    readonly response?: ApiResponse | null | undefined;
  }): Promise<void> => {
    if (response?.body instanceof Readable) return;
    const record = recordOf(event);
    record.status = response?.statusCode ?? 500;
    // The answer stands: it holds no record of the member's, and where the payer was asked, the opening event is there.
    await endRead(deps, record).catch(() => undefined);
  };
  return { after: end, onError: end };
};
