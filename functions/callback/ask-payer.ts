import type { Deps } from '../shared/deps.ts';
import { redeemAtPayer, type PayerClientDeps, type PayerTokenAnswer } from '../shared/payer/client.ts';
import { failureAtLogin, PayerError } from '../shared/payer/errors.ts';
import type { Payer } from '../shared/registry/types.ts';
import { callbackUri } from '../shared/registry/urls.ts';
import type { LoginAttempt } from '../shared/store/login-attempts.ts';

/**
 * Redeems the payer's code for payer tokens.
 * @throws GatewayError `temporarily_unavailable` or `server_error`, for the partner
 */
export const redeemPayerCode = async (
  deps: PayerClientDeps & Pick<Deps, 'origin'>,
  payer: Payer,
  { verifier }: Pick<LoginAttempt, 'verifier'>,
  code: string,
): Promise<PayerTokenAnswer> => {
  const redirectUri = callbackUri(deps.origin, payer.id);
  try {
    return await redeemAtPayer(deps, payer, { code, redirectUri, verifier });
  } catch (error) {
    throw error instanceof PayerError ? failureAtLogin(error) : error;
  }
};
