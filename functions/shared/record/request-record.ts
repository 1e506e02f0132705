import { Readable } from 'node:stream';
import type { MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';
import type { Clock } from '../clock.ts';
import { asGatewayError, GatewayError, type ErrorCode, type Signal } from '../errors.ts';
import { payerOf, type ApiEvent, type ApiResponse } from '../http/api.ts';
import { edgeFacts } from '../http/edge-headers.ts';
import type { WriteLog } from '../metrics/metrics.ts';
import { requestMetrics, type Outcome, type Step } from '../metrics/metrics.ts';
import type { Registry } from '../registry/registry.ts';

/** The functions behind API Gateway. */
export type FunctionName = 'authorize' | 'callback' | 'connections' | 'discovery' | 'export' | 'fetch' | 'token';

/**
 * The one record of a request, for the log line, its metrics and the audit. It has no other fields, and none can hold a
 * token, code, secret, state or health data.
 */
export interface RequestRecord {
  /** Names the metrics; not logged. */
  readonly stage: string;
  readonly time: string;
  readonly requestId: string;
  readonly function: FunctionName;
  readonly method: string;
  /** The route's pattern, such as `/r4/{payer}/{proxy+}`; never the path. */
  readonly route: string;
  readonly startedAtMs: number;
  /** The caller's address and the request id, both from CloudFront. Only if no one else can have written them. */
  readonly address?: string;
  readonly edgeRequestId?: string;
  /** Without it, the request is in no metric. */
  step?: Step;
  /** The route's payer, if the registry knows it, since it becomes a dimension. On other routes, the grant's. */
  payer?: string;
  partner?: string;
  grantId?: string;
  /** The id of an exchange between plans, which has no grant. */
  exchange?: string;
  /** The FHIR interaction and type, such as `search Observation`. */
  interaction?: string;
  payerStatus?: number;
  payerMs?: number;
  bytes?: number;
  foreignLinks?: number;
  /** How many of the payer's page links nobody can follow: too long to seal or, for a `next` in a header, unreadable or leading elsewhere. */
  unsealedLinks?: number;
  status?: number;
  error?: ErrorCode;
  detail?: string;
  /** What alarms count. Each signal is a metric. */
  signals?: readonly Signal[];
  /** An operator's block or pause refused it, so it is nobody's failure. Not logged, since `detail` says so. */
  stopped?: boolean;
}

/**
 * The reference that a person can quote and `npm run trace` can find: the first two groups of Lambda's random id.
 */
export const referenceOf = ({ requestId }: Pick<RequestRecord, 'requestId'>): string => requestId.slice(0, 13);

/** Adds a signal, once per request. */
export const raise = (record: Pick<RequestRecord, 'signals'>, signal: Signal): void => {
  record.signals = [...new Set(record.signals).add(signal)];
};

/** Adds an error's signal, if it has one, even if the request goes on. */
export const raiseSignalOf = (record: Pick<RequestRecord, 'signals'>, error: unknown): void => {
  if (error instanceof GatewayError && error.signal !== undefined) raise(record, error.signal);
};

/** Lambda's context with the request's record, which {@link recordRequest} adds. */
export interface RequestContext<Name extends FunctionName = FunctionName> extends Context {
  readonly record: RequestRecord & { readonly function: Name };
  /** Settles when the record names the route's payer, if the registry knows it. */
  readonly payerNamed: Promise<void>;
}

/** A middleware after {@link recordRequest}. */
export type Middleware<Given extends RequestContext = RequestContext> = MiddlewareObj<
  ApiEvent,
  ApiResponse,
  Error,
  Given
>;

/** Notes an error in the record. If it has no detail, the log has what was noted before, or else its public sentence. */
export const recordError = (record: RequestRecord, error: unknown): GatewayError => {
  const known = asGatewayError(error);
  record.error = known.code;
  record.detail = known.detail ?? record.detail ?? known.publicMessage;
  if (known.stop !== undefined) record.stopped = true;
  raiseSignalOf(record, known);
  return known;
};

/** Errors of the gateway or the payer, even if a redirect or a cut stream reports them. */
const failures: ReadonlySet<ErrorCode | undefined> = new Set<ErrorCode>([
  'answer_too_large',
  'payer_error',
  'payer_timeout',
  'server_error',
  'temporarily_unavailable',
]);

const outcomeOf = ({ error, stopped = false, status = 500 }: RequestRecord): Outcome => {
  if (stopped) return 'refused';
  if (status >= 500 || failures.has(error)) return 'failed';
  return error === undefined && status < 400 ? 'ok' : 'refused';
};

/** Whether the payer failed the request, no matter what noticed it. */
const isPayerDown = ({ error, payerStatus = 0 }: RequestRecord): boolean =>
  payerStatus >= 500 || error === 'payer_error' || error === 'payer_timeout';

/** Writes the record as one JSON line, from which CloudWatch takes the request's metrics. */
export const writeRecord = (record: RequestRecord, clock: Clock, writeLog: WriteLog): void => {
  if (isPayerDown(record)) raise(record, 'payerDown');
  const { startedAtMs, stage, signals, stopped: _, ...fields } = record;
  const outcome = outcomeOf(record);
  const level = outcome === 'failed' ? 'error' : record.error === undefined ? 'info' : 'warn';
  const ms = Math.round((clock.monotonic() - startedAtMs) * 10) / 10;
  writeLog(
    JSON.stringify({
      level,
      ...fields,
      outcome,
      ms,
      ...requestMetrics(stage, clock.now(), { ...fields, outcome, signals, ms }),
    }),
  );
};

/** What the record of a request needs. */
export interface RecordDeps {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly writeLog: WriteLog;
  /** Whether only CloudFront reaches the functions, so that the headers it adds can be trusted. @default false */
  readonly behindEdge?: boolean;
}

/** Names the route's payer in the record. If the registry cannot be read, the step that needs the payer says so. */
const namePayer = async (registry: Registry, record: Pick<RequestRecord, 'payer'>, id: string): Promise<void> => {
  const payer = await registry.payer(id, { evenIfPaused: true }).catch(() => undefined);
  if (payer !== undefined) record.payer = payer.id;
};

/** Opens the request record, and writes it once the answer is known. A streamed body writes it when it ends. */
export const recordRequest = <Name extends FunctionName>(
  deps: RecordDeps,
  functionName: Name,
): Middleware<RequestContext<Name>> => {
  const write = async (
    { record, payerNamed }: RequestContext,
    response: ApiResponse | null | undefined,
  ): Promise<void> => {
    await payerNamed;
    record.status = response?.statusCode ?? 500;
    if (!(response?.body instanceof Readable)) writeRecord(record, deps.clock, deps.writeLog);
  };
  return {
    before: ({ event, context }) => {
      const record: RequestContext<Name>['record'] = {
        stage: deps.registry.stage,
        time: new Date(deps.clock.now()).toISOString(),
        // Lambda's own id: clients can choose API Gateway's (`x-amzn-RequestId`), and one-time writes recognize their
        // own retry by this one.
        requestId: context.awsRequestId,
        function: functionName,
        method: event.httpMethod,
        route: event.resource,
        startedAtMs: deps.clock.monotonic(),
        ...(deps.behindEdge === true ? edgeFacts(event) : {}),
      };
      // Beside the handler's own reads.
      Object.assign(context, { record, payerNamed: namePayer(deps.registry, record, payerOf(event)) });
    },
    after: ({ context, response }) => write(context, response),
    onError: ({ context, response }) => write(context, response),
  };
};
