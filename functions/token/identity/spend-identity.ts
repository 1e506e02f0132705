import { GatewayError } from '../../shared/errors.ts';
import type { JsonObject } from '../../shared/json/json-object.ts';
import { sha256 } from '../../shared/store/crypto.ts';
import type { Table } from '../../shared/store/dynamo.ts';
import { rememberAssertion } from '../../shared/store/grants.ts';
import type { CmsSmart } from './read-cms-smart.ts';
import type { VerifiedIdentity } from './verify-identity.ts';

interface Spending {
  readonly grants: Table;
  /** Epoch seconds. */
  readonly now: number;
  readonly requestId: string;
}

/** In seconds. By then every token is too old to be accepted, even if it expires later. */
const longestKept = 86_400;

/** What an attestation says besides the approval and its time, in one order. */
const othersOf = (attestation: JsonObject): readonly (readonly [string, unknown])[] =>
  Object.entries(attestation)
    .filter(([name]) => name !== 'user_action' && name !== 'user_action_timestamp')
    .sort(([one], [two]) => (one < two ? -1 : 1));

/**
 * Binds the member's approval to this identity token. If another token came with the same approval, unchanged, it was copied. Two that only share their
 * time are two.
 * @throws GatewayError `invalid_grant`
 */
export const bindAttestation = async (
  { grants, now }: Spending,
  {
    partner,
    longestAge,
    attestedAtMs,
    attestation,
  }: { partner: string; longestAge: number } & Pick<CmsSmart, 'attestedAtMs' | 'attestation'>,
  { issuer, jti }: VerifiedIdentity,
): Promise<void> => {
  const others = othersOf(attestation);
  const isBound = await rememberAssertion(grants, {
    jtiHash: sha256(JSON.stringify(['attestation', partner, attestedAtMs, ...(others.length === 0 ? [] : [others])])),
    // The same token may be used again, since one approval can cover several payers.
    requestId: sha256(JSON.stringify(['attested', issuer, jti])),
    now,
    expiresAt: Math.ceil(attestedAtMs / 1000) + longestAge + 60,
  });
  if (isBound) return;
  throw new GatewayError(
    'invalid_grant',
    'cms_smart: consent_attestation was used with another id_token before; write the time of this approval, with milliseconds, and an id of it if members approve at one time.',
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
