import { anyType, resourceTypes } from '../scopes/resource-types.ts';
import { patientCompartment } from './patient-compartment.ts';
import { searchTargets } from './search-targets.ts';

const mayNamePatient = (type: string, code: string): boolean => {
  const targets = searchTargets(type, code) ?? [];
  return targets.includes('Patient') || targets.includes(anyType);
};

/** Those of these search parameters that limit a search of a type to one patient, the usual ones first. */
export const parametersForPatient = (type: string, codes: readonly string[]): readonly string[] =>
  type === 'Patient'
    ? ['_id']
    : [...new Set(['patient', 'subject', ...codes])].filter((code) => mayNamePatient(type, code));

/** The types whose resources are a patient's, so that a search finds them by patient. The others are read by reference. */
export const typesByPatient = (): readonly string[] =>
  resourceTypes.filter((type) => parametersForPatient(type, Object.keys(patientCompartment()[type] ?? {})).length > 0);
