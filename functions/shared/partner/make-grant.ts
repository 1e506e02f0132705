import { revokeAtPayer, type PayerClientDeps, type PayerTokenAnswer } from '../payer/client.ts';
import { requirePatient, type ReadIdToken } from '../payer/require-patient.ts';
import type { Payer } from '../registry/types.ts';
import type { PayerTokens } from '../store/grant-item.ts';
import type { IndexMember } from '../store/index-member.ts';
import { createGrant, type CreateGrantDeps, type GrantRequest } from './create-grant.ts';

/** What making a grant needs. */
export interface MakeGrantDeps extends CreateGrantDeps, PayerClientDeps {
  readonly indexMember: IndexMember;
}

export interface MakingOptions {
  readonly requestId: string;
  readonly readIdToken?: ReadIdToken;
  /** Checks what can be checked only once it is known whose record it is. May throw. */
  readonly checkMember?: (memberIndex: string) => Promise<void>;
}

/**
 * If a step fails, no one will ever use the payer tokens, so they are revoked. After a time-out that happens during a later call of
 * the environment, or never. The tokens then expire at the payer.
 */
export const revokeOnFailure = async <T>(
  deps: PayerClientDeps,
  payer: Payer,
  tokens: PayerTokens,
  steps: () => Promise<T>,
): Promise<T> => {
  try {
    return await steps();
  } catch (error) {
    await revokeAtPayer(deps, payer, tokens);
    throw error;
  }
};

/**
 * Makes a grant of a payer's token answer: finds whose record it opens, computes the member's index, and creates the grant
 * with its code. If that fails, the tokens are revoked at the payer.
 * @throws GatewayError `access_denied`, `server_error`, `temporarily_unavailable`
 */
export const makeGrant = (
  deps: MakeGrantDeps,
  payer: Payer,
  request: GrantRequest,
  answer: PayerTokenAnswer,
  { requestId, readIdToken, checkMember }: MakingOptions,
): Promise<{ grantId: string; code: string }> =>
  revokeOnFailure(deps, payer, answer.tokens, async () => {
    const patient = await requirePatient(deps, payer, answer, readIdToken);
    const member = patient === undefined ? undefined : { payer: payer.id, patient };
    const memberIndex = member && (await deps.indexMember(member));
    if (memberIndex !== undefined) await checkMember?.(memberIndex);
    return createGrant(deps, payer, request, { ...answer, patient, memberIndex }, requestId);
  });
