import { nowSeconds } from '../../shared/clock.ts';
import { GatewayError } from '../../shared/errors.ts';
import { findSystemAllowed, systemScope } from '../../shared/partner/authenticate-system.ts';
import { facadeBase } from '../../shared/registry/urls.ts';
import { sha256 } from '../../shared/store/crypto.ts';
import { deleteSystemToken, getSystemToken, type StoredSystemToken } from '../../shared/store/system-tokens.ts';
import type { TokenDeps, TokenRequest } from '../deps.ts';

const find = async (
  { exchanges, clock }: TokenDeps,
  { note }: TokenRequest,
  text: string,
): Promise<StoredSystemToken | undefined> => {
  const token = exchanges && (await getSystemToken(exchanges, sha256(text), nowSeconds(clock)));
  if (token !== undefined) note(token);
  return token;
};

/**
 * Ends a system token (RFC 7009). One that is unknown or over is a success.
 * @throws GatewayError `invalid_client` if nobody has authenticated, `invalid_grant` if it is another client's
 */
export const revokeSystemToken = async (deps: TokenDeps, request: TokenRequest, text: string): Promise<void> => {
  const token = await find(deps, request, text);
  if (token === undefined || deps.exchanges === undefined) return;
  if (token.partner !== request.partner?.clientId) {
    throw new GatewayError('invalid_grant', 'The token was issued to another client.');
  }
  await deleteSystemToken(deps.exchanges, sha256(text));
};

/** What introspection (RFC 7662) says of a system token; undefined if it is over, or another client's. */
export const describeSystemToken = async (
  deps: TokenDeps,
  request: TokenRequest,
  text: string,
): Promise<object | undefined> => {
  const token = await find(deps, request, text);
  if (token === undefined || token.partner !== request.partner?.clientId) return undefined;
  if ((await findSystemAllowed(deps.registry, token)) === undefined) return undefined;
  return {
    active: true,
    scope: systemScope,
    client_id: token.partner,
    exp: token.expiresAt,
    iss: facadeBase(deps.origin, token.payer),
  };
};
