import { GatewayError, type Signal } from '../errors.ts';
import type { JsonObject } from '../json/json-object.ts';
import type { Payer } from '../registry/types.ts';
import { askUserinfo } from './ask-userinfo.ts';
import type { PayerClientDeps, PayerTokenAnswer } from './client.ts';
import { failureAtLogin, PayerError } from './errors.ts';
import { findPatient } from './find-patient.ts';
import { patientId, patientMemberOf } from './patient-id.ts';
import { memberOf } from './token-answer.ts';

const noPatient = (detail: string, signal?: Signal): GatewayError =>
  new GatewayError('server_error', 'The health plan did not say whose record this is.', {
    status: 502,
    detail,
    signal,
  });

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

/** Verifies the token answer's `id_token`, and returns its claims. @throws PayerError */
export type ReadIdToken = (idToken: unknown) => Promise<JsonObject>;

/** Reads what the payer wrote into its `patientMember`. @throws PayerError */
const readNamed = async (
  deps: PayerClientDeps,
  payer: Payer,
  { tokens, patient, idToken }: PayerTokenAnswer,
  readIdToken: ReadIdToken | undefined,
): Promise<Named> => {
  const member = patientMemberOf(payer);
  if (payer.patientFrom === 'userinfo') {
    const answer = await askUserinfo(deps, payer, tokens.accessToken);
    return { where: 'the userinfo answer', value: memberOf(answer, member) };
  }
  if (payer.patientFrom === 'id_token') {
    if (readIdToken === undefined)
      throw new PayerError('nonsense', 'id_token: there was no sign-in that it could be of');
    return { where: 'the id_token', value: memberOf(await readIdToken(idToken), member) };
  }
  return { where: 'the token answer', value: patient };
};

/**
 * Returns the patient whose record the tokens open, from the source that the payer's profile names. Undefined only if the
 * profile says that its grants name no patient.
 * @param readIdToken undefined where no browser signed in, so that no nonce binds an `id_token`
 * @throws GatewayError `server_error` if the payer names no single patient
 */
export const requirePatient = async (
  deps: PayerClientDeps,
  payer: Payer,
  answer: PayerTokenAnswer,
  readIdToken?: ReadIdToken,
): Promise<string | undefined> => {
  if (payer.patientFrom === 'none') return undefined;
  if (payer.patientFrom === 'search') {
    return findPatient(deps, payer, answer.tokens.accessToken).catch(throwNoPatient(searchSignal));
  }
  const { where, value } = await readNamed(deps, payer, answer, readIdToken).catch(throwNoPatient(() => 'payerDown'));
  const id = patientId(payer, value);
  if (id !== undefined) return id;
  const isMissing = value === undefined;
  throw noPatient(
    isMissing ? `${where} names no patient, as patientFrom says it does` : `${where} names a patient without an id`,
    'payerDown',
  );
};
