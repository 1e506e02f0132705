import type { Context } from 'aws-lambda';
import type { ApiEvent } from '../functions/shared/http/api.ts';

interface EventOptions {
  readonly method?: string;
  /** The path on the wire, if the route has more than one. */
  readonly path?: string;
  readonly pathParameters?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What API Gateway adds to a browser's headers. */
const usualHeaders = {
  Accept: '*/*',
  'Accept-Encoding': 'gzip, deflate, br',
  'Accept-Language': 'en-US,en;q=0.9',
  Host: 'gateway.example.org',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'X-Amzn-Trace-Id': 'Root=1-00000000-000000000000000000000000',
  'X-Forwarded-For': '192.0.2.1',
  'X-Forwarded-Port': '443',
  'X-Forwarded-Proto': 'https',
};

const lists = (values: Readonly<Record<string, string>>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value]]));

let requests = 0;

/** A REST API's proxy event. */
export const apiEvent = (resource: string, options: EventOptions = {}): ApiEvent => {
  const { method = 'GET', path = resource, pathParameters = {}, query, form, headers = {} } = options;
  const type: Record<string, string> =
    form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' };
  const all: Record<string, string> = { ...usualHeaders, ...type, ...headers };
  const requestId = `request-${(requests += 1)}`;
  return {
    resource,
    path,
    httpMethod: method,
    headers: all,
    multiValueHeaders: lists(all),
    queryStringParameters: query ?? null,
    multiValueQueryStringParameters: query === undefined ? null : lists(query),
    pathParameters,
    stageVariables: null,
    body: form === undefined ? null : new URLSearchParams(form).toString(),
    isBase64Encoded: false,
    requestContext: { requestId, path, domainName: usualHeaders.Host } as ApiEvent['requestContext'],
  };
};

/** A Lambda context with a minute left. Its request id is no other process's: audit events are kept by it. */
export const lambdaContext = (): Context =>
  ({
    awsRequestId: `lambda-request-${process.pid}-${(requests += 1)}`,
    functionName: 'bench',
    getRemainingTimeInMillis: () => 60_000,
  }) as Context;
