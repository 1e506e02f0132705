import type { JsonObject } from '../json/json-object.ts';
import { notText } from '../scopes/payer-words.ts';
import { anyType, isResourceType, resourceTypes } from '../scopes/resource-types.ts';
import { parseScope, type Scopes } from '../scopes/scopes.ts';

/** R4's resource types, and `*`, by their names in lower case. */
const types: ReadonlyMap<string, string> = new Map(
  [anyType, ...resourceTypes.split(' ')].map((type) => [type.toLowerCase(), type]),
);

/** A filter (SMART App Launch 2.2, "Finer-grained resource constraints") may have commas and escapes of its own. */
const hasFilter = (text: string): boolean => text.includes('?');

/** A text that was percent-encoded as a whole: it has no blank of its own. A plus is a blank then, as in a form. */
const decoded = (text: string): string => {
  if (hasFilter(text) || /\s/.test(text.trim()) || !/%[\da-f]{2}/i.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
};

/** Words are apart by blanks, or by commas up to a word's filter. A comma at a word's end is no part of its filter. */
const wordsIn = (text: string): string[] =>
  decoded(text)
    .split(/,?\s+|,$/)
    .flatMap((word) => word.match(/[^,?]*\?.*|[^,?]+/g) ?? []);

const resourceForm = /^(patient|user|system)\/([^.?]*)(?:\.([^?]*))?(\?.*)?$/is;

/**
 * Epic's words for reading a type by id and for searching it (https://fhir.epic.com/Documentation?docId=oauth2, read on
 * 2026-12-03). The context is the member's whose sign-in it is.
 */
const epicForm = /^([A-Z]\w+)\.(read|search)$/i;

/** A word in SMART's spelling, where it differs in upper and lower case only, or is one of Epic's. */
const inSmartSpelling = (word: string): string => {
  const [, epicType = '', act = ''] = epicForm.exec(word) ?? [];
  if (isResourceType(epicType)) return `patient/${epicType}.${act.toLowerCase() === 'read' ? 'r' : 's'}`;
  const match = resourceForm.exec(word);
  if (match === null) return word;
  const [context = '', type = '', permissions, filter = ''] = match.slice(1);
  const named = types.get(type.toLowerCase()) ?? type;
  return `${context.toLowerCase()}/${named}${permissions === undefined ? '' : `.${permissions.toLowerCase()}`}${filter}`;
};

/**
 * Reads the `scope` of a payer's token answer, a text or a list of texts, as far as each word means one thing: also with
 * other upper and lower case, with commas, percent-encoded, and Epic's. A word that cannot be read stays as it is.
 * @returns empty for an empty text: RFC 6749 §5.1 lets a payer leave out the scope that was asked for, and §3.3 has no empty
 * one. Undefined if it is missing or null, since some servers write null for a missing member
 */
export const readGrantedScope = (value: unknown): Scopes | undefined => {
  if (value === undefined || value === null) return undefined;
  const parts: readonly unknown[] = Array.isArray(value) ? value : [value];
  const words = parts.flatMap((part) => (typeof part === 'string' ? wordsIn(part).map(inSmartSpelling) : notText));
  return [...new Set(words)].map(parseScope);
};

/**
 * Reads the scope of a token answer: `scope`, or where it is missing `scp` or `scopes`, as some servers call it. A word that only another
 * of these has beside it may limit what the payer granted, so it counts as one that cannot be read, such as `scp:patient/Claim.rs`.
 */
export const readScopeMembers = ({ scope, scp, scopes }: JsonObject): Scopes | undefined => {
  const [first, ...others] = Object.entries({ scope, scp, scopes }).flatMap(([name, value]) => {
    const read = readGrantedScope(value);
    return read === undefined ? [] : [{ name, read }];
  });
  const known = new Set(first?.read.map(({ word }) => word));
  const beside = others.flatMap(({ name, read }) =>
    read.filter(({ word }) => !known.has(word)).map(({ word }) => parseScope(`${name}:${word}`)),
  );
  return first && [...first.read, ...beside];
};
