import type { MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';
import type { Clock, Deps, WriteLog } from '../deps.ts';
import { asGatewayError, GatewayError, type ErrorCode, type Signal } from '../errors.ts';
import { payerOf, type ApiEvent, type ApiResponse } from '../http/api.ts';
import { edgeFacts } from '../http/edge-headers.ts';
import { requestMetrics, type Outcome, type Step } from './metrics.ts';

/** The functions behind API Gateway. */
export type FunctionName = 'authorize' | 'callback' | 'discovery' | 'fetch' | 'token';

/**
 * The one record of a request: it feeds the log line, its metrics and the audit. These are all the fields there are;
 * none can hold a token, code, secret, state or health data.
 */
export interface RequestRecord {
  /** Names the metrics; it stands in no line. */
  readonly stage: string;
  readonly time: string;
  readonly requestId: string;
  readonly function: FunctionName;
  readonly method: string;
  /** The route's pattern, such as `/r4/{payer}/{proxy+}`; never the path. */
  readonly route: string;
  readonly startedAtMs: number;
  /** Who asked, as CloudFront saw it, and its id of the request; only where it alone can have written them. */
  readonly address?: string;
  readonly edgeRequestId?: string;
  /** Left out, the request is in no metric. */
  step?: Step;
  /** The route's, if the registry knows it: it becomes a metric's dimension. Elsewhere that of the grant. */
  payer?: string;
  partner?: string;
  grantId?: string;
  /** The FHIR interaction and type, such as `search Observation`. */
  interaction?: string;
  payerStatus?: number;
  payerMs?: number;
  bytes?: number;
  foreignLinks?: number;
  /** Page links of the payer's that were too long to be sealed: nobody can follow them. */
  unsealedLinks?: number;
  status?: number;
  error?: ErrorCode;
  detail?: string;
  /** What alarms count; each is a metric of its own. */
  signals?: readonly Signal[];
}

/**
 * What a person can quote of a request, and `npm run trace` finds again: the first two groups of Lambda's random id.
 */
export const referenceOf = ({ requestId }: Pick<RequestRecord, 'requestId'>): string => requestId.slice(0, 13);

/** Notes what an alarm counts, once a request. */
export const raise = (record: Pick<RequestRecord, 'signals'>, signal: Signal): void => {
  record.signals = [...new Set(record.signals).add(signal)];
};

/** Notes what an alarm counts of an error, be it answered or got over. */
export const raiseSignalOf = (record: Pick<RequestRecord, 'signals'>, error: unknown): void => {
  if (error instanceof GatewayError && error.signal !== undefined) raise(record, error.signal);
};

/** Lambda's context as the steps of a pipeline see it: with the request's record, which {@link recordRequest} puts there. */
export interface RequestContext<Name extends FunctionName = FunctionName> extends Context {
  readonly record: RequestRecord & { readonly function: Name };
}

/** A middleware behind {@link recordRequest}. */
export type Middleware<Given extends RequestContext = RequestContext> = MiddlewareObj<
  ApiEvent,
  ApiResponse,
  Error,
  Given
>;

/** Notes an error in the record. One without a detail of its own says in the log what it says to the caller. */
export const recordError = (record: RequestRecord, error: unknown): GatewayError => {
  const known = asGatewayError(error);
  record.error = known.code;
  record.detail = known.detail ?? known.publicMessage;
  raiseSignalOf(record, known);
  return known;
};

/** Errors that are the gateway's or the payer's, also where a redirect or a cut stream tells them. */
const failures: ReadonlySet<ErrorCode | undefined> = new Set<ErrorCode>([
  'answer_too_large',
  'payer_error',
  'payer_timeout',
  'server_error',
  'temporarily_unavailable',
]);

const outcomeOf = ({ error, status = 500 }: RequestRecord): Outcome => {
  if (status >= 500 || failures.has(error)) return 'failed';
  return error === undefined && status < 400 ? 'ok' : 'refused';
};

/** A read that its payer failed, whoever found it out. */
const isPayerDown = ({ error, payerStatus = 0 }: RequestRecord): boolean =>
  payerStatus >= 500 || error === 'payer_error' || error === 'payer_timeout';

/** Writes the record as one JSON line, which CloudWatch takes the request's metrics from. */
export const writeRecord = (record: RequestRecord, clock: Clock, writeLog: WriteLog): void => {
  if (isPayerDown(record)) raise(record, 'payerDown');
  const { startedAtMs, stage, signals, ...fields } = record;
  const outcome = outcomeOf(record);
  const level = outcome === 'failed' ? 'error' : record.error === undefined ? 'info' : 'warn';
  const ms = Math.round((clock.monotonic() - startedAtMs) * 10) / 10;
  writeLog(
    JSON.stringify({
      level,
      ...fields,
      outcome,
      ms,
      ...requestMetrics(stage, clock.now(), { ...fields, signals, ms }),
    }),
  );
};

/** Opens the request record, and writes it once the answer is known; a streamed body writes it when it ends. */
export const recordRequest = <Name extends FunctionName>(
  deps: Pick<Deps, 'clock' | 'writeLog' | 'registry' | 'behindEdge'>,
  functionName: Name,
): Middleware<RequestContext<Name>> => {
  const write = ({ record }: RequestContext, response: ApiResponse | null | undefined): void => {
    record.status = response?.statusCode ?? 500;
    if (typeof response?.body === 'string' || response?.body === undefined) {
      writeRecord(record, deps.clock, deps.writeLog);
    }
  };
  return {
    before: async ({ event, context }) => {
      const record: RequestContext<Name>['record'] = {
        stage: deps.registry.stage,
        time: new Date(deps.clock.now()).toISOString(),
        // Lambda's own id: API Gateway lets a client choose its request id (`x-amzn-RequestId`), and one-time things
        // recognise their own retried write by this one.
        requestId: context.awsRequestId,
        function: functionName,
        method: event.httpMethod,
        route: event.resource,
        startedAtMs: deps.clock.monotonic(),
        ...(deps.behindEdge === true ? edgeFacts(event) : {}),
      };
      Object.assign(context, { record });
      const payer = await deps.registry.payer(payerOf(event));
      if (payer !== undefined) record.payer = payer.id;
    },
    after: ({ context, response }) => write(context, response),
    onError: ({ context, response }) => write(context, response),
  };
};
