import { GatewayError } from '../errors.ts';
import { isResourceType, resourceTypes } from '../scopes/resource-types.ts';
import { canNamePatient } from './check-patient.ts';
import { checkSearch } from './check-search.ts';
import { mergeNeeds, type Parameter, type TypeNeed } from './fhir-request.ts';
import { isKnownParameter, plainParameters, type AddedParameters } from './known-parameters.ts';
import { patientCompartment } from './patient-compartment.ts';
import { parametersForPatient } from './search-by-patient.ts';
import { isSearchParameter } from './search-targets.ts';

/** A search of a member's whole record, as a payer's profile has it: without the patient parameter, which the gateway adds. */
export interface RecordSearch {
  readonly type: string;
  readonly parameters: readonly Parameter[];
}

/** In a profile's search, the member: the value of a parameter that names one. */
const memberValue = '{patient}';

/** The parameter of a search in which the profile itself names the member, as `Communication?sender={patient}` does. */
export const patientReference = ({ parameters }: RecordSearch): Parameter | undefined =>
  parameters.find(([, value]) => value === memberValue);

/** Whether a parameter names the member where R4's patient compartment has one (https://hl7.org/fhir/R4/compartmentdefinition-patient.html). */
const namesMember = (type: string, name: string): boolean =>
  type !== 'Patient' && parametersForPatient(type, Object.keys(patientCompartment()[type] ?? {})).includes(name);

/** Parses `Type` or `Type?name=value&name=value`. Nothing is refused here; {@link readRecordSearch} checks it. */
export const parseRecordSearch = (text: string): RecordSearch => {
  const at = text.indexOf('?');
  if (at < 0) return { type: text, parameters: [] };
  return { type: text.slice(0, at), parameters: [...new URLSearchParams(text.slice(at))] };
};

/** Whether a parameter only says what the gateway adds otherwise: whose resources are searched. */
const isUsual = ([name, value]: Parameter): boolean =>
  value === memberValue && (name === 'patient' || name === 'subject');

/** The parameters that limit a search to a part of its type, as in its text; empty if it finds all. */
export const limitsOf = (text: string): string =>
  parseRecordSearch(text)
    .parameters.filter((parameter) => !plain.has(parameter[0]) && !isUsual(parameter))
    .map((parameter) => parameter.join('='))
    .join('&');

/** Beside search parameters: the others would shorten the answer, or are the profile's other fields. */
const plain = new Set([...plainParameters.search].filter((name) => /^_(?:include|revinclude|sort)(?::|$)/.test(name)));

const notSearchable = ({ type, parameters }: RecordSearch, added: AddedParameters): string | undefined => {
  if (!isResourceType(type)) return `"${type}" is not a FHIR R4 resource type; write one, such as Observation`;
  for (const [name, value] of parameters) {
    if (value.includes(memberValue)) {
      const isOnly = value === memberValue && parameters.filter((one) => one[1].includes(memberValue)).length === 1;
      if (isOnly && namesMember(type, name)) continue;
      return `"${name}" cannot be ${memberValue}; write it once, as the value of a parameter of ${type} that names a patient`;
    }
    if (canNamePatient(name, value, [type])) {
      return `"${name}" can name a patient, and the gateway adds the patient itself; remove it, or write ${memberValue} as its value`;
    }
    if (value === '') return `"${name}" has no value; write one, or remove it`;
    if (!isKnownParameter(name, { plain, on: [type], added })) {
      return `"${name}" is not a parameter of ${type} here; write one of R4 or the guides, or add it to searchParameters`;
    }
  }
  return undefined;
};

/** What is wrong with a search of a profile's, with what to write; else the types that it reads. */
export const readRecordSearch = (
  text: string,
  added: AddedParameters,
): { readonly problem: string } | { readonly needs: readonly TypeNeed[] } => {
  const search = parseRecordSearch(text);
  const { type, parameters } = search;
  try {
    const problem = notSearchable(search, added);
    if (problem !== undefined) return { problem };
    const consulted = checkSearch(parameters, [type], { plain, on: [type], added }, false);
    return { needs: mergeNeeds([{ type, needs: 's' }, ...consulted]) };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return {
      problem: 'is not a search that can be checked; write it as FHIR does, such as "Observation?category=laboratory"',
    };
  }
};

/** Whether any request takes a parameter of this name, ignoring case: some servers do. */
export const isFhirParameter = (name: string): boolean => {
  const wanted = name.toLowerCase();
  return (
    [...plainParameters.searchSystem, ...plainParameters.everything].some((known) => known.toLowerCase() === wanted) ||
    resourceTypes.some((type) => isSearchParameter(type, wanted))
  );
};
