import type { Mistake } from '../../shared/errors.ts';
import { isFhirId } from '../../shared/fhir/fhir-id.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import type { Identifier } from '../../shared/registry/types.ts';
import { referableOf, type Referable } from './check-reference.ts';
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

/** Whether a reference is to the member. @param member `Patient/` and the id */
export const isMember = (reference: unknown, member: string): boolean => objectOf(reference)['reference'] === member;

const checkContained = (
  resource: JsonObject,
  at: string,
  member: string | undefined,
  referable: Referable,
): readonly Mistake[] => {
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
      return checkShape(own, String(type), `${at}[${index}]`, referable);
    }),
  ];
};

/**
 * Checks that a resource of a match has only what R4 gives it, contains only what it refers to, and says of nobody else who it is.
 * @param member the reference to the member; undefined if it could not be read
 * @param plans identifiers of both plans
 */
export const checkContent = (
  resource: JsonObject,
  at: string,
  member: string | undefined,
  plans: readonly Identifier[],
): readonly Mistake[] => {
  const { contained: _, resourceType, ...own } = resource;
  const { text } = resource;
  const referable = referableOf(resource, plans);
  return [
    ...unless(
      text === undefined || (isObject(text) && isText(text['status']) && isText(text['div'])),
      'required',
      `${at}.text`,
      'text needs a status and a div.',
    ),
    ...checkShape(own, String(resourceType), at, referable),
    ...checkContained(resource, `${at}.contained`, member, referable),
  ];
};
