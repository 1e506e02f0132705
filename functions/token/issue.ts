import type { Lifetimes } from '../shared/registry/types.ts';
import { writeScopes, type Scopes } from '../shared/scopes/scopes.ts';
import { sha256 } from '../shared/store/crypto.ts';
import type { Grant, IssuedAccess } from '../shared/store/grant-item.ts';

/**
 * RFC 6749 §5.1 with SMART's `patient`, and `grant_id` as in Grant Management for OAuth 2.0: events name the grant
 * by it. JSON omits undefined members.
 */
export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: string;
  readonly patient: string | undefined;
  readonly refresh_token: string | undefined;
  readonly grant_id: string;
}

/**
 * When an access token ends, in epoch seconds: with its lifetime or with the grant, whichever is first. A grant whose
 * payer token cannot be refreshed ends with that token.
 */
export const accessExpiresAt = ({ accessToken }: Lifetimes, { endsAt }: Pick<Grant, 'endsAt'>, now: number): number =>
  Math.min(now + accessToken, endsAt);

/** What the grant stores about an access token. */
export const issuedAccess = (token: string, expiresAt: number, scope: Scopes): IssuedAccess => ({
  hash: sha256(token),
  expiresAt,
  scope,
});

/** The answer with a pair of tokens. */
export const tokenAnswer = (
  grant: Pick<Grant, 'grantId' | 'patient'>,
  access: IssuedAccess,
  pair: { access: string; refresh: string | undefined },
  now: number,
): TokenAnswer => ({
  access_token: pair.access,
  token_type: 'Bearer',
  expires_in: access.expiresAt - now,
  scope: writeScopes(access.scope),
  patient: grant.patient,
  refresh_token: pair.refresh,
  grant_id: grant.grantId,
});
