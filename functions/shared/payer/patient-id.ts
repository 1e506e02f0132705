import { belowBase } from '../fhir/base-url-prefix.ts';
import type { Payer } from '../registry/types.ts';
import { payerBases } from '../registry/urls.ts';

/** Any id of a patient that is taken of a payer: FHIR's characters, and a few more that payers use. */
const anyId = /^(?!\.{1,2}$|__)[A-Za-z0-9._~=:@+,-]{1,128}$/;

/**
 * What languages write where there is no value, and RFC 9562's nil UUID (§5.9). As a patient's id it would be shared by all members
 * whom their payer names so.
 */
const noValue = /^(?:null|undefined|none|nil|nan|0{8}-(?:0{4}-){3}0{12})$/i;

/**
 * An id that can go into a path and a search, as that of a member who signs in does: there a comma is between two ids, a colon or an equals
 * sign may be read as more than text, and FHIR's own names begin with `_`.
 */
const idForRequests = /^[A-Za-z0-9.~-][A-Za-z0-9._~-]*$/;

/** A reference to a patient, relative to a FHIR base, with or without a version. */
const reference = /^\/?Patient\/([^/]+)(?:\/_history\/[^/]+)?\/?$/;

/** Whether a value can be a patient's id: one that a payer names in a Group, which is only compared and passed on. */
export const isPatientId = (value: unknown): value is string =>
  typeof value === 'string' && anyId.test(value) && !noValue.test(value);

/** Whether a value can be the id of a patient whose record is read. */
export const isReadablePatientId = (value: unknown): value is string => isPatientId(value) && idForRequests.test(value);

/** A patient named by a UUID, as in `urn:uuid:…` (RFC 9562 §4). */
const uuidUrn = /^urn:uuid:([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i;

const withoutBase = (text: string, bases: readonly string[]): string => {
  for (const base of bases) {
    const rest = belowBase(text, base);
    if (rest !== undefined) return rest;
  }
  return text;
};

/** The member of a token answer, userinfo answer or `id_token` that names a payer's patient. */
export const patientMemberOf = ({ patientFrom, patientMember }: Payer): string =>
  patientMember ?? (patientFrom === 'id_token' ? 'fhirUser' : 'patient');

/**
 * The id of the patient that a text names: an id, a reference, a URL below one of the bases, or a UUID's URN. Undefined for
 * anything else. An operator may type what is no value, too: whatever was exported can be ended.
 */
export const namedPatient = (bases: readonly string[], text: string, isReferenceOnly = false): string | undefined => {
  const relative = withoutBase(text, bases);
  const found = reference.exec(relative)?.[1] ?? (isReferenceOnly ? undefined : (uuidUrn.exec(text)?.[1] ?? text));
  return anyId.test(found ?? '') ? found : undefined;
};

/**
 * The id of the patient that a payer names in its `patientMember`: a number, or what {@link namedPatient} reads. Undefined for anything
 * else. A `fhirUser` (SMART App Launch) must be a reference, since only its type tells a patient from a practitioner or a related person.
 */
export const patientId = (payer: Payer, named: unknown): string | undefined => {
  const isReferenceOnly = patientMemberOf(payer) === 'fhirUser';
  if (typeof named === 'number' && !isReferenceOnly) {
    return Number.isSafeInteger(named) && named >= 0 ? String(named) : undefined;
  }
  const found = typeof named === 'string' ? namedPatient(payerBases(payer), named, isReferenceOnly) : undefined;
  return isReadablePatientId(found) ? found : undefined;
};
