import type { Mistake } from '../../shared/errors.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json-object.ts';
import { isText, unless } from './mistakes.ts';

/** In UTF-16 units: an attachment that is part of a resource is a string of it. */
const longestString = 65_536;

/** What a resource may contain. Another person's resource would be one that the Consent is not about. */
const containable = ['Organization', 'DocumentReference', 'RelatedPerson'];

/** What was seen in a value, at any depth. */
interface Seen {
  longString: boolean;
  modifier: boolean;
  resource: boolean;
  /** Two names that differ in case only: some readers do not tell them apart. */
  twice: boolean;
}

const look = (value: unknown, seen: Seen): void => {
  if (typeof value === 'string') seen.longString ||= value.length > longestString;
  if (Array.isArray(value)) for (const one of value) look(one, seen);
  if (!isObject(value)) return;
  seen.modifier ||= value['modifierExtension'] !== undefined || value['implicitRules'] !== undefined;
  seen.resource ||= value['resourceType'] !== undefined;
  const names = Object.keys(value);
  seen.twice ||= new Set(names.map((name) => name.toLowerCase())).size < names.length;
  for (const one of Object.values(value)) look(one, seen);
};

/** What is seen in the elements of a resource, each contained one by itself. */
const lookIn = ({ contained, ...resource }: JsonObject): Seen => {
  const seen: Seen = { longString: false, modifier: false, resource: false, twice: false };
  for (const { resourceType: _, ...own } of [resource, ...objectsIn(contained)]) look(own, seen);
  return seen;
};

const haveOwnIds = (contained: readonly unknown[]): boolean =>
  new Set(objectsIn(contained).map(({ id }) => id)).size === contained.length;

/** Checks that a resource has nothing that changes its meaning, hides another resource, or has no end. */
export const checkContent = (resource: JsonObject, at: string): readonly Mistake[] => {
  const { longString, modifier, resource: another, twice } = lookIn(resource);
  const contained = resource['contained'] ?? [];
  const isContainable = (one: unknown): boolean =>
    isObject(one) && containable.includes(String(one['resourceType'])) && one['contained'] === undefined;
  const { text } = resource;
  return [
    ...unless(
      text === undefined || (isObject(text) && isText(text['status']) && isText(text['div'])),
      'required',
      `${at}.text`,
      'text needs a status and a div.',
    ),
    ...unless(
      !longString,
      'too-long',
      at,
      `A string, such as an attachment, has more than ${longestString} characters.`,
    ),
    ...unless(
      !modifier,
      'not-supported',
      at,
      'modifierExtension and implicitRules are not supported: they can change what a resource means.',
    ),
    ...unless(!twice, 'structure', at, 'There are two names that differ in upper and lower case only.'),
    ...unless(!another, 'structure', at, 'There is a resource where none belongs.'),
    ...unless(
      Array.isArray(contained) && contained.every(isContainable) && haveOwnIds(contained),
      'structure',
      `${at}.contained`,
      `A resource can contain ${containable.join(', ')}, each with an id of its own.`,
    ),
  ];
};
