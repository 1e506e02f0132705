import { errorHeaders, withReference, type GatewayError } from '../errors.ts';
import type { ApiResponse } from './api.ts';
import { errorUri } from './read-on.ts';

/** Answers that carry tokens or depend on them are never stored (RFC 6749 §5.1). */
export const noStore = { 'Cache-Control': 'no-store', Pragma: 'no-cache' } as const;

/** An OAuth or discovery answer. */
export const json = (statusCode: number, value: unknown, headers: Record<string, string> = {}): ApiResponse => ({
  statusCode,
  headers: { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff', ...headers },
  body: JSON.stringify(value),
});

/** The error body of RFC 6749 §5.2. It always has an `error_description`, for a person. */
export const oauthError = (error: GatewayError, reference: string): ApiResponse => {
  const code = error.code === 'method_not_allowed' ? 'invalid_request' : error.code;
  // RFC 6749 §5.2 names no other status for it.
  const status = error.code === 'unauthorized_client' ? 400 : error.status;
  return json(
    status,
    {
      error: code,
      error_description: withReference(error.publicMessage, reference),
      ...errorUri('token', { code }, status),
    },
    {
      ...noStore,
      ...errorHeaders(error),
      ...(error.status === 401 ? { 'WWW-Authenticate': 'Basic realm="gateway", charset="UTF-8"' } : {}),
    },
  );
};
