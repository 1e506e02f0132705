import { GatewayError } from '../../shared/errors.ts';
import { isObject, parseObject, type JsonObject } from '../../shared/json/json-object.ts';
import { repeatedMember } from '../../shared/json/repeated-member.ts';

/** The problem with a field, or undefined if there is none. It never quotes the field's value. */
export type FieldCheck = (value: unknown) => string | undefined;

/** A check of a field that may be missing. */
export const optional =
  (check: FieldCheck): FieldCheck =>
  (value) =>
    value === undefined ? undefined : check(value);

/** Text of up to so many characters. */
export const text =
  (most: number): FieldCheck =>
  (value) => {
    if (value === undefined) return 'is missing';
    if (typeof value !== 'string') return 'must be a string';
    if (value.trim() === '') return 'is empty';
    return value.length > most ? `has more than ${most} characters` : undefined;
  };

/** Text that is one of these words. */
export const oneOf =
  (...words: readonly string[]): FieldCheck =>
  (value) =>
    text(Number.POSITIVE_INFINITY)(value) ??
    (words.includes(value as string) ? undefined : `must be "${words.join('" or "')}"`);

/** Text of a form. */
export const matching =
  (form: RegExp, named: string, most: number): FieldCheck =>
  (value) =>
    text(most)(value) ?? (form.test(value as string) ? undefined : `must be ${named}`);

/** Headers that ask for a JWT to be read differently: an extension (RFC 7515 §4.1.11), or a payload that no JWT may have (RFC 7797 §7). */
export const extensionChecks: Readonly<Record<'crit' | 'b64', FieldCheck>> = {
  crit: (value) => (value === undefined ? undefined : 'is there, but no extension is known here'),
  b64: (value) => (value === undefined || value === true ? undefined : 'must not be there, or be true'),
};

const latestTime = Date.UTC(2100, 0) / 1000;

/** A time in epoch seconds (RFC 7519 §2). */
export const time: FieldCheck = (value) => {
  if (value === undefined) return 'is missing';
  if (typeof value !== 'number') return 'must be a number';
  return value > 0 && value < latestTime ? undefined : 'is no time in epoch seconds';
};

export const flag: FieldCheck = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false');

/** A list of one to so many, each of which passes. */
export const listOf =
  (check: FieldCheck, most: number): FieldCheck =>
  (value) => {
    if (value === undefined) return 'is missing';
    if (!Array.isArray(value)) return 'must be a list';
    if (value.length === 0) return 'is empty';
    if (value.length > most) return `has more than ${most} entries`;
    const wrong = value.map(check).find((found) => found !== undefined);
    return wrong === undefined ? undefined : `has an entry that ${wrong}`;
  };

/** An object whose listed fields pass their checks. Other fields are allowed. */
export const objectOf =
  (members: Readonly<Record<string, FieldCheck>>): FieldCheck =>
  (value) => {
    if (value === undefined) return 'is missing';
    if (!isObject(value)) return 'must be an object';
    for (const [name, check] of Object.entries(members)) {
      const wrong = check(memberOf(value, name));
      if (wrong !== undefined) return `has a ${name} that ${wrong}`;
    }
    return undefined;
  };

/** A member of its own; null is a value of another type. */
const memberOf = (object: JsonObject, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined;

const malformed = (sentence: string): GatewayError => new GatewayError('invalid_request', `${sentence}.`);

/**
 * Checks an object's fields in this order.
 * @param what such as `The id_token`
 * @throws GatewayError `invalid_request`, which names the first field that is wrong, and nothing that is in it
 */
export const requireFields = (what: string, object: JsonObject, checks: Readonly<Record<string, FieldCheck>>): void => {
  for (const [name, check] of Object.entries(checks)) {
    const wrong = check(memberOf(object, name));
    if (wrong !== undefined) throw malformed(`${what}: ${name} ${wrong}`);
  }
};

/** A field name can contain anything, so errors show only the names that the gateway knows. */
const shownName = (name: string, known: readonly string[]): string => (known.includes(name) ? name : 'a member');

/** One part of a compact JWS (RFC 7515 §7.1) as JSON. */
const readPart = (what: string, part: string, known: readonly string[]): JsonObject => {
  const json = Buffer.from(part, 'base64url').toString('utf8');
  const object = /^[\w-]+$/.test(part) ? parseObject(json) : undefined;
  if (object === undefined) throw malformed(`${what} is not a signed JWT`);
  const twice = repeatedMember(json);
  if (twice !== undefined) throw malformed(`${what}: ${shownName(twice, known)} appears twice`);
  return object;
};

/** A decoded JWT. Its signature has not been verified. */
export interface UnverifiedJwt {
  readonly header: JsonObject;
  readonly claims: JsonObject;
}

/**
 * Decodes a JWT without verifying its signature.
 * @param known the names that an error may show
 * @throws GatewayError `invalid_request` if it is not a JWT, or an object in it has the same field twice
 */
export const takeApart = (what: string, jwt: string, known: readonly string[]): UnverifiedJwt => {
  const [header = '', claims = '', signature = '', ...more] = jwt.split('.');
  if (more.length > 0 || !/^[\w-]+$/.test(signature)) throw malformed(`${what} is not a signed JWT`);
  return { header: readPart(what, header, known), claims: readPart(what, claims, known) };
};
