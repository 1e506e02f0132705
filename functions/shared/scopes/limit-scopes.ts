import { anyType } from './resource-types.ts';
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
} from './scopes.ts';

type Other = Exclude<Scope, ResourceScope>;

/** A scope that reads types, for one patient or for all that a user may see. */
type ReadScope = ResourceScope & { readonly context: 'patient' | 'user' };

/** RFC 6749 §3.3, without `/` and `?`, which make it a resource scope. */
const otherForm = /^(?:launch\/(?:patient|encounter)|[A-Za-z0-9_.:-]+)$/;

/** A payer's filter, in the characters of a scope (RFC 6749 §3.3). One that is longer or has others is not passed on. */
const filterForm = /^\?[!#-[\]-~]{1,500}$/;

/** A payer's further granular scopes are not passed on: a grant has room for so many. */
const mostParts = 50;

/** Whether a scope is granted for a part of a type only: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html */
const isPart = (scope: Scope): boolean => scope.kind === 'resource' && scope.filter !== undefined;

/** Whether a scope reads a type, or a part of one that a payer has limited. */
const isReadScope = (scope: Scope): scope is ReadScope =>
  scope.kind === 'resource' &&
  scope.context !== 'system' &&
  (scope.filter === undefined || filterForm.test(scope.filter)) &&
  isReading(scope) &&
  namesType(scope);

/**
 * Whether a grant can have a scope at all. It never allows writing, `system/`, types that are not in R4, or malformed
 * scopes.
 */
const isGrantable = (scope: Scope): scope is ReadScope | Other =>
  scope.kind === 'resource' ? isReadScope(scope) : otherForm.test(scope.word);

/** Whether any of these scopes lets a partner read. */
export const readsSomething = (scopes: Scopes): boolean => scopes.some(isReadScope);

/** What a partner's scopes let it read, whichever their context. */
export const heldByPartner = (scopes: Scopes): Held => hold(scopes.filter(isReadScope));

/** The same of whole types only. */
export const heldWhole = (scopes: Scopes): Held => heldByPartner(scopes.filter((scope) => !isPart(scope)));

/** The same of parts of types, by their filters. */
export const heldInPart = (scopes: Scopes): ReadonlyMap<string, Held> => {
  const parts = Map.groupBy(scopes.filter(isReadScope).filter(isPart), ({ filter = '' }) => filter);
  return new Map([...parts].map(([filter, ofFilter]) => [filter, hold(ofFilter)]));
};

/** The same, with `patient/` and `user/` kept apart. */
const heldByContext = (scopes: Scopes): Readonly<Record<ReadScope['context'], Held>> => {
  const ofContext = (context: string) =>
    heldWhole(scopes.filter((one) => one.kind === 'resource' && one.context === context));
  return { patient: ofContext('patient'), user: ofContext('user') };
};

/** Which of the `requested` scopes let a partner read more than `registered` does. */
export const scopesBeyond = (requested: Scopes, registered: Scopes): Scopes => {
  const held = heldByContext(registered);
  return requested
    .filter(isReadScope)
    .filter((scope) => !covers(held[scope.context], scope.type, readAccessOf(scope)!));
};

const readScope = (
  { context }: ReadScope,
  type: string,
  permissions: string,
  filter: string | undefined,
): ReadScope => {
  const word = `${context}/${type}.${permissions}${filter ?? ''}`;
  return { kind: 'resource', word, context, type, permissions, filter };
};

/** What remains of a scope for one type: all of it in its own spelling, one of its two letters, or nothing. */
const leftForType = (scope: ReadScope, type: string, held: Held): Scopes => {
  const access = readAccessOf(scope)!;
  const left = lettersHeld(held, type, access);
  if (left === '') return [];
  return [readScope(scope, type, left === access ? scope.permissions! : left, scope.filter)];
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
const isAboutMembers = (scope: Scope): scope is ResourceScope =>
  scope.kind === 'resource' && scope.context !== 'system';

/** The type that two scopes have in common. */
const commonType = (one: string, other: string): string | undefined => {
  if (one === anyType) return other;
  return other === anyType || one === other ? one : undefined;
};

/** What remains of a scope under a payer's granular scope, beyond what is granted whole. */
const leftInPart = (scope: ReadScope, part: ResourceScope, whole: Held): Scopes => {
  const type = commonType(scope.type, part.type);
  const isSame = scope.filter === undefined || scope.filter === part.filter;
  if (type === undefined || !isSame || !filterForm.test(part.filter ?? '')) return [];
  const access = readAccessOf(scope)!;
  const beside = lettersHeld(whole, type, access);
  const left = access.split('').filter((letter) => !beside.includes(letter) && readAccessOf(part)?.includes(letter));
  if (left.length === 0) return [];
  // SMART has no filter after `read`.
  const isAll = left.length === access.length && scope.permissions !== 'read';
  return [readScope(scope, type, isAll ? scope.permissions! : left.join(''), part.filter)];
};

/**
 * The scopes that a partner gets: what it asked for, limited to what the payer granted. A resource scope that loses
 * nothing keeps its spelling. The payer's `patient/` and `user/` count as the same, since payers disagree on which
 * means "this member". A granular scope (`?…`) of the payer's is passed on with its filter, which the payer applies
 * itself. Scopes that are not about resources (`launch/patient`, `offline_access`) are kept: they are the gateway's to
 * grant.
 */
export const intersectScopes = (granted: Scopes, requested: Scopes): Scopes => {
  const members = granted.filter(isAboutMembers);
  const whole = hold(members.filter((scope) => !isPart(scope)));
  const parts = members.filter(isPart).slice(0, mostParts);
  return limited(requested, (scope) => {
    if (scope.kind !== 'resource') return [scope];
    return [...leftOf(scope, whole), ...parts.flatMap((part) => leftInPart(scope, part, whole))];
  });
};

/**
 * What remains of a grant's scope within `registered`. The rest is dropped, and a wildcard becomes the types that remain
 * of it. Here `patient/` and `user/` are different, and scopes that are not about resources must be registered by name.
 */
export const limitGranted = (granted: Scopes, registered: Scopes): Scopes => {
  const held = heldByContext(registered);
  return limited(granted, (scope) => {
    if (scope.kind === 'resource') return leftOf(scope, held[scope.context]);
    return hasWord(registered, scope.word) ? [scope] : [];
  });
};

/** The same of what a partner asks for. Granular scopes are dropped: only a payer can apply them. */
export const limitScopes = (requested: Scopes, registered: Scopes): Scopes =>
  limitGranted(
    requested.filter((scope) => !isPart(scope)),
    registered,
  );

/** The granular scopes of a grant that a partner names again, word by word. */
export const partsNamed = (granted: Scopes, requested: Scopes): Scopes =>
  granted.filter((scope) => isPart(scope) && hasWord(requested, scope.word));

const shareLetters = (one: ReadScope, other: ReadScope): boolean =>
  readAccessOf(one)!
    .split('')
    .some((letter) => readAccessOf(other)!.includes(letter));

/**
 * The scopes of a grant that a narrower scope leaves out, although it has a granular scope of the same type. The payer applies
 * all that it granted to each read, so one of them cannot be used without the others.
 */
export const partsApart = (granted: Scopes, narrowed: Scopes): Scopes => {
  const kept = narrowed.filter(isReadScope).filter(isPart);
  return granted
    .filter(isReadScope)
    .filter(
      (left) =>
        isPart(left) &&
        !hasWord(narrowed, left.word) &&
        kept.some((one) => commonType(one.type, left.type) !== undefined && shareLetters(one, left)),
    );
};

/** Tells which types a payer granted only in part, so that no search finds all of them. */
export const limitedByPayer = (granted: Scopes): ((type: string) => boolean) => {
  const [all, whole] = [heldByPartner(granted), heldWhole(granted)];
  return (type) => lettersHeld(all, type, 'rs') !== lettersHeld(whole, type, 'rs');
};
