import type { MiddlewareObj } from '@middy/core';
import type { Clock, WriteLog } from './deps.ts';
import { type ErrorCode, GatewayError, type Signal, asGatewayError } from './errors.ts';
import type { ApiEvent, ApiResponse } from './http/api.ts';

/**
 * The one record of a request: it feeds the log line, and later the metrics and the audit. These are all the fields
 * there are; none can hold a token, code, secret, state or health data.
 */
export interface RequestRecord {
  readonly time: string;
  readonly requestId: string;
  readonly function: string;
  readonly method: string;
  /** The route's pattern, such as `/r4/{payer}/{proxy+}`; never the path. */
  readonly route: string;
  readonly startedAtMs: number;
  step?: string;
  payer?: string;
  partner?: string;
  grantId?: string;
  /** The FHIR interaction and type, such as `search Observation`. */
  interaction?: string;
  payerStatus?: number;
  payerMs?: number;
  bytes?: number;
  foreignLinks?: number;
  status?: number;
  error?: ErrorCode;
  detail?: string;
  /** What alarms count. */
  signals?: Signal[];
}

/** Notes what an alarm counts. */
export const raise = (record: RequestRecord, signal: Signal): void => {
  record.signals = [...(record.signals ?? []), signal];
};

const records = new WeakMap<object, RequestRecord>();

/** The record of the request that this event belongs to. */
export const recordOf = (event: ApiEvent): RequestRecord => {
  const record = records.get(event);
  if (record === undefined) throw new Error('recordRequest must come first in the pipeline');
  return record;
};

/** Notes an error in the record. */
export const recordError = (record: RequestRecord, error: unknown): GatewayError => {
  const known = asGatewayError(error);
  record.error = known.code;
  if (known.detail !== undefined) record.detail = known.detail;
  if (known.signal !== undefined) raise(record, known.signal);
  return known;
};

/** Writes the record as one JSON line. */
export const writeRecord = (record: RequestRecord, clock: Clock, writeLog: WriteLog): void => {
  const { startedAtMs, ...fields } = record;
  const level = (record.status ?? 500) >= 500 ? 'error' : record.error === undefined ? 'info' : 'warn';
  writeLog(
    JSON.stringify({
      level,
      ...fields,
      outcome: record.error === undefined ? 'ok' : 'refused',
      ms: Math.round((clock.monotonic() - startedAtMs) * 10) / 10,
    }),
  );
};

/** Opens the request record, and writes it once the answer is known; a streamed body writes it when it ends. */
export const recordRequest = (
  deps: { readonly clock: Clock; readonly writeLog: WriteLog },
  functionName: string,
): MiddlewareObj<ApiEvent, ApiResponse> => {
  const write = (event: ApiEvent, response: ApiResponse | null | undefined): void => {
    const record = recordOf(event);
    record.status = response?.statusCode ?? 500;
    if (typeof response?.body === 'string' || response?.body === undefined) {
      writeRecord(record, deps.clock, deps.writeLog);
    }
  };
  return {
    before: ({ event, context }) => {
      records.set(event, {
        time: new Date(deps.clock.now()).toISOString(),
        // Lambda's own id: API Gateway lets a client choose its request id (`x-amzn-RequestId`), and one-time things
        // recognise their own retried write by this one.
        requestId: context.awsRequestId ?? event.requestContext?.requestId ?? '',
        function: functionName,
        method: event.httpMethod,
        route: event.resource,
        startedAtMs: deps.clock.monotonic(),
      });
    },
    after: ({ event, response }) => write(event, response),
    onError: ({ event, response }) => write(event, response),
  };
};
