import type { MiddlewareObj } from '@middy/core';
import type { Registry } from '../registry/registry.ts';
import { type ApiEvent, type ApiResponse, header } from './api.ts';

const exposed = 'ETag, Location, Content-Location, WWW-Authenticate, Retry-After';
// Firefox and Safari do not let `*` stand for Authorization, so every header is named.
const requestHeaders = 'Authorization, Accept, Content-Type, If-None-Match, If-Modified-Since, Prefer';

const corsHeaders = async (registry: Registry, event: ApiEvent): Promise<Record<string, string>> => {
  const origin = header(event, 'origin');
  if (origin === undefined || !(await registry.isWebOrigin(origin))) return { Vary: 'Origin' };
  return { Vary: 'Origin', 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': exposed };
};

/**
 * CORS for the origins that partners registered, on errors as much as on successes; a preflight (Fetch §3.2.2) is
 * answered before anything else, since browsers send it without credentials.
 */
export const corsForPartners = (registry: Registry, methods: string): MiddlewareObj<ApiEvent, ApiResponse> => {
  const decorate = async (event: ApiEvent, response: ApiResponse | null | undefined): Promise<void> => {
    if (response) Object.assign(response.headers, await corsHeaders(registry, event));
  };
  return {
    before: async ({ event }) =>
      event.httpMethod === 'OPTIONS'
        ? {
            statusCode: 204,
            headers: {
              ...(await corsHeaders(registry, event)),
              'Access-Control-Allow-Methods': methods,
              'Access-Control-Allow-Headers': requestHeaders,
              'Access-Control-Max-Age': '600',
              Allow: methods,
            },
            body: '',
          }
        : undefined,
    after: ({ event, response }) => decorate(event, response),
    onError: ({ event, response }) => decorate(event, response),
  };
};
