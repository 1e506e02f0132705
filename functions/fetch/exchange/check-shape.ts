import type { Mistake } from '../../shared/errors.ts';
import { spanOf } from '../../shared/exchanges/group.ts';
import { unpack } from '../../shared/fhir/unpack.ts';
import { isObject, type JsonObject } from '../../shared/json/json-object.ts';
import { isPlainText } from '../../shared/plain-text.ts';
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
  /** What a reference can be to, or which codes there are; empty if any. */
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
  const [type = '', ...codes] = text.split('>');
  // `>` is a code, too.
  return { type, targets: codes.length === 0 ? [] : codes.join('>').split(',') };
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

/** R4 begins the names of primitive types with a small letter. */
const isOfPrimitive = ([type]: readonly [string, string]): boolean => /^[a-z]/.test(type);

/** The elements of types, and the forms of primitive ones. */
interface Definitions {
  readonly shapes: ReadonlyMap<string, ReadonlyMap<string, Element>>;
  readonly forms: ReadonlyMap<string, RegExp>;
}

const readDefinitions = (): Definitions => {
  const definitions = unpack(r4Shapes)
    .split('\n')
    .map((line): [string, string] => {
      const [type = ''] = line.split(' ', 1);
      return [type, line.slice(type.length + 1)];
    });
  return {
    shapes: new Map(definitions.filter((one) => !isOfPrimitive(one)).map(([type, shape]) => [type, elementsOf(shape)])),
    forms: new Map(definitions.filter(isOfPrimitive).map(([type, form]) => [type, new RegExp(`^(?:${form})$`)])),
  };
};

/** Unpacked on first use: only an exchange needs them, and no read of a member's record. */
let known: Definitions | undefined;
const r4 = (): Definitions => (known ??= readDefinitions());

/** What a primitive type is in JSON, if it is no string. https://hl7.org/fhir/R4/json.html#primitive */
const jsonTypes: ReadonlyMap<string, string> = new Map([
  ['boolean', 'boolean'],
  ['integer', 'number'],
  ['positiveInt', 'number'],
  ['unsignedInt', 'number'],
  ['decimal', 'number'],
]);

const times: ReadonlySet<string> = new Set(['date', 'dateTime', 'instant']);

/** R4's whole numbers have 32 bits. https://hl7.org/fhir/R4/datatypes.html#integer */
const isInRange = (value: number, type: string): boolean =>
  type === 'decimal' ? Number.isFinite(value) : value >= -(2 ** 31) && value < 2 ** 31;

/**
 * Characters that no text may have, though R4's regular expressions permit them: separators of lines and paragraphs and those that change the
 * direction of writing, so that people and machines read different texts, and those that XML cannot contain.
 */
const misleading = /[\u2028\u2029\u202A-\u202E\u2066-\u2069\uFFFE\uFFFF]/u;

const otherForm = 'There is an element that FHIR R4 does not have here, or has in another form.';
const emptyValue = 'An element of FHIR R4 is never empty.';

const hasForm = (value: unknown, type: string): boolean =>
  r4().forms.get(type)?.test(String(value)) === true &&
  (typeof value !== 'number' || isInRange(value, type)) &&
  (typeof value !== 'string' || !times.has(type) || spanOf(value) !== undefined);

const checkPrimitive = (value: unknown, { type, targets }: Element, at: string): readonly Mistake[] => {
  if (typeof value === 'string') {
    if (value.length > longestString) {
      const message = `A string, such as an attachment, has more than ${longestString} characters.`;
      return unless(false, 'too-long', at, message);
    }
    if (!isPlainText(value) || misleading.test(value)) {
      const message = 'A text has a control character, or another that changes how the text is read.';
      return unless(false, 'invalid', at, message);
    }
    if (value.trim() === '') return unless(false, 'invalid', at, emptyValue);
  }
  if (typeof value !== (jsonTypes.get(type) ?? 'string')) return unless(false, 'structure', at, otherForm);
  const isOneOf = targets.length === 0 || targets.includes(String(value));
  return hasForm(value, type)
    ? unless(isOneOf, 'invalid', at, 'The code is not one that FHIR R4 has here.')
    : unless(false, 'invalid', at, `The value does not have the form of FHIR R4's ${type}.`);
};

/**
 * The id and extensions of a primitive, in the member whose name has an underscore before it.
 * @param beside the value of the primitive, or its list
 */
const checkBeside = (
  value: unknown,
  beside: unknown,
  { element: { isList }, at, referable }: Place,
): readonly Mistake[] => {
  const all: readonly unknown[] = isList && Array.isArray(value) ? value : [value];
  const values: readonly unknown[] = Array.isArray(beside) ? beside : [beside];
  if (Array.isArray(value) !== isList || all.length === 0) return unless(false, 'structure', at, otherForm);
  return all.flatMap((one, index) => {
    const place = isList ? `${at}[${index}]` : at;
    const hasValue = (values[index] ?? null) !== null;
    if (one === null && isList) return unless(hasValue, 'structure', place, emptyValue);
    if (!isObject(one)) return unless(false, 'structure', place, otherForm);
    const { id, extension, ...others } = one;
    if (Object.keys(others).length > 0) return unless(false, 'structure', place, otherForm);
    if (extension === undefined && (id === undefined || !hasValue)) {
      return unless(false, 'structure', place, emptyValue);
    }
    return checkElements({ id, extension }, 'Reference', place, referable);
  });
};

/** An extension has a URL, and either a value or extensions. https://hl7.org/fhir/R4/extensibility.html#Extension */
const isExtension = (value: JsonObject): boolean => {
  const hasValue = Object.keys(value).some((name) => /^_?value/.test(name));
  return value['url'] !== undefined && hasValue !== (value['extension'] !== undefined);
};

/** A value that is no primitive, and what it must not say. */
const checkObject = (
  value: JsonObject,
  parent: string,
  { element: { type, targets }, at, referable }: Place,
): readonly Mistake[] => {
  if (Object.keys(value).every((name) => name === 'id')) return unless(false, 'structure', at, emptyValue);
  const extension = 'An extension has a url, and either a value or extensions.';
  const ofPerson = 'The identifier is of a kind that only a person has.';
  return [
    ...unless(type !== 'Extension' || isExtension(value), 'structure', at, extension),
    ...checkElements(value, type, at, referable),
    ...(type === 'Reference' ? checkReference(value, targets, referable, at) : []),
    ...unless(parent !== 'Organization' || type !== 'Identifier' || !isOfPerson(value), 'business-rule', at, ofPerson),
  ];
};

const checkElement = (object: JsonObject, name: string, type: string, where: Place): readonly Mistake[] => {
  const { element, at } = where;
  const why = notTaken[`${type}.${name}`] ?? (Object.hasOwn(notTaken, name) ? notTaken[name] : undefined);
  if (why !== undefined) return unless(false, 'not-supported', at, why);
  const value = object[name];
  if (Array.isArray(value) !== element.isList) return unless(false, 'structure', at, otherForm);
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (values.length === 0) return unless(false, 'structure', at, emptyValue);
  const isPrimitive = !r4().shapes.has(element.type);
  const beside = isPrimitive && element.isList ? object[`_${name}`] : undefined;
  return values.flatMap((one, index) => {
    const place = element.isList ? `${at}[${index}]` : at;
    if (isPrimitive) {
      const isBeside = one === null && Array.isArray(beside) && isObject(beside[index]);
      return isBeside ? [] : checkPrimitive(one, element, place);
    }
    return isObject(one)
      ? checkObject(one, type, { ...where, at: place })
      : unless(false, 'structure', place, otherForm);
  });
};

const checkElements = (object: JsonObject, type: string, at: string, referable: Referable): readonly Mistake[] => {
  const elements = r4().shapes.get(type) ?? new Map<string, Element>();
  const names = Object.keys(object).filter((name) => object[name] !== undefined);
  const choices = names.flatMap((name) => elements.get(name)?.choice ?? []);
  return [
    ...unless(new Set(choices).size === choices.length, 'structure', at, otherForm),
    ...names.flatMap((name) => {
      const element = elements.get(name);
      if (element !== undefined) return checkElement(object, name, type, { element, at: `${at}.${name}`, referable });
      const own = name.slice(1);
      const primitive = name.startsWith('_') ? elements.get(own) : undefined;
      return primitive !== undefined && !r4().shapes.has(primitive.type)
        ? checkBeside(object[name], object[own], { element: primitive, at: `${at}.${own}`, referable })
        : unless(false, 'structure', at, otherForm);
    }),
  ];
};

/**
 * Checks that a value has only elements that R4 gives its type, in R4's form: names as they are written there, lists where there
 * are lists, values of the right type of JSON in the form of their primitive type, codes of the value set if R4 requires it, nothing
 * empty, and references to what R4 lets them refer to. What the gateway does not take is a mistake too.
 * @param value without `resourceType` and `contained`
 * @param type a type of R4 that a match may have
 */
export const checkShape = (value: JsonObject, type: string, at: string, referable: Referable): readonly Mistake[] =>
  checkElements(value, type, at, referable);
