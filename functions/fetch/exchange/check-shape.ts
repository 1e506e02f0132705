import { inflateRawSync } from 'node:zlib';
import type { Mistake } from '../../shared/errors.ts';
import { isObject, type JsonObject } from '../../shared/json/json-object.ts';
import { checkReference, isOfPerson, type Referable } from './check-reference.ts';
import { unless } from './mistakes.ts';
import { r4Shapes } from './r4-shapes.ts';

/** In UTF-16 units: an attachment that is part of a resource is a string of it. */
const longestString = 65_536;

/** What is not taken, although R4 has it: it can change what a resource means, or is about somebody else. */
const notTaken: Readonly<Record<string, string>> = {
  implicitRules: 'implicitRules is not supported: it can change what a resource means.',
  modifierExtension: 'modifierExtension is not supported: it can change what a resource means.',
  'Patient.link': 'MemberPatient can have no link: it names another patient.',
  'Patient.contact': 'MemberPatient can have no contact: it is about somebody else.',
  'Organization.contact': 'An Organization can have no contact here: it is about somebody else.',
  'DocumentReference.relatesTo': 'A DocumentReference can have no relatesTo here: it is about another document.',
  'DocumentReference.context': 'A DocumentReference can have no context here: it is about something else.',
};

/** An element of a type. */
interface Element {
  readonly type: string;
  /** What a reference can be to. */
  readonly targets: readonly string[];
  readonly isList: boolean;
  /** The choice that this is one form of, such as `value[x]` for `valueString`; undefined if it is none. */
  readonly choice: string | undefined;
}

/** An element where it is. */
interface Place {
  readonly element: Element;
  readonly at: string;
  readonly referable: Referable;
}

const capital = (type: string): string => type.charAt(0).toUpperCase() + type.slice(1);

const typeOf = (text: string): Pick<Element, 'type' | 'targets'> => {
  const [type = '', targets = ''] = text.split('>');
  return { type, targets: targets.split(',') };
};

const elementsOf = (shape: string): ReadonlyMap<string, Element> =>
  new Map(
    shape.split(' ').flatMap((one): [string, Element][] => {
      const [name = '', types = ''] = one.split(':');
      const isList = name.endsWith('*');
      const own = isList ? name.slice(0, -1) : name;
      if (!own.endsWith('[x]')) return [[own, { ...typeOf(types), isList, choice: undefined }]];
      const stem = own.slice(0, -'[x]'.length);
      return types
        .split('|')
        .map(typeOf)
        .map((type) => [stem + capital(type.type), { ...type, isList, choice: own }]);
    }),
  );

const shapes: ReadonlyMap<string, ReadonlyMap<string, Element>> = new Map(
  inflateRawSync(Buffer.from(r4Shapes, 'base64'))
    .toString()
    .split('\n')
    .map((line) => {
      const [type = ''] = line.split(' ', 1);
      return [type, elementsOf(line.slice(type.length + 1))];
    }),
);

/** What a primitive type is in JSON, if it is no string. https://hl7.org/fhir/R4/json.html#primitive */
const jsonTypes: ReadonlyMap<string, string> = new Map([
  ['boolean', 'boolean'],
  ['integer', 'number'],
  ['positiveInt', 'number'],
  ['unsignedInt', 'number'],
  ['decimal', 'number'],
]);

const otherForm = 'There is an element that FHIR R4 does not have here, or has in another form.';

const checkPrimitive = (value: unknown, type: string, at: string): readonly Mistake[] =>
  typeof value === 'string' && value.length > longestString
    ? unless(false, 'too-long', at, `A string, such as an attachment, has more than ${longestString} characters.`)
    : unless(typeof value === (jsonTypes.get(type) ?? 'string'), 'structure', at, otherForm);

/** The id and extensions of a primitive, in the member whose name has an underscore before it. */
const checkBeside = (value: unknown, { element: { isList }, at, referable }: Place): readonly Mistake[] => {
  const all: readonly unknown[] = isList && Array.isArray(value) ? value : [value];
  if (Array.isArray(value) !== isList) return unless(false, 'structure', at, otherForm);
  return all.flatMap((one) => {
    if (one === null && isList) return [];
    if (!isObject(one)) return unless(false, 'structure', at, otherForm);
    const { id, extension, ...others } = one;
    return Object.keys(others).length > 0
      ? unless(false, 'structure', at, otherForm)
      : checkElements({ id, extension }, 'Reference', at, referable);
  });
};

/** A value that is no primitive, and what it must not say. */
const checkObject = (
  value: JsonObject,
  parent: string,
  { element: { type, targets }, at, referable }: Place,
): readonly Mistake[] => [
  ...checkElements(value, type, at, referable),
  ...(type === 'Reference' ? checkReference(value, targets, referable, at) : []),
  ...unless(
    parent !== 'Organization' || type !== 'Identifier' || !isOfPerson(value),
    'business-rule',
    at,
    'The identifier is of a kind that only a person has.',
  ),
];

const checkElement = (object: JsonObject, name: string, type: string, where: Place): readonly Mistake[] => {
  const { element, at } = where;
  const why = notTaken[`${type}.${name}`] ?? (Object.hasOwn(notTaken, name) ? notTaken[name] : undefined);
  if (why !== undefined) return unless(false, 'not-supported', at, why);
  const value = object[name];
  if (Array.isArray(value) !== element.isList) return unless(false, 'structure', at, otherForm);
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isPrimitive = !shapes.has(element.type);
  return values.flatMap((one, index) => {
    const place = element.isList ? `${at}[${index}]` : at;
    if (isPrimitive) {
      const isBeside = one === null && element.isList && Array.isArray(object[`_${name}`]);
      return isBeside ? [] : checkPrimitive(one, element.type, place);
    }
    return isObject(one)
      ? checkObject(one, type, { ...where, at: place })
      : unless(false, 'structure', place, otherForm);
  });
};

const checkElements = (object: JsonObject, type: string, at: string, referable: Referable): readonly Mistake[] => {
  const elements = shapes.get(type) ?? new Map<string, Element>();
  const names = Object.keys(object).filter((name) => object[name] !== undefined);
  const choices = names.flatMap((name) => elements.get(name)?.choice ?? []);
  return [
    ...unless(new Set(choices).size === choices.length, 'structure', at, otherForm),
    ...names.flatMap((name) => {
      const element = elements.get(name);
      if (element !== undefined) return checkElement(object, name, type, { element, at: `${at}.${name}`, referable });
      const primitive = name.startsWith('_') ? elements.get(name.slice(1)) : undefined;
      return primitive !== undefined && !shapes.has(primitive.type)
        ? checkBeside(object[name], { element: primitive, at, referable })
        : unless(false, 'structure', at, otherForm);
    }),
  ];
};

/**
 * Checks that a value has only elements that R4 gives its type, in R4's form: names as they are written there, lists where there
 * are lists, the right type of JSON, and references to what R4 lets them refer to. What the gateway does not take is a mistake too.
 * @param value without `resourceType` and `contained`
 * @param type a type of R4 that a match may have
 */
export const checkShape = (value: JsonObject, type: string, at: string, referable: Referable): readonly Mistake[] =>
  checkElements(value, type, at, referable);
