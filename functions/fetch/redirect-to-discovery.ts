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

/**
 * Redirects a discovery request with a double slash, which clients make from a base with a trailing one, to its own URL
 * (RFC 9110 §15.4.9). It is public there, so it needs no token here.
 */
export const redirectToDiscovery = (event: ApiEvent, origin: string): ApiResponse | undefined => {
  const path = segmentsOf(event).join('/');
  if (event.httpMethod !== 'GET' || !discoveryPaths.has(path)) return undefined;
  const query = new URLSearchParams(queryPairs(event)).toString();
  const location = `${facadeBase(origin, encodeURIComponent(payerOf(event)))}/${path}${query === '' ? '' : `?${query}`}`;
  return { statusCode: 308, headers: { Location: location, 'Cache-Control': 'no-store' }, body: '' };
};
