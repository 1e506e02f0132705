import type { Mistake } from '../../shared/errors.ts';
import { spanOf } from '../../shared/exchanges/group.ts';
import { isFhirId } from '../../shared/fhir/fhir-id.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import { isText, unless } from './mistakes.ts';

const birthSex = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex';
/** https://hl7.org/fhir/R4/valueset-administrative-gender.html */
const genders: ReadonlySet<unknown> = new Set(['male', 'female', 'other', 'unknown']);

/** Whether an element has a value, or an extension that says why it has none. */
const hasValue = (parent: JsonObject, name: string): boolean =>
  isText(parent[name]) ||
  (isObject(parent[`_${name}`]) && objectsIn((parent[`_${name}`] as JsonObject)['extension']).length > 0);

const isFullName = (name: JsonObject): boolean =>
  hasValue(name, 'family') && Array.isArray(name['given']) && name['given'].length > 0 && name['given'].every(isText);

const isBirthDate = (value: unknown, nowMs: number): boolean => {
  if (typeof value !== 'string' || value.includes('T')) return false;
  const span = spanOf(value);
  return span !== undefined && span.from <= nowMs;
};

/**
 * Checks a MemberPatient: what a plan needs to find a member.
 * http://hl7.org/fhir/us/davinci-hrex/StructureDefinition/hrex-patient-demographics
 */
export const checkPatient = (patient: JsonObject, at: string, nowMs: number): readonly Mistake[] => {
  const names = patient['name'];
  const hasBirthSex = objectsIn(patient['extension']).some(({ url }) => url === birthSex);
  return [
    ...unless(
      isFhirId(patient['id']),
      'required',
      `${at}.id`,
      'MemberPatient needs an id; the answer names the member by it.',
    ),
    ...unless(
      Array.isArray(names) && names.length > 0 && names.every((name) => isObject(name) && isFullName(name)),
      'required',
      `${at}.name`,
      'MemberPatient needs a name, and each of its names needs family and given.',
    ),
    ...unless(
      isBirthDate(patient['birthDate'], nowMs),
      'required',
      `${at}.birthDate`,
      'MemberPatient needs a birthDate: a date that is not in the future.',
    ),
    ...unless(
      patient['gender'] === undefined ? hasBirthSex : genders.has(patient['gender']),
      'required',
      `${at}.gender`,
      'MemberPatient needs a gender of FHIR R4, or the extension us-core-birthsex.',
    ),
  ];
};
