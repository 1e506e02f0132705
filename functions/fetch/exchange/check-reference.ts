import type { Mistake } from '../../shared/errors.ts';
import { isNpi, isNpiSystem } from '../../shared/fhir/npi.ts';
import { objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import type { Identifier } from '../../shared/registry/types.ts';
import { hasCode, objectOf, unless } from './mistakes.ts';

/** What is needed to check the references of a resource. */
export interface Referable {
  /** The types of its contained resources, by `#` and their id. */
  readonly contained: ReadonlyMap<unknown, string>;
  /** The identifiers of the plans of the exchange. */
  readonly plans: readonly Identifier[];
}

/** A Practitioner is not one of them: professionals are listed publicly, by NPI. */
const persons: ReadonlySet<unknown> = new Set(['Patient', 'RelatedPerson', 'Person']);

/** A resource's own URL, absolute or relative, without a query. https://hl7.org/fhir/R4/references.html#literal */
const literal = /^(?:https?:\/\/[^?#\s]+\/)?([A-Z][A-Za-z]*)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;
const urn = /^urn:(?:uuid:[0-9a-f-]{36}|oid:[0-9.]{1,255})$/i;

/** Social security, Medicare beneficiary. https://terminology.hl7.org/identifiers.html */
const ofPersons: ReadonlySet<unknown> = new Set([
  'http://hl7.org/fhir/sid/us-ssn',
  'urn:oid:2.16.840.1.113883.4.1',
  'http://hl7.org/fhir/sid/us-mbi',
  'urn:oid:2.16.840.1.113883.4.927',
  'http://hl7.org/fhir/sid/us-medicare',
  'urn:oid:2.16.840.1.113883.4.572',
]);
/** Identifier types that only a person has, from https://terminology.hl7.org/CodeSystem-v2-0203.html. */
const typesOfPersons = 'SS SB MB SN MR PI PN PT MC MA DL PPN JHN CZ HC'.split(' ');

/** Whether only a person can have this kind of identifier. */
export const isOfPerson = (identifier: unknown): boolean => {
  const { system, type } = objectOf(identifier);
  return (
    ofPersons.has(system) ||
    typesOfPersons.some((code) => hasCode(type, 'http://terminology.hl7.org/CodeSystem/v2-0203', code))
  );
};

const isOrganizations = (identifier: unknown, plans: readonly Identifier[]): boolean => {
  const { system, value } = objectOf(identifier);
  return (isNpiSystem(system) && isNpi(value)) || plans.some((plan) => plan.system === system && plan.value === value);
};

/** The types that a reference names, in `type` and in its URL or contained resource. Undefined if R4 does not allow its form. */
const typesOf = ({ reference, type }: JsonObject, contained: Referable['contained']): unknown[] | undefined => {
  const said = type === undefined ? [] : [type];
  const text = typeof reference === 'string' ? reference : '';
  if (reference === undefined || urn.test(text)) return said;
  const found = contained.get(text) ?? literal.exec(text)?.[1];
  return found === undefined ? undefined : [...said, found];
};

/**
 * Checks that a reference leads to a type that its element allows, and does not say who a person is: if it may lead to a person,
 * including the member, it has its `reference` and nothing else.
 * @param targets the types that the element can refer to
 */
export const checkReference = (
  value: JsonObject,
  targets: readonly string[],
  { contained, plans }: Referable,
  at: string,
): readonly Mistake[] => {
  const types = typesOf(value, contained);
  if (types === undefined || new Set(types).size > 1 || types.some((type) => !targets.includes(String(type)))) {
    const message = `A reference here is to ${targets.join(', ')}, by a URL without a query, a URN, or # and the id of what is contained.`;
    return unless(false, 'structure', at, message);
  }
  const { reference, identifier } = value;
  const mayBeToPerson =
    types.length > 0
      ? persons.has(types[0])
      : targets.some((type) => persons.has(type)) && (reference !== undefined || !isOrganizations(identifier, plans));
  return unless(
    mayBeToPerson ? Object.keys(value).every((name) => name === 'reference') : !isOfPerson(identifier),
    'business-rule',
    at,
    mayBeToPerson
      ? 'A reference to a person can have nothing but the reference. If it is to something else, say so by its type.'
      : 'The identifier is of a kind that only a person has.',
  );
};

/** Collects what is needed to check the references of a resource. */
export const referableOf = (resource: JsonObject, plans: readonly Identifier[]): Referable => ({
  contained: new Map(
    objectsIn(resource['contained']).map(({ id, resourceType }) => [`#${String(id)}`, String(resourceType)]),
  ),
  plans,
});
