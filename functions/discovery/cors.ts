import type { MiddlewareObj } from '@middy/core';
import type { ApiEvent, ApiResponse } from '../shared/http/api.ts';

/** The answer to a preflight; {@link openToAll} adds the allowed origin. */
export const answerPreflight = (): ApiResponse => ({
  statusCode: 204,
  headers: {
    Allow: 'GET, HEAD, OPTIONS',
    'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
    // Some clients send a token; in Firefox and Safari `*` does not cover Authorization.
    'Access-Control-Allow-Headers': 'Authorization, Accept, Content-Type, Cache-Control, If-None-Match, Prefer',
    'Access-Control-Max-Age': '86400',
  },
  body: '',
});

const decorate = (response: ApiResponse | null | undefined): void => {
  // Pages are for people: no other site's script may read them.
  const isPage = response?.headers['Content-Type']?.startsWith('text/html') === true;
  if (response && !isPage) response.headers['Access-Control-Allow-Origin'] = '*';
};

/** SMART App Launch requires discovery and metadata to be open to every origin, on errors as well as successes. */
export const openToAll = (): MiddlewareObj<ApiEvent, ApiResponse> => ({
  after: ({ response }) => decorate(response),
  onError: ({ response }) => decorate(response),
});
