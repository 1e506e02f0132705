import { GatewayError } from '../../shared/errors.ts';
import { sha256 } from '../../shared/store/crypto.ts';
import type { Table } from '../../shared/store/dynamo.ts';
import { rememberAssertion } from '../../shared/store/grants.ts';
import type { VerifiedIdentity } from './verify-identity.ts';

interface Spending {
  readonly grants: Table;
  /** Epoch seconds. */
  readonly now: number;
  readonly requestId: string;
}

/** In seconds. By then every token is too old to be accepted, even if it expires later. */
const longestKept = 86_400;

/**
 * Binds the member's approval to this identity token. If another token came with the same time of approval, it was copied.
 * @throws GatewayError `invalid_grant`
 */
export const bindAttestation = async (
  { grants, now }: Spending,
  { partner, attestedAtMs, longestAge }: { partner: string; attestedAtMs: number; longestAge: number },
  { issuer, jti }: VerifiedIdentity,
): Promise<void> => {
  const isBound = await rememberAssertion(grants, {
    jtiHash: sha256(JSON.stringify(['attestation', partner, attestedAtMs])),
    // The same token may be used again, since one approval can cover several payers.
    requestId: sha256(JSON.stringify(['attested', issuer, jti])),
    now,
    expiresAt: Math.ceil(attestedAtMs / 1000) + longestAge + 60,
  });
  if (isBound) return;
  throw new GatewayError(
    'invalid_grant',
    'cms_smart: user_action_timestamp was used with another id_token before; write the time of this approval, with milliseconds.',
  );
};

/**
 * Spends the identity token at this payer, before the payer is asked.
 * @throws GatewayError `invalid_grant` if it was spent before
 */
export const spendIdentity = async (
  { grants, now, requestId }: Spending,
  payerId: string,
  { issuer, jti, expiresAt }: VerifiedIdentity,
): Promise<void> => {
  const isFirst = await rememberAssertion(grants, {
    jtiHash: sha256(JSON.stringify(['identity', payerId, issuer, jti])),
    requestId,
    now,
    expiresAt: Math.min(expiresAt, now + longestKept) + 1,
  });
  if (isFirst) return;
  throw new GatewayError(
    'invalid_grant',
    'The id_token: its jti was used at this health plan before; identify the member again.',
  );
};
