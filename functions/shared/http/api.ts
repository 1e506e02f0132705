import type { Readable } from 'node:stream';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { GatewayError } from '../errors.ts';

/** A REST API's proxy event. */
export type ApiEvent = APIGatewayProxyEvent;

/** A REST API's proxy answer. A body of bytes, or a stream, is for functions that stream. */
export interface ApiResponse {
  statusCode: number;
  headers: Record<string, string>;
  multiValueHeaders?: Record<string, string[]>;
  body?: string | Buffer | Readable;
}

/** A request header's value, by name in any letter case. Several values are joined as RFC 9110 §5.3 says. */
export const header = (event: ApiEvent, name: string): string | undefined => {
  for (const [key, values] of Object.entries(event.multiValueHeaders ?? {})) {
    if (key.toLowerCase() === name && values !== undefined) return values.join(', ');
  }
  for (const [key, value] of Object.entries(event.headers ?? {})) {
    if (key.toLowerCase() === name) return value;
  }
  return undefined;
};

/** A request header's value, empty if the request has none. */
export const headerText = (event: ApiEvent, name: string): string => header(event, name) ?? '';

/** The query as pairs, decoded; repeated names stay repeated. */
export const queryPairs = (event: ApiEvent): [string, string][] =>
  Object.entries(event.multiValueQueryStringParameters ?? {}).flatMap(([name, values]) =>
    (values ?? []).map((value): [string, string] => [name, value]),
  );

/** Parameters by name, and the names that were repeated (RFC 6749 §3.1). An empty value counts as omitted. */
export interface RequestParameters {
  readonly values: ReadonlyMap<string, string>;
  readonly repeated: ReadonlySet<string>;
}

/** Groups pairs by name. */
export const parameters = (pairs: readonly (readonly [string, string])[]): RequestParameters => {
  const values = new Map<string, string>();
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const [name, value] of pairs) {
    if (seen.has(name)) repeated.add(name);
    seen.add(name);
    if (value !== '') values.set(name, value);
  }
  return { values, repeated };
};

/** What a refusal may name: parameters that an endpoint reads, and others that apps send although no endpoint reads them. */
const known = `client_id redirect_uri response_type response_mode scope state aud launch nonce prompt login_hint max_age ui_locales
  code_challenge code_challenge_method request request_uri grant_type code code_verifier refresh_token client_secret client_assertion
  client_assertion_type resource token token_type_hint iss error error_description`;

/**
 * Refuses repeated parameters. A refusal never echoes the request, so an unknown name is not shown.
 * @throws GatewayError `invalid_request`
 */
export const checkNotRepeated = ({ repeated }: RequestParameters): void => {
  if (repeated.size === 0) return;
  const name = known.split(/\s+/).find((one) => repeated.has(one)) ?? 'A parameter';
  throw new GatewayError('invalid_request', `${name} must not be sent more than once.`);
};

/**
 * Refuses other methods.
 * @throws GatewayError `method_not_allowed`, 405 with `Allow`
 */
export const checkMethod = (event: ApiEvent, allowed: readonly string[]): void => {
  if (!allowed.includes(event.httpMethod)) {
    throw new GatewayError('method_not_allowed', `Use ${allowed.join(' or ')}.`, {
      headers: { Allow: allowed.join(', ') },
    });
  }
};

/** The payer id in the route. */
export const payerOf = (event: ApiEvent): string => event.pathParameters?.['payer'] ?? '';
