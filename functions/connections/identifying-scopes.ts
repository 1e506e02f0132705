import type { Payer } from '../shared/registry/types.ts';
import { parseScope, type ResourceScope } from '../shared/scopes/scopes.ts';

/** Scopes that say who somebody is (OpenID Connect) or whose record it is (SMART), and open no record. */
const identifying = /^(?:openid|fhirUser|profile|launch(?:\/patient)?)$/;

/** The narrower of two resource scopes: one about Patient, then one about patients. */
const breadthOf = ({ type, context }: ResourceScope): number =>
  (type === 'Patient' ? 0 : 2) + (context === 'patient' ? 0 : 1);

const narrowest = (scopes: readonly string[]): string[] => {
  const readable = scopes
    .map(parseScope)
    .filter((scope): scope is ResourceScope => scope.kind === 'resource' && ['Patient', '*'].includes(scope.type));
  return readable
    .toSorted((a, b) => breadthOf(a) - breadthOf(b))
    .slice(0, 1)
    .map(({ word }) => word);
};

/**
 * The least of a payer's scopes by which it tells whose record it is. Only scopes of its profile, since those are what is
 * registered there: where it has only `patient/*.rs` and the id must be searched, it is that. Empty if the payer wants no
 * `scope`.
 */
export const identifyingScopes = ({ scopes, patientFrom }: Pick<Payer, 'scopes' | 'patientFrom'>): string[] => {
  const words = scopes.filter((scope) => identifying.test(scope));
  return patientFrom === 'search' || words.length === 0 ? [...words, ...narrowest(scopes)] : words;
};
