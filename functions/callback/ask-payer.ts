import type { Payer } from '../../config/stage.ts';
import { GatewayError } from '../shared/errors.ts';
import { findPatient } from '../shared/oauth/find-patient.ts';
import { type PayerTokenAnswer, exchangeCode, payerHttpFailure, revokeAtPayer } from '../shared/oauth/payer-client.ts';
import { PayerError, loginFailure } from '../shared/oauth/payer-error.ts';
import type { PayerTokens } from '../shared/store/grant.ts';
import type { LoginAttempt } from '../shared/store/login-attempts.ts';
import type { CallbackDeps } from './deps.ts';
import { callbackUri } from '../shared/urls.ts';

/**
 * Exchanges the payer's code for payer tokens.
 * @throws GatewayError `temporarily_unavailable` or `server_error`, to be told to the partner
 */
export const askPayer = async (
  deps: CallbackDeps,
  payer: Payer,
  { verifier }: LoginAttempt,
  code: string,
): Promise<PayerTokenAnswer> => {
  const redirectUri = callbackUri(deps.origin, payer.id);
  try {
    return await exchangeCode(deps, payer, { code, redirectUri, verifier });
  } catch (error) {
    throw error instanceof PayerError ? loginFailure(error) : error;
  }
};

const wantsPatient = (scope: string): boolean => /(?:^| )(?:launch\/patient|patient\/)/.test(scope);

/**
 * Whose record the tokens open, from where the payer's profile says; undefined where it matters to nobody.
 * @throws GatewayError `server_error` where patient scopes were asked for and the payer names no single patient
 */
export const whoseRecord = async (
  deps: CallbackDeps,
  payer: Payer,
  { tokens, patient }: PayerTokenAnswer,
  { scope }: LoginAttempt,
): Promise<string | undefined> => {
  if (payer.patientFrom === 'token') return patient;
  try {
    return await findPatient(deps, payer, tokens.accessToken);
  } catch (error) {
    if (!wantsPatient(scope)) return undefined;
    const { detail, failure } = payerHttpFailure(error);
    throw new GatewayError('server_error', 'The health plan did not say whose record this is.', {
      detail,
      // An answer that names no single patient is about this member.
      signal: failure === 'nonsense' ? undefined : 'payerDown',
    });
  }
};

/** Runs what makes a grant of payer tokens; where that fails nobody will ever hold them, so the payer may forget them. */
export const orRevoke = async <T>(
  deps: CallbackDeps,
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
