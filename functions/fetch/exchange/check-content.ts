import type { Mistake } from '../../shared/errors.ts';
import { isFhirId } from '../../shared/fhir/fhir-id.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json-object.ts';
import { checkShape } from './check-shape.ts';
import { isText, objectOf, unless } from './mistakes.ts';

/** The references by which a resource may refer to one that it contains, by the type of that. */
const referring: Readonly<Record<string, Readonly<Record<string, (resource: JsonObject) => readonly unknown[]>>>> = {
  Patient: {
    Organization: ({ managingOrganization, generalPractitioner }) => [
      managingOrganization,
      ...objectsIn(generalPractitioner),
    ],
  },
  Coverage: { Organization: ({ payor, policyHolder }) => [...objectsIn(payor), policyHolder] },
  Consent: {
    Organization: ({ organization, provision }) => [
      ...objectsIn(organization),
      ...objectsIn(objectOf(provision)['actor']).map(({ reference }) => reference),
    ],
    RelatedPerson: ({ performer }) => objectsIn(performer),
    DocumentReference: ({ sourceReference }) => [sourceReference],
  },
};

/** Whether a reference is to the member, and says nothing else of whom it means. @param member `Patient/` and the id */
export const isMember = (reference: unknown, member: string): boolean => {
  const { reference: text, type = 'Patient', identifier } = objectOf(reference);
  return text === member && type === 'Patient' && identifier === undefined;
};

const checkContained = (resource: JsonObject, at: string, member: string | undefined): readonly Mistake[] => {
  const { contained = [], resourceType } = resource;
  if (!Array.isArray(contained)) return unless(false, 'structure', at, 'contained is a list of resources.');
  const all = contained as readonly unknown[];
  const types = referring[String(resourceType)] ?? {};
  const isReferredTo = ({ id, resourceType: type }: JsonObject): boolean =>
    typeof type === 'string' &&
    Object.hasOwn(types, type) &&
    types[type]!(resource).some((one) => objectOf(one)['reference'] === `#${String(id)}`);
  /** Whose RelatedPerson it is, the check of the performer looks at. */
  const isOwn = ({ subject }: JsonObject): boolean =>
    subject === undefined || member === undefined || isMember(subject, member);
  const isFit = (one: unknown): boolean =>
    isObject(one) && isFhirId(one['id']) && one['contained'] === undefined && isReferredTo(one) && isOwn(one);
  return [
    ...unless(
      all.every(isFit) && new Set(objectsIn(all).map(({ id }) => id)).size === all.length,
      'structure',
      at,
      `A ${String(resourceType)} can contain ${Object.keys(types).join(', ')}, each with an id of its own and where an element refers to it, and nobody else's.`,
    ),
    ...all.flatMap((one, index) => {
      if (!isFit(one)) return [];
      const { resourceType: type, ...own } = one as JsonObject;
      return checkShape(own, String(type), `${at}[${index}]`);
    }),
  ];
};

/** A reference to a person, by its type. */
const toPerson = /(?:^|\/)(?:Patient|RelatedPerson|Person)\/[^/]+$/;

/** Whether a value says who somebody else is: a reference to another person that has more than the reference. */
const namesAnother = (value: unknown, member: string): boolean => {
  if (Array.isArray(value)) return value.some((one) => namesAnother(one, member));
  if (!isObject(value)) return false;
  const { reference, display, identifier } = value;
  const isAnother = typeof reference === 'string' && reference !== member && toPerson.test(reference);
  if (isAnother && (display !== undefined || identifier !== undefined)) return true;
  return Object.values(value).some((one) => namesAnother(one, member));
};

/**
 * Checks that a resource of a match has only what R4 gives it, contains only what it refers to, and says of nobody else who it is.
 * @param member the reference to the member; undefined if it could not be read
 */
export const checkContent = (resource: JsonObject, at: string, member: string | undefined): readonly Mistake[] => {
  const { contained: _, resourceType, ...own } = resource;
  const { text, subscriber } = resource;
  const isOfMember = member === undefined || (!namesAnother(own, member) && !isNamed(subscriber, member));
  return [
    ...unless(
      text === undefined || (isObject(text) && isText(text['status']) && isText(text['div'])),
      'required',
      `${at}.text`,
      'text needs a status and a div.',
    ),
    ...checkShape(own, String(resourceType), at),
    ...checkContained(resource, `${at}.contained`, member),
    ...unless(isOfMember, 'business-rule', at, 'A reference to another person can have nothing but the reference.'),
  ];
};

/** Whether the subscriber, who may be another person, is named by more than a reference. */
const isNamed = (subscriber: unknown, member: string): boolean => {
  const { reference, display, identifier } = objectOf(subscriber);
  return reference !== member && (display !== undefined || identifier !== undefined);
};
