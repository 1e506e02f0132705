import type { Deps } from '../shared/deps.ts';
import { GatewayError, type Signal } from '../shared/errors.ts';
import {
  exchangeCode,
  payerHttpFailure,
  revokeAtPayer,
  type PayerClientDeps,
  type PayerTokenAnswer,
} from '../shared/payer/client.ts';
import { failureAtLogin, PayerError } from '../shared/payer/errors.ts';
import { patientId } from '../shared/payer/patient-id.ts';
import type { Payer } from '../shared/registry/types.ts';
import { callbackUri } from '../shared/registry/urls.ts';
import type { PayerTokens } from '../shared/store/grant.ts';
import type { LoginAttempt } from '../shared/store/login-attempts.ts';
import { findPatient } from './find-patient.ts';

/**
 * Exchanges the payer's code for payer tokens.
 * @throws GatewayError `temporarily_unavailable` or `server_error`, for the partner
 */
export const exchangePayerCode = async (
  deps: PayerClientDeps & Pick<Deps, 'origin'>,
  payer: Payer,
  { verifier }: LoginAttempt,
  code: string,
): Promise<PayerTokenAnswer> => {
  const redirectUri = callbackUri(deps.origin, payer.id);
  try {
    return await exchangeCode(deps, payer, { code, redirectUri, verifier });
  } catch (error) {
    throw error instanceof PayerError ? failureAtLogin(error) : error;
  }
};

const noPatient = (detail: string, signal?: Signal): GatewayError =>
  new GatewayError('server_error', 'The health plan did not say whose record this is.', { detail, signal });

const searchPatient = async (deps: PayerClientDeps, payer: Payer, tokens: PayerTokens): Promise<string> => {
  try {
    return await findPatient(deps, payer, tokens.accessToken);
  } catch (error) {
    const { detail, failure } = payerHttpFailure(error, 'GET Patient');
    // An answer that names no single patient concerns this member only, so it is not an outage.
    throw noPatient(detail, failure === 'nonsense' ? undefined : 'payerDown');
  }
};

/**
 * Returns whose record the tokens open, from the source that the payer's profile names. Undefined only if the profile
 * says that grants are bound to no patient.
 * @throws GatewayError `server_error` if the payer names no single patient
 */
export const requirePatient = async (
  deps: PayerClientDeps,
  payer: Payer,
  { tokens, patient }: PayerTokenAnswer,
): Promise<string | undefined> => {
  if (payer.patientFrom === 'none') return undefined;
  if (payer.patientFrom === 'search') return searchPatient(deps, payer, tokens);
  const id = patientId(payer, patient);
  if (id !== undefined) return id;
  const what =
    patient === undefined ? 'names no patient, as patientFrom says it does' : 'names a patient without an id';
  throw noPatient(`the token answer ${what}`, 'payerDown');
};

/** Runs the steps that create a grant. If they fail, no one will ever use the payer tokens, so they are revoked. */
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
