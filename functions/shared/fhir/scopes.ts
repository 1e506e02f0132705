import { FhirRequestError } from './fhir-request-error.ts';
import type { FhirRequest, TypeNeed } from './fhir-request.ts';
import { ANY, isResourceType } from './search-targets.ts';

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
type Granted = Pick<ResourceScope, 'type' | 'letters'>;

const RESOURCE_SCOPE = /^(patient|user)\/([A-Za-z]+|\*)\.(read|rs|r|s)$/;
/** As payers grant them for reading: v2's writes among them, and `?` filters, which they apply themselves. */
const GRANTED_SCOPE = /^(?:patient|user)\/([A-Za-z]+|\*)\.(read|\*|c?r?u?d?s?)(?:\?.*)?$/;
/** RFC 6749 §3.3, without `/` and `?`, which make it a resource scope. */
const OTHER_SCOPE = /^(?:launch\/(?:patient|encounter)|[A-Za-z0-9_.:-]+)$/;

const split = (scopes: string): string[] => scopes.split(' ').filter((text) => text !== '');

/** None for permissions to write only. */
const lettersOf = (permissions: string): Letters | '' =>
  permissions === 'read' || permissions === '*' ? 'rs' : (permissions.replace(/[cud]/g, '') as Letters | '');

/**
 * Reads one SMART scope, v1 (`.read`) or v2 (`.rs`). Undefined for what the gateway never grants: writes, granular
 * scopes (`?…`), `system/`, types that R4 does not have, and what is no scope at all.
 */
export function parseScope(text: string): Scope | undefined {
  const match = RESOURCE_SCOPE.exec(text);
  if (match === null) return OTHER_SCOPE.test(text) ? { kind: 'other', text } : undefined;
  const [context, type, permissions] = match.slice(1) as ['patient' | 'user', string, string];
  if (type !== ANY && !isResourceType(type)) return undefined;
  return { kind: 'resource', context, type, letters: lettersOf(permissions) as Letters, text };
}

const resourceScopes = (scopes: readonly string[]): ResourceScope[] =>
  scopes.map(parseScope).filter((scope) => scope?.kind === 'resource');

/** Which letters for a type these scopes give together. */
const lettersFor = (type: string, scopes: readonly Granted[]): string =>
  scopes
    .filter((scope) => scope.type === type || scope.type === ANY)
    .map(({ letters }) => letters)
    .join('');

const hasLetters = (held: string, wanted: string) => wanted.split('').every((letter) => held.includes(letter));

/**
 * Whether everything that `requested` (one scope, or several separated by spaces) allows is within `registered`.
 * `patient/` and `user/` do not stand for each other here.
 */
export function isCovered(requested: string, registered: readonly string[]): boolean {
  const held = resourceScopes(registered);
  return split(requested).every((text) => {
    const scope = parseScope(text);
    if (scope === undefined) return false;
    if (scope.kind === 'other') return registered.includes(text);
    const sameContext = held.filter(({ context }) => context === scope.context);
    return hasLetters(lettersFor(scope.type, sameContext), scope.letters);
  });
}

/** What a payer's scopes let us read, whichever their context. */
function grantedByPayer(scopes: string): Granted[] {
  return split(scopes)
    .map((text) => GRANTED_SCOPE.exec(text))
    .filter((match) => match !== null)
    .map((match) => ({ type: match[1]!, letters: lettersOf(match[2]!) }))
    .filter((scope): scope is Granted => scope.letters !== '' && (scope.type === ANY || isResourceType(scope.type)));
}

/** What is left of a scope; some of it may be there twice. */
function narrowed(scope: ResourceScope, granted: readonly Granted[]): string[] {
  const write = (type: string): string[] => {
    const held = lettersFor(type, granted);
    if (hasLetters(held, scope.letters)) return [`${scope.context}/${type}.${scope.text.split('.')[1]!}`];
    // Of two letters one is left at most.
    const left = scope.letters.split('').find((letter) => held.includes(letter));
    return left === undefined ? [] : [`${scope.context}/${type}.${left}`];
  };
  const whole = write(scope.type);
  if (scope.type !== ANY || whole[0] === scope.text) return whole;
  return [...whole, ...granted.flatMap(({ type }) => write(type))];
}

/**
 * The scopes that a partner gets: what it asked for, as far as the payer granted it. A resource scope keeps its
 * spelling where nothing was taken from it; `patient/` and `user/` of the payer are alike, since payers disagree on
 * which of them means "this member". Scopes that are not about resources (`launch/patient`, `offline_access`) are kept:
 * they are the gateway's to give.
 * @param granted the payer's `scope`
 * @param requested what the partner asked for, separated by spaces
 */
export function intersectScopes(granted: string, requested: string): string {
  const payer = grantedByPayer(granted);
  const kept = split(requested).flatMap((text) => {
    const scope = parseScope(text);
    if (scope === undefined) return [];
    return scope.kind === 'other' ? [text] : narrowed(scope, payer);
  });
  return [...new Set(kept)].join(' ');
}

const ALLOWS: Readonly<Record<Letters, string>> = { r: 'read', s: 'search', rs: 'read and search' };

/**
 * Checks that the scope allows all that the request can return.
 * @param scope of the access token, separated by spaces
 * @throws FhirRequestError 403 with `insufficientScope`
 */
export function checkScopes(request: FhirRequest, scope: string): void {
  const held = resourceScopes(split(scope));
  // A page needs no type of its own, but some right to read.
  if (held.length === 0) throw insufficientScope('The access token allows no FHIR resources.');
  for (const { type, needs } of request.types) {
    if (hasLetters(lettersFor(type, held), needs)) continue;
    const what = type === ANY ? 'all resource types' : type;
    throw insufficientScope(
      `The access token does not allow to ${ALLOWS[needs]} ${what}, which this request can return.`,
    );
  }
}

const insufficientScope = (message: string) =>
  new FhirRequestError(403, 'forbidden', message, { insufficientScope: true });
