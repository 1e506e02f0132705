import { afterBase } from '../fhir/base-url-prefix.ts';
import type { Payer } from '../registry/types.ts';
import { payerBases } from '../registry/urls.ts';

/** An id that the FHIR route accepts in a path: FHIR's characters, and a few more that payers use. */
const id = /^(?!\.{1,2}$)[A-Za-z0-9.~-][A-Za-z0-9._~-]{0,127}$/;

/** A reference to a patient, relative to a FHIR base, with or without a version. */
const reference = /^\/?Patient\/([^/]+)(?:\/_history\/[^/]+)?\/?$/;

/** Whether a value can be a patient's id. */
export const isPatientId = (value: unknown): value is string => typeof value === 'string' && id.test(value);

/** A patient named by a UUID, as in `urn:uuid:…` (RFC 9562 §4). */
const uuidUrn = /^urn:uuid:([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i;

const withoutBase = (text: string, payer: Payer): string => {
  for (const base of payerBases(payer)) {
    const rest = afterBase(text, base);
    if (rest !== undefined) return rest;
  }
  return text;
};

/** The member of a token answer, userinfo answer or `id_token` that names a payer's patient. */
export const patientMemberOf = ({ patientFrom, patientMember }: Payer): string =>
  patientMember ?? (patientFrom === 'id_token' ? 'fhirUser' : 'patient');

/**
 * The id of the patient that a payer names in its `patientMember`: an id, a number, a reference, a URL below one of the
 * payer's bases, or a UUID's URN. Undefined for anything else. A `fhirUser` (SMART App Launch) must be a reference, since only its
 * type tells a patient from a practitioner or a related person.
 */
export const patientId = (payer: Payer, named: unknown): string | undefined => {
  const isReferenceOnly = patientMemberOf(payer) === 'fhirUser';
  if (typeof named === 'number' && !isReferenceOnly) {
    return Number.isSafeInteger(named) && named >= 0 ? String(named) : undefined;
  }
  if (typeof named !== 'string') return undefined;
  const relative = withoutBase(named, payer);
  const found = reference.exec(relative)?.[1] ?? (isReferenceOnly ? undefined : (uuidUrn.exec(named)?.[1] ?? named));
  return isPatientId(found) ? found : undefined;
};
