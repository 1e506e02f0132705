import { GatewayError } from '../shared/errors.ts';
import type { ApiResponse } from '../shared/http/api.ts';
import { payerOf, queryPairs, type ApiEvent } from '../shared/http/api.ts';
import { facadeBase } from '../shared/registry/urls.ts';

const discoveryPaths = new Set([
  'metadata',
  '.well-known/smart-configuration',
  '.well-known/oauth-authorization-server',
]);

/** The path below a payer's base without empty segments: a double or trailing slash is ignored. */
export const segmentsOf = (event: ApiEvent): string[] =>
  (event.pathParameters?.['proxy'] ?? '').split('/').filter((segment) => segment !== '');

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

/** The same, decoded; one that is not well-formed stays as it is. */
export const decodedSegmentsOf = (event: ApiEvent): string[] => segmentsOf(event).map(decoded);

/**
 * Redirects a discovery request with a double slash, which clients make from a base with a trailing one, to its own URL
 * (RFC 9110 §15.4.9). It is public there, so it needs no token here.
 * @throws GatewayError 404 for another document below .well-known, which clients ask for without a token
 */
export const redirectToDiscovery = (event: ApiEvent, origin: string): ApiResponse | undefined => {
  const segments = segmentsOf(event);
  const path = segments.join('/');
  if (segments[0] === '.well-known' && !discoveryPaths.has(path)) {
    throw new GatewayError(
      'not_found',
      'There is no such document. There are metadata, .well-known/smart-configuration and .well-known/oauth-authorization-server.',
    );
  }
  if (event.httpMethod !== 'GET' || !discoveryPaths.has(path)) return undefined;
  const query = new URLSearchParams(queryPairs(event)).toString();
  const location = `${facadeBase(origin, encodeURIComponent(payerOf(event)))}/${path}${query === '' ? '' : `?${query}`}`;
  return { statusCode: 308, headers: { Location: location, 'Cache-Control': 'no-store' }, body: '' };
};
