import { FhirRequestError } from '../fhir/fhir-request-error.ts';
import type { FhirRequest, TypeNeed } from '../fhir/fhir-request.ts';
import { any, isResourceType } from '../fhir/search-targets.ts';

type Letters = TypeNeed['needs'];

/** A scope that a partner may hold: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html */
export type Scope =
  | {
      readonly kind: 'resource';
      readonly context: 'patient' | 'user';
      /** A resource type, or `*`. */
      readonly type: string;
      readonly letters: Letters;
      readonly text: string;
    }
  | { readonly kind: 'other'; readonly text: string };

type ResourceScope = Extract<Scope, { kind: 'resource' }>;

/** The letters held for each type, or for `*`; a context stands before the type where contexts are kept apart. */
type Held = ReadonlyMap<string, string>;

const resourceScope = /^(patient|user)\/([A-Za-z]+|\*)\.(read|rs|r|s)$/;
/** As payers grant them for reading: v2's writes among them, and `?` filters, which they apply themselves. */
const grantedScope = /^(?:patient|user)\/([A-Za-z]+|\*)\.(read|\*|c?r?u?d?s?)(?:\?.*)?$/;
/** RFC 6749 §3.3, without `/` and `?`, which make it a resource scope. */
const otherScope = /^(?:launch\/(?:patient|encounter)|[A-Za-z0-9_.:-]+)$/;

/** The different scopes of a text, in order (RFC 6749 §3.3). Each text with scopes in it is read here first. */
export const scopesOf = (text: string): string[] => [...new Set(text.split(/\s+/).filter((scope) => scope !== ''))];

/** None for permissions to write only. */
const lettersOf = (permissions: string): Letters | '' =>
  permissions === 'read' || permissions === '*' ? 'rs' : (permissions.replace(/[cud]/g, '') as Letters | '');

/**
 * Reads one SMART scope, v1 (`.read`) or v2 (`.rs`). Undefined for what the gateway never grants: writes, granular
 * scopes (`?…`), `system/`, types that R4 does not have, and what is no scope at all.
 */
export const parseScope = (text: string): Scope | undefined => {
  const match = resourceScope.exec(text);
  if (match === null) return otherScope.test(text) ? { kind: 'other', text } : undefined;
  const [context, type, permissions] = match.slice(1) as ['patient' | 'user', string, string];
  if (type !== any && !isResourceType(type)) return undefined;
  return { kind: 'resource', context, type, letters: lettersOf(permissions) as Letters, text };
};

const resourceScopes = (scopes: readonly string[]): ResourceScope[] =>
  scopes.map(parseScope).filter((scope) => scope?.kind === 'resource');

/** Whether any of these scopes lets a partner read. */
export const readsSomething = (scope: string): boolean => resourceScopes(scopesOf(scope)).length > 0;

/** Gathers letters by key. Thousands of scopes become at most one entry for each type, so whatever follows is quick. */
const gather = (scopes: Iterable<readonly [key: string, letters: string]>): Held => {
  const held = new Map<string, string>();
  for (const [key, letters] of scopes) {
    const before = held.get(key) ?? '';
    held.set(
      key,
      before +
        letters
          .split('')
          .filter((letter) => !before.includes(letter))
          .join(''),
    );
  }
  return held;
};

/** Which letters these give for a type together. */
const lettersFor = (held: Held, type: string, context = ''): string =>
  (held.get(context + type) ?? '') + (held.get(context + any) ?? '');

const hasLetters = (held: string, wanted: string) => wanted.split('').every((letter) => held.includes(letter));

const heldIn = (scopes: readonly string[]): Held =>
  gather(resourceScopes(scopes).map(({ context, type, letters }) => [`${context}/${type}`, letters]));

/**
 * Which of the `requested` scopes (separated by spaces) allow more than `registered` does. `patient/` and `user/` do not
 * stand for each other here.
 */
export const scopesBeyond = (requested: string, registered: readonly string[]): string[] => {
  const held = heldIn(registered);
  return scopesOf(requested).filter((text) => {
    const scope = parseScope(text);
    if (scope === undefined) return true;
    if (scope.kind === 'other') return !registered.includes(text);
    return !hasLetters(lettersFor(held, scope.type, `${scope.context}/`), scope.letters);
  });
};

/** What a payer's scopes let us read, whichever their context. */
const grantedByPayer = (scopes: string): Held =>
  gather(
    scopesOf(scopes)
      .map((text) => grantedScope.exec(text))
      .filter((match) => match !== null)
      .map((match) => [match[1]!, lettersOf(match[2]!)] as const)
      .filter(([type, letters]) => letters !== '' && (type === any || isResourceType(type))),
  );

/** Whether a payer's scopes are about resources at all, or words of its own only. */
export const areAboutResources = (scopes: string): boolean =>
  scopesOf(scopes).some((scope) => /^(?:patient|user)\//.test(scope));

/** What is left of a scope; some of it may be there twice. */
const narrowed = (scope: ResourceScope, held: Held, context = ''): string[] => {
  const write = (type: string): string[] => {
    const letters = lettersFor(held, type, context);
    if (hasLetters(letters, scope.letters)) return [`${scope.context}/${type}.${scope.text.split('.')[1]!}`];
    // Of two letters one is left at most.
    const left = scope.letters.split('').find((letter) => letters.includes(letter));
    return left === undefined ? [] : [`${scope.context}/${type}.${left}`];
  };
  const whole = write(scope.type);
  if (scope.type !== any || whole[0] === scope.text) return whole;
  const types = [...held.keys()].filter((key) => key.startsWith(context)).map((key) => key.slice(context.length));
  return [...whole, ...types.flatMap(write)];
};

/** Each scope as `keep` leaves it, once; what the gateway never grants is dropped. */
const limited = (requested: string, keep: (scope: Scope) => readonly string[]): string => {
  const scopes = scopesOf(requested)
    .map(parseScope)
    .filter((scope) => scope !== undefined);
  return [...new Set(scopes.flatMap(keep))].join(' ');
};

/**
 * The scopes that a partner gets: what it asked for, as far as the payer granted it. A resource scope keeps its
 * spelling where nothing was taken from it; `patient/` and `user/` of the payer are alike, since payers disagree on
 * which of them means "this member". Scopes that are not about resources (`launch/patient`, `offline_access`) are kept:
 * they are the gateway's to give.
 * @param granted the payer's `scope`
 * @param requested what the partner asked for, separated by spaces
 */
export const intersectScopes = (granted: string, requested: string): string => {
  const payer = grantedByPayer(granted);
  return limited(requested, (scope) => (scope.kind === 'other' ? [scope.text] : narrowed(scope, payer)));
};

/**
 * What of `requested` lies within `registered`: the rest is dropped, and a wildcard becomes the types that are left of
 * it. `patient/` and `user/` do not stand for each other here, and scopes that are not about resources must be
 * registered by name.
 */
export const limitScopes = (requested: string, registered: readonly string[]): string => {
  const held = heldIn(registered);
  return limited(requested, (scope) => {
    if (scope.kind === 'other') return registered.includes(scope.text) ? [scope.text] : [];
    return narrowed(scope, held, `${scope.context}/`);
  });
};

const allows: Readonly<Record<Letters, string>> = { r: 'read', s: 'search', rs: 'read and search' };

/**
 * Checks that the scope allows all that the request can return.
 * @param scope of the access token, separated by spaces
 * @throws FhirRequestError 403 with `insufficientScope`
 */
export const checkScopes = (request: FhirRequest, scope: string): void => {
  const held = gather(resourceScopes(scopesOf(scope)).map(({ type, letters }) => [type, letters]));
  // A page needs no type of its own, but some right to read.
  if (held.size === 0) throw insufficientScope('The access token allows no FHIR resources.');
  for (const { type, needs } of request.types) {
    if (hasLetters(lettersFor(held, type), needs)) continue;
    const what = type === any ? 'all resource types' : type;
    throw insufficientScope(
      `The access token does not allow to ${allows[needs]} ${what}, which this request can return.`,
    );
  }
};

const insufficientScope = (message: string) =>
  new FhirRequestError(403, 'forbidden', message, { insufficientScope: true });
