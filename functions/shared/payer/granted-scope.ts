import type { JsonObject } from '../json/json-object.ts';
import { notText } from '../scopes/payer-words.ts';
import { readWords } from '../scopes/read-words.ts';
import { parseScope, type Scopes } from '../scopes/scopes.ts';

/**
 * Reads the `scope` of a payer's token answer, a text or a list of texts, as far as each word means one thing: also with
 * other upper and lower case, with commas, percent-encoded, and in Epic's and Microsoft's words. A word that cannot be read stays as it is.
 * @returns empty for an empty text: RFC 6749 §5.1 lets a payer leave out the scope that was asked for, and §3.3 has no empty
 * one. Undefined if it is missing or null, since some servers write null for a missing member
 */
export const readGrantedScope = (value: unknown): Scopes | undefined => {
  if (value === undefined || value === null) return undefined;
  const parts: readonly unknown[] = Array.isArray(value) ? value : [value];
  const words = parts.flatMap((part) => (typeof part === 'string' ? readWords([part]) : notText));
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
