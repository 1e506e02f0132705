import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import type { Identifier } from '../../shared/registry/types.ts';
import { objectOf } from './mistakes.ts';

/** How a reference names a plan: as one of these identifiers, as another, or by no identifier. */
type Named = 'this' | 'another' | 'none';

const isOneOf = (identifiers: readonly Identifier[], given: JsonObject): boolean =>
  identifiers.some(({ system, value }) => given['system'] === system && given['value'] === value);

/** Whether identifiers are those of a plan: at least one, and none of a system that the plan has another value of. */
const areOf = (identifiers: readonly Identifier[], given: readonly JsonObject[]): boolean => {
  const systems = new Set<unknown>(identifiers.map(({ system }) => system));
  const own = given.filter(({ system }) => systems.has(system));
  return own.length > 0 && own.every((one) => isOneOf(identifiers, one));
};

/** The identifiers of the Organization that a reference names in its own resource; undefined if it names none there. */
const containedIdentifiers = (resource: JsonObject, reference: unknown): readonly JsonObject[] | undefined => {
  if (typeof reference !== 'string' || !reference.startsWith('#')) return undefined;
  const found = objectsIn(resource['contained']).filter(({ id }) => id === reference.slice(1));
  const areOrganizations = found.every(({ resourceType }) => resourceType === 'Organization');
  return areOrganizations ? found.flatMap(({ identifier }) => objectsIn(identifier)) : [];
};

/**
 * How a Reference(Organization) names a plan: by its own identifier, or by those of a contained Organization. If it has both, both
 * must name it. Identifiers that contradict each other name another. A reference to a record on a server names no plan here, since nobody may follow it.
 */
export const planNamed = (identifiers: readonly Identifier[], resource: JsonObject, given: unknown): Named => {
  const { identifier, reference } = objectOf(given);
  const contained = containedIdentifiers(resource, reference);
  // With an identifier beside it, it would name a plan twice, and the second time in words that only a server knows.
  const isElsewhere = typeof reference === 'string' && contained === undefined && identifier !== undefined;
  const names = [
    ...(isElsewhere ? [false] : []),
    ...(isObject(identifier) ? [isOneOf(identifiers, identifier)] : []),
    ...(contained === undefined || contained.length === 0 ? [] : [areOf(identifiers, contained)]),
  ];
  if (names.length === 0) return 'none';
  return names.every(Boolean) ? 'this' : 'another';
};
