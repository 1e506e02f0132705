import type { Payer } from '../shared/registry/types.ts';
import { parseScope, type ResourceScope } from '../shared/scopes/scopes.ts';

/** Scopes that identify the user (OpenID Connect) or the patient (SMART) and give access to no data. */
const identifying = /^(?:openid|fhirUser|profile|launch(?:\/patient)?)$/;

/** How broad a resource scope is: narrowest for Patient only, then for the context `patient`. */
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
 * The fewest scopes of a payer's profile that let it say whose record it is. Others are not registered there, so if the id
 * has to be searched for and the profile has only `patient/*.rs`, the result is `patient/*.rs`. Empty if the payer expects
 * no `scope`.
 */
export const identifyingScopes = ({ scopes, patientFrom }: Pick<Payer, 'scopes' | 'patientFrom'>): string[] => {
  const words = scopes.filter((scope) => identifying.test(scope));
  return patientFrom === 'search' || words.length === 0 ? [...words, ...narrowest(scopes)] : words;
};
