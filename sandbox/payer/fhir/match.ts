import { dateMatcher } from './dates.ts';
import type { SearchParameter, SearchType } from './definitions.ts';
import { badRequest, unsupported } from './outcome.ts';

/** Whether one value that a parameter found is the requested one. */
export type Matcher = (value: unknown) => boolean;

/** Parses one value of a search parameter (no commas) into a matcher. */
export const matcher = (
  { type, code }: SearchParameter,
  modifier: string | undefined,
  asked: string,
  baseUrl: string,
): Matcher => {
  if (type === 'string' && (modifier === 'exact' || modifier === 'contains')) return stringMatcher(asked, modifier);
  if (type === 'token' && modifier === 'text') return stringMatcher(asked, 'contains');
  if (type === 'reference' && modifier === 'identifier') return identifierMatcher(asked);
  if (type === 'reference' && modifier && /^[A-Z]/.test(modifier))
    return referenceMatcher(`${modifier}/${asked}`, baseUrl);
  if (modifier && !(type === 'token' && modifier === 'not')) throw unsupported(`modifier :${modifier} on ${code}`);
  return plainMatchers[type](asked, baseUrl);
};

interface Token {
  readonly system?: string;
  readonly code?: string;
  /** A plain code whose system the element implies. */
  readonly plain?: true;
}

/** `code`, `system|code`, `|code` or `system|`. */
const tokenMatcher = (asked: string): Matcher => {
  const bar = asked.indexOf('|');
  const code = asked.slice(bar + 1);
  const system = bar === -1 ? undefined : asked.slice(0, bar);
  return (value) =>
    tokensOf(value).some(
      (token) =>
        (code === '' || token.code === code) &&
        (system === undefined || token.plain || (token.system ?? '') === system),
    );
};

/** The system and code pairs in a CodeableConcept, Coding, Identifier, ContactPoint, code, boolean or string. */
export const tokensOf = (value: unknown): Token[] => {
  if (typeof value !== 'object' || value === null) return [{ code: String(value), plain: true }];
  const { coding, ...rest } = value as { coding?: unknown[] } & Record<string, string | undefined>;
  if (coding) return coding.flatMap(tokensOf);
  const code = rest['code'] ?? rest['value'];
  return [{ ...(rest['system'] && { system: rest['system'] }), ...(code !== undefined && { code }) }];
};

const identifierMatcher = (asked: string): Matcher => {
  const matches = tokenMatcher(asked);
  return (value) => {
    const { identifier } = Object(value) as { identifier?: unknown };
    return identifier !== undefined && matches(identifier);
  };
};

/** `id`, `Type/id`, or a URL. URLs below the base equal `Type/id`. */
const referenceMatcher = (asked: string, baseUrl: string): Matcher => {
  const local = asked.startsWith(`${baseUrl}/`) ? asked.slice(baseUrl.length + 1) : asked;
  return (value) => {
    const { reference } = Object(value) as { reference?: unknown };
    if (typeof reference !== 'string') return value === asked;
    return reference === local || (!local.includes('/') && reference.endsWith(`/${local}`));
  };
};

const stringMatcher = (asked: string, modifier?: 'exact' | 'contains'): Matcher => {
  if (modifier === 'exact') return (value) => stringsIn(value).includes(asked);
  const plain = plainText(asked);
  return (value) =>
    stringsIn(value).some((text) =>
      modifier === 'contains' ? plainText(text).includes(plain) : plainText(text).startsWith(plain),
    );
};

/** Fields of names and addresses that people do not search for. */
const unsearched = new Set(['id', 'extension', 'use', 'type', 'period']);

/** All strings in a HumanName, an Address or another value of a string parameter. */
const stringsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => (unsearched.has(name) ? [] : stringsIn(inner)));
};

/** String search ignores case and accents. */
export const plainText = (text: string): string => {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
};

/** From `from` up to but not including `to`. */
interface Range {
  readonly from: number;
  readonly to: number;
}

const numberForm = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?([+-]?\d+(?:\.(\d+))?(?:e[+-]?\d+)?)$/i;

/** `[prefix]number`, followed by `|system|code` or `||code` for quantities. */
const quantityMatcher = (asked: string): Matcher => {
  const [amount = '', system, unit] = asked.split('|');
  const [, prefix = 'eq', digits, fraction = ''] = numberForm.exec(amount) ?? [];
  if (digits === undefined) throw badRequest(`"${asked}" is not a number; write one like ge5.4`);
  const wanted = Number(digits);
  // A number matches its whole rounding range: 5.4 is everything from 5.35 up to 5.45.
  const half = 0.5 * 10 ** -fraction.length;
  // Rounded to the digit, since binary fractions are slightly off.
  const toTheDigit = (edge: number): number => Number(edge.toFixed(fraction.length + 1));
  const range = { from: toTheDigit(wanted - half), to: toTheDigit(wanted + half) };
  return (value) => {
    const found = Object(value) as { value?: number; system?: string; code?: string; unit?: string };
    const number = typeof value === 'number' ? value : found.value;
    if (number === undefined) return false;
    if (system && found.system !== system) return false;
    if (unit && found.code !== unit && found.unit !== unit) return false;
    return compareNumber(prefix.toLowerCase(), number, wanted, range);
  };
};

const compareNumber = (prefix: string, found: number, wanted: number, { from, to }: Range): boolean => {
  if (prefix === 'gt' || prefix === 'sa') return found > wanted;
  if (prefix === 'lt' || prefix === 'eb') return found < wanted;
  if (prefix === 'ge') return found >= wanted;
  if (prefix === 'le') return found <= wanted;
  if (prefix === 'ap') return Math.abs(found - wanted) <= Math.abs(wanted) * 0.1;
  const equal = found >= from && found < to;
  return prefix === 'ne' ? !equal : equal;
};

const plainMatchers: Readonly<Record<SearchType, (asked: string, baseUrl: string) => Matcher>> = {
  date: dateMatcher,
  reference: referenceMatcher,
  string: (asked) => stringMatcher(asked),
  token: tokenMatcher,
  uri: (asked) => (value) => value === asked,
  number: quantityMatcher,
  quantity: quantityMatcher,
};
