import { nowSeconds } from '../shared/clock.ts';
import type { Deps } from '../shared/deps.ts';
import { GatewayError, type Signal } from '../shared/errors.ts';
import { nonceOf } from '../shared/payer/authorize-url.ts';
import { exchangeCode, revokeAtPayer, type PayerClientDeps, type PayerTokenAnswer } from '../shared/payer/client.ts';
import { failureAtLogin, PayerError } from '../shared/payer/errors.ts';
import { patientId, patientMemberOf } from '../shared/payer/patient-id.ts';
import { memberOf } from '../shared/payer/token-answer.ts';
import type { Payer } from '../shared/registry/types.ts';
import { callbackUri } from '../shared/registry/urls.ts';
import type { PayerTokens } from '../shared/store/grant-item.ts';
import type { LoginAttempt } from '../shared/store/login-attempts.ts';
import { askUserinfo } from './ask-userinfo.ts';
import { findPatient } from './find-patient.ts';
import type { ReadPayerKeys } from './payer-keys.ts';
import { verifyIdToken } from './verify-id-token.ts';

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

/**
 * Passes a payer's failure on to the partner. A refusal of the gateway itself is the operator's to mend. Any other error is
 * our own, and stays what it is.
 */
const throwNoPatient =
  (signalOf: (error: PayerError) => Signal | undefined) =>
  (error: unknown): never => {
    if (error instanceof PayerError && error.failure === 'invalid_client') throw failureAtLogin(error);
    throw error instanceof PayerError ? noPatient(error.detail, signalOf(error)) : error;
  };

/** An answer that names no single patient concerns this member only, so it is not an outage. */
const searchSignal = ({ failure }: PayerError): Signal | undefined =>
  failure === 'nonsense' ? undefined : 'payerDown';

/** What the patient's id is read from, and how the payer wrote it there. */
interface Named {
  readonly where: string;
  readonly value: unknown;
}

/** Reads what the payer wrote into its `patientMember`. @throws PayerError */
const readNamed = async (
  deps: PatientDeps,
  payer: Payer,
  { verifier }: LoginAttempt,
  { tokens, patient, idToken }: PayerTokenAnswer,
): Promise<Named> => {
  const member = patientMemberOf(payer);
  if (payer.patientFrom === 'userinfo') {
    const answer = await askUserinfo(deps, payer, tokens.accessToken);
    return { where: 'the userinfo answer', value: memberOf(answer, member) };
  }
  if (payer.patientFrom === 'id_token') {
    const expected = { nonce: nonceOf(verifier), now: nowSeconds(deps.clock) };
    const claims = await verifyIdToken(deps.readPayerKeys, payer, idToken, expected);
    return { where: 'the id_token', value: memberOf(claims, member) };
  }
  return { where: 'the token answer', value: patient };
};

/** What {@link requirePatient} depends on. */
export interface PatientDeps extends PayerClientDeps {
  readonly readPayerKeys: ReadPayerKeys;
}

/**
 * Returns whose record the tokens open, from the source that the payer's profile names. Undefined only if the profile
 * says that grants are bound to no patient.
 * @throws GatewayError `server_error` if the payer names no single patient
 */
export const requirePatient = async (
  deps: PatientDeps,
  payer: Payer,
  attempt: LoginAttempt,
  answer: PayerTokenAnswer,
): Promise<string | undefined> => {
  if (payer.patientFrom === 'none') return undefined;
  if (payer.patientFrom === 'search') {
    return findPatient(deps, payer, answer.tokens.accessToken).catch(throwNoPatient(searchSignal));
  }
  const { where, value } = await readNamed(deps, payer, attempt, answer).catch(throwNoPatient(() => 'payerDown'));
  const id = patientId(payer, value);
  if (id !== undefined) return id;
  const isMissing = value === undefined;
  throw noPatient(
    isMissing ? `${where} names no patient, as patientFrom says it does` : `${where} names a patient without an id`,
    'payerDown',
  );
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
