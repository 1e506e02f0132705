import type { GatewayError } from '../../shared/errors.ts';
import { presentIdentityAtPayer, type PayerClientDeps, type PayerTokenAnswer } from '../../shared/payer/client.ts';
import { failureAtLogin, NoMatch, PayerError } from '../../shared/payer/errors.ts';
import type { CmsSmart } from './read-cms-smart.ts';
import type { IdentityPayer } from './takes-identities.ts';

/** A payer's failure. If the payer refused, its answer does not say whether because of the identity or of the request. */
const failed = (error: PayerError): GatewayError => {
  const failure = failureAtLogin(error);
  return failure.code === 'temporarily_unavailable'
    ? failure
    : Object.assign(failure, {
        status: 502,
        sentence: 'The health plan refused the request, or gave no answer that can be used.',
      });
};

/**
 * Asks the payer for tokens with the member's identity, once.
 * @throws NoMatch, or GatewayError `temporarily_unavailable` or `server_error`
 */
export const askForMember = async (
  deps: PayerClientDeps,
  payer: IdentityPayer,
  { idToken, attestation, policies }: CmsSmart,
): Promise<PayerTokenAnswer> => {
  const cmsSmart = {
    version: '1',
    purpose_of_use: 'PATRQT',
    id_token: idToken,
    ...(policies.length === 0 ? {} : { consent_policy: policies }),
    consent_attestation: attestation,
  };
  try {
    return await presentIdentityAtPayer(deps, payer, payer.identitySignIn, cmsSmart);
  } catch (error) {
    throw error instanceof PayerError && !(error instanceof NoMatch) ? failed(error) : error;
  }
};
