import { GatewayError } from '../errors.ts';
import { headerText, queryPairs, type ApiEvent } from '../http/api.ts';
import { isSystemBearer } from '../store/bearers.ts';

/** No token was sent: RFC 6750 §3.1 requires a challenge without an error code. */
const noToken = (publicMessage: string): GatewayError =>
  new GatewayError('invalid_request', publicMessage, { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } });

/** Makes the error for a token that opens nothing here. */
export const invalidToken = (
  detail: string,
  publicMessage = 'The access token is unknown, expired or revoked.',
): GatewayError => new GatewayError('invalid_token', publicMessage, { detail });

const bearerOf = (event: ApiEvent): string | undefined =>
  /^bearer +(\S+)$/i.exec(headerText(event, 'authorization'))?.[1];

/** The token that a request presents. @throws GatewayError 401 */
export const requireBearer = (event: ApiEvent): string => {
  // In any letter case: a payer may ignore case, and would take the value for a token.
  if (queryPairs(event).some(([name]) => name.toLowerCase() === 'access_token')) {
    throw noToken('Send the access token in the Authorization header, never in the query.');
  }
  const token = bearerOf(event);
  if (token === undefined)
    throw noToken(
      'Send an access token: Authorization: Bearer …. Only metadata, .well-known/smart-configuration and .well-known/oauth-authorization-server need none.',
    );
  return token;
};

/** Whether a request presents a system token, by its first letters. It decides nothing but who judges it. */
export const presentsSystemToken = (event: ApiEvent): boolean => isSystemBearer(bearerOf(event) ?? '');
