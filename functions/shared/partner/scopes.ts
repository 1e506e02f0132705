import { anyType } from '../registry/resource-types.ts';
import {
  covers,
  hasWord,
  hold,
  isReading,
  lettersHeld,
  namesType,
  readAccessOf,
  type Held,
  type ResourceScope,
  type Scope,
  type Scopes,
} from '../registry/scopes.ts';

type Other = Exclude<Scope, ResourceScope>;

/** A scope for reading whole types, of one patient or of what a user may see. */
type ReadScope = ResourceScope & { readonly context: 'patient' | 'user' };

/** RFC 6749 §3.3, without `/` and `?`, which make it a resource scope. */
const otherForm = /^(?:launch\/(?:patient|encounter)|[A-Za-z0-9_.:-]+)$/;

/**
 * Whether the gateway may give a scope at all. It never gives writes, granular scopes (`?…`), `system/`, types that R4
 * does not have, and what is no scope at all.
 */
const isGrantable = (scope: Scope): scope is ReadScope | Other =>
  scope.kind === 'resource'
    ? scope.context !== 'system' && scope.filter === undefined && isReading(scope) && namesType(scope)
    : otherForm.test(scope.word);

const isReadScope = (scope: Scope): scope is ReadScope => scope.kind === 'resource' && isGrantable(scope);

/** Whether any of these scopes lets a partner read. */
export const readsSomething = (scopes: Scopes): boolean => scopes.some(isReadScope);

/** What a partner's scopes let it read, whichever their context. */
export const heldByPartner = (scopes: Scopes): Held => hold(scopes.filter(isReadScope));

/** The same where `patient/` and `user/` do not stand for each other. */
const heldByContext = (scopes: Scopes): Readonly<Record<ReadScope['context'], Held>> => {
  const ofContext = (context: string) =>
    heldByPartner(scopes.filter((one) => one.kind === 'resource' && one.context === context));
  return { patient: ofContext('patient'), user: ofContext('user') };
};

/** Which of the `requested` scopes let a partner read more than `registered` does. */
export const scopesBeyond = (requested: Scopes, registered: Scopes): Scopes => {
  const held = heldByContext(registered);
  return requested
    .filter(isReadScope)
    .filter((scope) => !covers(held[scope.context], scope.type, readAccessOf(scope)!));
};

const readScope = ({ context }: ReadScope, type: string, permissions: string): ReadScope => {
  const word = `${context}/${type}.${permissions}`;
  return { kind: 'resource', word, context, type, permissions, filter: undefined };
};

/** What is left of a scope for one type: all of it in its own spelling, one of its two letters, or nothing. */
const leftForType = (scope: ReadScope, type: string, held: Held): Scopes => {
  const access = readAccessOf(scope)!;
  const left = lettersHeld(held, type, access);
  if (left === '') return [];
  return [readScope(scope, type, left === access ? scope.permissions! : left)];
};

/** What is left of a scope; some of it may be there twice. */
const leftOf = (scope: ReadScope, held: Held): Scopes => {
  const whole = leftForType(scope, scope.type, held);
  if (scope.type !== anyType || whole[0]?.word === scope.word) return whole;
  return [...whole, ...[...held.keys()].flatMap((type) => leftForType(scope, type, held))];
};

/** Each scope as `keep` leaves it, once; what the gateway never grants is dropped. */
const limited = (requested: Scopes, keep: (scope: ReadScope | Other) => Scopes): Scopes => {
  const kept = requested.filter(isGrantable).flatMap(keep);
  return [...new Map(kept.map((scope) => [scope.word, scope])).values()];
};

/** Whether a payer's scope is about resources of members, rather than a word of the payer's own. */
export const isAboutMembers = (scope: Scope): scope is ResourceScope =>
  scope.kind === 'resource' && scope.context !== 'system';

/**
 * The scopes that a partner gets: what it asked for, as far as the payer granted it. A resource scope keeps its
 * spelling where nothing was taken from it; `patient/` and `user/` of the payer are alike, since payers disagree on
 * which of them means "this member", and what the payer filters (`?…`) it filters itself. Scopes that are not about
 * resources (`launch/patient`, `offline_access`) are kept: they are the gateway's to give.
 */
export const intersectScopes = (granted: Scopes, requested: Scopes): Scopes => {
  const held = hold(granted.filter(isAboutMembers));
  return limited(requested, (scope) => (scope.kind === 'resource' ? leftOf(scope, held) : [scope]));
};

/**
 * What of `requested` lies within `registered`: the rest is dropped, and a wildcard becomes the types that are left of
 * it. `patient/` and `user/` do not stand for each other here, and scopes that are not about resources must be
 * registered by name.
 */
export const limitScopes = (requested: Scopes, registered: Scopes): Scopes => {
  const held = heldByContext(registered);
  return limited(requested, (scope) => {
    if (scope.kind === 'resource') return leftOf(scope, held[scope.context]);
    return hasWord(registered, scope.word) ? [scope] : [];
  });
};
