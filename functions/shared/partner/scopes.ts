import { anyType } from '../scopes/resource-types.ts';
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
} from '../scopes/scopes.ts';

type Other = Exclude<Scope, ResourceScope>;

/** A scope that reads whole types, for one patient or for all that a user may see. */
type ReadScope = ResourceScope & { readonly context: 'patient' | 'user' };

/** RFC 6749 §3.3, without `/` and `?`, which make it a resource scope. */
const otherForm = /^(?:launch\/(?:patient|encounter)|[A-Za-z0-9_.:-]+)$/;

/**
 * Whether the gateway can grant a scope at all. It never grants writing, granular scopes (`?…`), `system/`, types that
 * are not in R4, or malformed scopes.
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

/** The same, with `patient/` and `user/` kept apart. */
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

/** What remains of a scope for one type: all of it in its own spelling, one of its two letters, or nothing. */
const leftForType = (scope: ReadScope, type: string, held: Held): Scopes => {
  const access = readAccessOf(scope)!;
  const left = lettersHeld(held, type, access);
  if (left === '') return [];
  return [readScope(scope, type, left === access ? scope.permissions! : left)];
};

/** What remains of a scope. It may contain duplicates. */
const leftOf = (scope: ReadScope, held: Held): Scopes => {
  const whole = leftForType(scope, scope.type, held);
  if (scope.type !== anyType || whole[0]?.word === scope.word) return whole;
  return [...whole, ...[...held.keys()].flatMap((type) => leftForType(scope, type, held))];
};

/** Each scope as `keep` leaves it, without duplicates. What the gateway never grants is dropped. */
const limited = (requested: Scopes, keep: (scope: ReadScope | Other) => Scopes): Scopes => {
  const kept = requested.filter(isGrantable).flatMap(keep);
  return [...new Map(kept.map((scope) => [scope.word, scope])).values()];
};

/** Whether a payer's scope is about members' resources, rather than a word of the payer's own. */
export const isAboutMembers = (scope: Scope): scope is ResourceScope =>
  scope.kind === 'resource' && scope.context !== 'system';

/**
 * The scopes that a partner gets: what it asked for, limited to what the payer granted. A resource scope that loses
 * nothing keeps its spelling. The payer's `patient/` and `user/` count as the same, since payers disagree on which
 * means "this member". Filters (`?…`) are left to the payer, which applies them itself. Scopes that are not about
 * resources (`launch/patient`, `offline_access`) are kept: they are the gateway's to grant.
 */
export const intersectScopes = (granted: Scopes, requested: Scopes): Scopes => {
  const held = hold(granted.filter(isAboutMembers));
  return limited(requested, (scope) => (scope.kind === 'resource' ? leftOf(scope, held) : [scope]));
};

/**
 * The part of `requested` that is within `registered`. The rest is dropped, and a wildcard becomes the types that
 * remain of it. Here `patient/` and `user/` are different, and scopes that are not about resources must be registered
 * by name.
 */
export const limitScopes = (requested: Scopes, registered: Scopes): Scopes => {
  const held = heldByContext(registered);
  return limited(requested, (scope) => {
    if (scope.kind === 'resource') return leftOf(scope, held[scope.context]);
    return hasWord(registered, scope.word) ? [scope] : [];
  });
};
