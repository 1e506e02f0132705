import { anyType, isResourceType } from './resource-types.ts';

/** Read access to a resource type, in SMART v2's letters: `r` to read a resource by id, `s` to search. */
export type ReadAccess = 'r' | 's' | 'rs';

/**
 * A scope about resources: `context/type.permissions?filter`
 * (https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html).
 */
export interface ResourceScope {
  readonly kind: 'resource';
  readonly word: string;
  readonly context: 'patient' | 'user' | 'system';
  /** `*` or a resource type, perhaps misspelled: see {@link namesType}. */
  readonly type: string;
  /** What follows the dot; undefined without one. */
  readonly permissions: string | undefined;
  /** From the question mark on; undefined without one. */
  readonly filter: string | undefined;
}

/** One scope (RFC 6749 §3.3). Its `word` is the original spelling, which is stored, sent and shown. */
export type Scope = ResourceScope | { readonly kind: 'other'; readonly word: string };

/** Whether a scope is a `patient/` scope, valid or not. */
export const isAboutPatient = (scope: Scope): scope is ResourceScope =>
  scope.kind === 'resource' && scope.context === 'patient';

/** Distinct scopes, in their original order. */
export type Scopes = readonly Scope[];

const resourceForm = /^(patient|user|system)\/([^.]*)(?:\.([^?]*)(\?.*)?)?$/s;

/** Parses one scope. Nothing is refused here; what may be granted is decided where it is granted. */
export const parseScope = (word: string): Scope => {
  const match = resourceForm.exec(word);
  if (match === null) return { kind: 'other', word };
  const [context, type, permissions, filter] = match.slice(1) as [ResourceScope['context'], string, string?, string?];
  return { kind: 'resource', word, context, type, permissions, filter };
};

const parseWords = (words: readonly string[]): Scopes => [...new Set(words)].map(parseScope);

const parsed = new WeakMap<readonly string[], Scopes>();

/** Parses a text of scopes, or a list with one scope per entry, as in the config. A list is parsed once. */
export const parseScopes = (scopes: string | readonly string[]): Scopes => {
  if (typeof scopes === 'string') return parseWords(scopes.split(/\s+/).filter((word) => word !== ''));
  const known = parsed.get(scopes) ?? parseWords(scopes);
  parsed.set(scopes, known);
  return known;
};

/** Formats scopes as OAuth does, each in its original spelling. */
export const writeScopes = (scopes: Scopes): string => scopes.map(({ word }) => word).join(' ');

/** Whether the scopes include a plain word such as `offline_access`. */
export const hasWord = (scopes: Scopes, word: string): boolean => scopes.some((scope) => scope.word === word);

/** Whether a scope names a resource type of R4, or `*`. */
export const namesType = ({ type }: ResourceScope): boolean => type === anyType || isResourceType(type);

/** Whether a scope allows writing: `write` and `*` of SMART v1; c, u and d of v2, in any order. */
export const isWriting = ({ permissions = '' }: ResourceScope): boolean =>
  permissions === 'write' || permissions === '*' || /^[cruds]*[cud][cruds]*$/.test(permissions);

const reading: ReadonlySet<string | undefined> = new Set(['read', 'rs', 'r', 's']);

/** Whether a scope allows only reading: `read` of v1; r and s of v2. */
export const isReading = ({ permissions }: ResourceScope): boolean => reading.has(permissions);

/** What a scope allows reading, whatever it allows writing; undefined if nothing. */
export const readAccessOf = (scope: ResourceScope): ReadAccess | undefined => {
  const { permissions = '' } = scope;
  if (!namesType(scope)) return undefined;
  if (permissions === 'read' || permissions === '*') return 'rs';
  const letters = /^c?(r?)u?d?(s?)$/.exec(permissions)?.slice(1).join('');
  return letters === '' ? undefined : (letters as ReadAccess | undefined);
};

/**
 * What scopes allow reading: letters by type, or by `*`. Thousands of scopes become at most one entry per type, so
 * later steps are fast.
 */
export type Held = ReadonlyMap<string, string>;

/** Collects what scopes allow reading, in any context. */
export const hold = (scopes: Iterable<ResourceScope>): Held => {
  const held = new Map<string, string>();
  for (const scope of scopes) {
    const access = readAccessOf(scope);
    if (access === undefined) continue;
    const before = held.get(scope.type) ?? '';
    const added = access.split('').filter((letter) => !before.includes(letter));
    held.set(scope.type, before + added.join(''));
  }
  return held;
};

/** The letters of `access` that are granted for a type, by its own scopes or by those for all types. */
export const lettersHeld = (held: Held, type: string, access: ReadAccess): string => {
  const letters = (held.get(type) ?? '') + (held.get(anyType) ?? '');
  return access
    .split('')
    .filter((letter) => letters.includes(letter))
    .join('');
};

/** Whether all of this access to a type is granted. */
export const covers = (held: Held, type: string, access: ReadAccess): boolean =>
  lettersHeld(held, type, access) === access;
