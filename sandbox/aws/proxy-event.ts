import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { account } from './intrinsics.ts';
import type { Match } from './routing.ts';

/** What an event is built from, in addition to the request itself. */
export interface EventSource {
  readonly match: Match;
  /** As sent, without the query. */
  readonly path: string;
  readonly query: string;
  readonly body: Buffer;
  readonly requestId: string;
  readonly stageName: string;
  readonly binaryMediaTypes: readonly string[];
}

type MultiValues = Record<string, string[]>;

const grouped = (pairs: readonly (readonly [string, string])[]): MultiValues => {
  const values: MultiValues = Object.create(null) as MultiValues;
  for (const [name, value] of pairs) (values[name] ??= []).push(value);
  return values;
};

/** The last of repeated values, as in API Gateway's single-value maps. */
const lastValues = (values: MultiValues): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, all]) => [name, all.at(-1) ?? '']));

const nullIfEmpty = <T extends object>(values: T): T | null => (Object.keys(values).length === 0 ? null : values);

/** Decoded and sorted by name. Values of one name keep their order. */
const queryOf = (query: string): MultiValues =>
  grouped([...new URLSearchParams(query)].sort(([a], [b]) => (a < b ? -1 : Number(a > b))));

const headerPairs = (rawHeaders: readonly string[]): (readonly [string, string])[] =>
  Array.from({ length: rawHeaders.length / 2 }, (_none, index) => [
    rawHeaders[index * 2] ?? '',
    rawHeaders[index * 2 + 1] ?? '',
  ]);

const replacedHeaders = new Set(['x-forwarded-for', 'x-forwarded-port', 'x-forwarded-proto', 'connection']);

const headersOf = (request: IncomingMessage, sourceIp: string): MultiValues => {
  const before = request.headers['x-forwarded-for'];
  return grouped([
    ...headerPairs(request.rawHeaders).filter(([name]) => !replacedHeaders.has(name.toLowerCase())),
    ['X-Forwarded-For', before === undefined ? sourceIp : `${String(before)}, ${sourceIp}`],
    ['X-Forwarded-Port', String(request.socket.localPort ?? '')],
    ['X-Forwarded-Proto', 'http'],
  ]);
};

/** `image/*` and `*∕*` are wildcards, as in an API's `binaryMediaTypes`. */
export const isBinary = (contentType: string | undefined, binaryMediaTypes: readonly string[]): boolean => {
  const [type = ''] = (contentType ?? '').toLowerCase().split(';');
  const [main] = type.split('/');
  return binaryMediaTypes.some((known) => known === '*/*' || known === type.trim() || known === `${main}/*`);
};

const identityOf = (
  request: IncomingMessage,
  sourceIp: string,
): APIGatewayProxyEvent['requestContext']['identity'] => ({
  accessKey: null,
  accountId: null,
  apiKey: null,
  apiKeyId: null,
  caller: null,
  clientCert: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  sourceIp,
  user: null,
  userAgent: request.headers['user-agent'] ?? null,
  userArn: null,
});

/** The event of a REST API's proxy integration (payload format 1.0). */
export const proxyEvent = (request: IncomingMessage, source: EventSource): APIGatewayProxyEvent => {
  const { match, path, body } = source;
  const sourceIp = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const httpMethod = request.method ?? 'GET';
  const headers = headersOf(request, sourceIp);
  const query = queryOf(source.query);
  const isBase64Encoded = body.length > 0 && isBinary(request.headers['content-type'], source.binaryMediaTypes);
  const now = new Date();
  return {
    resource: match.route.path,
    path,
    httpMethod,
    headers: lastValues(headers),
    multiValueHeaders: headers,
    queryStringParameters: nullIfEmpty(lastValues(query)),
    multiValueQueryStringParameters: nullIfEmpty(query),
    pathParameters: nullIfEmpty({ ...match.pathParameters }),
    stageVariables: null,
    requestContext: {
      accountId: account,
      apiId: 'local',
      authorizer: null,
      protocol: `HTTP/${request.httpVersion}`,
      httpMethod,
      identity: identityOf(request, sourceIp),
      path,
      stage: source.stageName,
      requestId: source.requestId,
      requestTime: now.toUTCString(),
      requestTimeEpoch: now.getTime(),
      resourceId: match.route.path,
      resourcePath: match.route.path,
      domainName: request.headers.host?.replace(/:\d+$/, '') ?? '',
    },
    body: body.length === 0 ? null : body.toString(isBase64Encoded ? 'base64' : 'utf8'),
    isBase64Encoded,
  };
};
