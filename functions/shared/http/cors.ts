import type { MiddlewareObj } from '@middy/core';
import type { Registry } from '../registry/registry.ts';
import { header, type ApiEvent, type ApiResponse } from './api.ts';

const exposed =
  'ETag, Link, Location, Content-Location, WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, X-Progress, Expires';
// In Firefox and Safari `*` does not cover Authorization, so every header is named.
const requestHeaders = 'Authorization, Accept, Content-Type, If-None-Match, If-Modified-Since, Prefer';

/** While the registry cannot be read, the answer says so and no origin is allowed. */
const isAllowed = (registry: Registry, origin: string): Promise<boolean> =>
  registry.isWebOrigin(origin).catch(() => false);

const corsHeaders = async (registry: Registry, event: ApiEvent): Promise<Record<string, string>> => {
  const origin = header(event, 'origin');
  if (origin === undefined || !(await isAllowed(registry, origin))) return { Vary: 'Origin' };
  return { Vary: 'Origin', 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': exposed };
};

/**
 * The answer to a preflight (Fetch §3.2.2). Browsers send it without credentials, so it precedes every check. Undefined
 * for any other request.
 */
export const answerIfPreflight = (event: ApiEvent, methods: string): ApiResponse | undefined =>
  event.httpMethod === 'OPTIONS'
    ? {
        statusCode: 204,
        headers: {
          'Access-Control-Allow-Methods': methods,
          'Access-Control-Allow-Headers': requestHeaders,
          'Access-Control-Max-Age': '600',
          Allow: methods,
        },
        body: '',
      }
    : undefined;

/** CORS for the origins that partners registered, on errors as well as successes. */
export const corsForPartners = (registry: Registry): MiddlewareObj<ApiEvent, ApiResponse> => {
  const decorate = async (event: ApiEvent, response: ApiResponse | null | undefined): Promise<void> => {
    if (!response) return;
    const { Vary: vary } = response.headers;
    Object.assign(response.headers, await corsHeaders(registry, event));
    if (vary !== undefined) response.headers['Vary'] = `${vary}, Origin`;
  };
  return {
    before: ({ event }) => {
      // Beside the handler's own reads. Afterwards the page of origins is at hand.
      const origin = header(event, 'origin');
      if (origin !== undefined) void isAllowed(registry, origin);
    },
    after: ({ event, response }) => decorate(event, response),
    onError: ({ event, response }) => decorate(event, response),
  };
};
