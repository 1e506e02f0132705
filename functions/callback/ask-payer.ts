import type { Payer } from '../../config/stage.ts';
import { GatewayError } from '../shared/errors.ts';
import { findPatient } from '../shared/oauth/find-patient.ts';
import { type PayerTokenAnswer, exchangeCode } from '../shared/oauth/payer-client.ts';
import { PayerError, loginFailure } from '../shared/oauth/payer-error.ts';
import type { LoginAttempt } from '../shared/store/login-attempts.ts';
import type { CallbackDeps } from './handler.ts';

const wantsPatient = (scope: string): boolean => /(?:^| )(?:launch\/patient|patient\/)/.test(scope);

/** Whose record the tokens open, from where the payer's profile says; undefined where it matters to nobody. */
const patientOf = async (
  deps: CallbackDeps,
  payer: Payer,
  { tokens, patient }: PayerTokenAnswer,
  scope: string,
): Promise<string | undefined> => {
  if (payer.patientFrom === 'token') return patient;
  try {
    return await findPatient(deps, payer, tokens.accessToken);
  } catch (error) {
    if (!wantsPatient(scope)) return undefined;
    throw new GatewayError('server_error', 'The health plan did not say whose record this is.', {
      detail: error instanceof PayerError ? error.detail : 'patient lookup failed',
    });
  }
};

/**
 * Exchanges the payer's code and learns whose record it opens.
 * @throws GatewayError `temporarily_unavailable` or `server_error`, to be told to the partner
 */
export const askPayer = async (
  deps: CallbackDeps,
  payer: Payer,
  { verifier, scope }: LoginAttempt,
  code: string,
): Promise<PayerTokenAnswer> => {
  const redirectUri = `${deps.origin}/oauth2/callback/${payer.id}`;
  try {
    const { tokens, ...answer } = await exchangeCode(deps, payer, { code, redirectUri, verifier });
    const patient = await patientOf(deps, payer, { tokens, ...answer }, scope);
    return {
      tokens,
      ...(answer.scope === undefined ? {} : { scope: answer.scope }),
      ...(patient === undefined ? {} : { patient }),
    };
  } catch (error) {
    throw error instanceof PayerError ? loginFailure(error) : error;
  }
};
