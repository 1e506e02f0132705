import type { Lifetimes } from '../../../config/stage.ts';
import { sha256 } from '../store/crypto.ts';
import type { Grant, IssuedAccess, PayerTokens } from '../store/grant.ts';

/** RFC 6749 §5.1 with SMART's `patient`. */
export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: string;
  readonly patient?: string;
  readonly refresh_token?: string;
}

/**
 * When an access token ends, epoch seconds: with its lifetime, with the grant, and with a payer token that cannot be
 * refreshed, whichever comes first.
 */
export const accessExpiresAt = (
  { accessToken }: Lifetimes,
  { endsAt }: Pick<Grant, 'endsAt'>,
  tokens: PayerTokens | undefined,
  now: number,
): number =>
  Math.min(
    now + accessToken,
    endsAt,
    tokens !== undefined && tokens.refreshToken === undefined ? (tokens.expiresAt ?? Infinity) : Infinity,
  );

/** What the grant keeps of an access token. */
export const issuedAccess = (token: string, expiresAt: number, scope: string): IssuedAccess => ({
  hash: sha256(token),
  expiresAt,
  scope,
});

/** The answer that hands a pair out. */
export const tokenAnswer = (
  grant: Pick<Grant, 'patient'>,
  access: IssuedAccess,
  pair: { access: string; refresh: string | undefined },
  now: number,
): TokenAnswer => ({
  access_token: pair.access,
  token_type: 'Bearer',
  expires_in: access.expiresAt - now,
  scope: access.scope,
  ...(grant.patient === undefined ? {} : { patient: grant.patient }),
  ...(pair.refresh === undefined ? {} : { refresh_token: pair.refresh }),
});
