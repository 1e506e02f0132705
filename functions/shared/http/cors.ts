import type { MiddlewareObj } from '@middy/core';
import type { Registry } from '../registry/registry.ts';
import { header, type ApiEvent, type ApiResponse } from './api.ts';

const exposed = 'ETag, Location, Content-Location, WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy';
// Firefox and Safari do not let `*` stand for Authorization, so every header is named.
const requestHeaders = 'Authorization, Accept, Content-Type, If-None-Match, If-Modified-Since, Prefer';

const corsHeaders = async (registry: Registry, event: ApiEvent): Promise<Record<string, string>> => {
  const origin = header(event, 'origin');
  if (origin === undefined || !(await registry.isWebOrigin(origin))) return { Vary: 'Origin' };
  return { Vary: 'Origin', 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': exposed };
};

/**
 * The answer to a preflight (Fetch §3.2.2): browsers send it without credentials, so it comes before anything else.
 * Undefined for every other request.
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

/** CORS for the origins that partners registered, on errors as much as on successes. */
export const corsForPartners = (registry: Registry): MiddlewareObj<ApiEvent, ApiResponse> => {
  const decorate = async (event: ApiEvent, response: ApiResponse | null | undefined): Promise<void> => {
    if (response) Object.assign(response.headers, await corsHeaders(registry, event));
  };
  return {
    after: ({ event, response }) => decorate(event, response),
    onError: ({ event, response }) => decorate(event, response),
  };
};
