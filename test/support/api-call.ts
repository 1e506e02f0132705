import type { Context } from 'aws-lambda';
import type { ApiEvent, ApiResponse } from '../../functions/shared/http/api.ts';
import { reference } from './reference.ts';

interface EventOptions {
  readonly method?: string;
  readonly query?: string | readonly (readonly [string, string])[];
  readonly form?: Record<string, string> | string;
  readonly headers?: Record<string, string>;
  readonly path?: Record<string, string>;
}

let requests = 0;

/** A REST API's event. `resource` is the route's pattern, as API Gateway gives it. */
export const apiEvent = (
  resource: string,
  { method = 'GET', query = [], form, headers = {}, path = {} }: EventOptions = {},
): ApiEvent => {
  const pairs = typeof query === 'string' ? [...new URLSearchParams(query)] : query;
  const multi = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of pairs) (multi[name] ??= []).push(value);
  const all: Record<string, string> = {
    ...(form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
    ...headers,
  };
  requests += 1;
  return {
    resource,
    path: resource,
    httpMethod: method,
    headers: all,
    multiValueHeaders: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value]])),
    queryStringParameters: null,
    multiValueQueryStringParameters: pairs.length === 0 ? null : multi,
    pathParameters: path,
    stageVariables: null,
    body: form === undefined ? null : typeof form === 'string' ? form : new URLSearchParams(form).toString(),
    isBase64Encoded: false,
    requestContext: { requestId: `request-${requests}` } as ApiEvent['requestContext'],
  };
};

let invocations = 0;

/** A Lambda context with this much time left. */
export const lambdaContext = (remainingMs = 29_000): Context =>
  ({
    awsRequestId: `${reference}-4000-8000-${String((invocations += 1)).padStart(12, '0')}`,
    functionName: 'test',
    getRemainingTimeInMillis: () => remainingMs,
  }) as Context;

type Handler = (event: ApiEvent, context: Context) => Promise<unknown>;

/** Calls a handler that answers without streaming. */
export const call = async (
  handler: unknown,
  event: ApiEvent,
  context = lambdaContext(),
): Promise<ApiResponse & { body: string }> =>
  (await (handler as Handler)(event, context)) as ApiResponse & { body: string };
