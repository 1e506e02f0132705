import { isDeepStrictEqual } from 'node:util';
import type { Partner } from '../../functions/shared/registry/types.ts';
import { limitScopes } from '../../functions/shared/scopes/limit-scopes.ts';
import { parseScopes, writeScopes } from '../../functions/shared/scopes/scopes.ts';
import type { EntryChange } from './compare.ts';

/** One write: the whole entry, or its removal. */
export interface Step {
  readonly change: EntryChange;
  /** Undefined to remove it. */
  readonly entry: object | undefined;
}

/*
 * Others read while the entries are written one by one. Nobody may get by a half-written file what neither the old nor
 * the new one allows, so what narrows comes before what widens:
 *
 *   1. payers and partners are removed, and partners lose what they lose;
 *   2. payers change, and new ones come;
 *   3. partners get what they get, and new ones come.
 *
 * A partner that loses some things and gets others, while a payer of its changes too, is written twice: in 1 with what
 * both files allow, in 3 as the file has it.
 */
export type Phases = readonly [narrowing: readonly Step[], payers: readonly Step[], widening: readonly Step[]];

const common = <T>(some: readonly T[], others: readonly T[]): readonly T[] =>
  some.filter((one) => others.some((other) => isDeepStrictEqual(one, other)));

const sameAuthentication = (a: Partner, b: Partner): boolean =>
  isDeepStrictEqual(a.clientAuthentication, b.clientAuthentication);

/** Under which of its identifiers a partner may ask former plans by both entries; without any it may not. */
const commonExchange = ({ exchange: before }: Partner, { exchange: after }: Partner): Pick<Partner, 'exchange'> => {
  const identifiers = common(before?.identifiers ?? [], after?.identifiers ?? []);
  return identifiers.length === 0 ? {} : { exchange: { identifiers } };
};

/** Whose identity tokens about members a partner may present by both entries. */
const commonAudiences = (
  { identityAudiences: before = [] }: Partner,
  { identityAudiences: after = [] }: Partner,
): Pick<Partner, 'identityAudiences'> => {
  const both = after
    .map(({ issuer, audiences }) => ({
      issuer,
      audiences: common(audiences, before.find((one) => one.issuer === issuer)?.audiences ?? []),
    }))
    .filter(({ audiences }) => audiences.length > 0);
  return both.length === 0 ? {} : { identityAudiences: both };
};

const withoutOptional = ({ exchange: _exchange, identityAudiences: _audiences, ...partner }: Partner): Partner =>
  partner;

/** What both entries of a partner allow. Where they have nothing in common, it is nothing, until the last write. */
export const commonPartner = (before: Partner, after: Partner): Partner => ({
  ...withoutOptional(after),
  ...commonExchange(before, after),
  ...commonAudiences(before, after),
  payers: common(before.payers, after.payers),
  scopes: writeScopes(limitScopes(parseScopes(before.scopes), parseScopes(after.scopes)))
    .split(' ')
    .filter((scope) => scope !== ''),
  redirectUris: common(before.redirectUris, after.redirectUris),
  webOrigins: common(before.webOrigins, after.webOrigins),
  consent: before.consent === 'partner' ? after.consent : before.consent,
  pkceOptional: before.pkceOptional && after.pkceOptional,
  ...(sameAuthentication(before, after)
    ? {
        secretHashes: common(before.secretHashes, after.secretHashes),
        jwks: common(before.jwks, after.jwks),
      }
    : {}),
});

/** The fields that say what a partner may do, apart from how it proves who it is. */
const allows = ({
  payers,
  scopes,
  redirectUris,
  webOrigins,
  consent,
  pkceOptional,
  secretHashes,
  jwks,
  exchange,
  identityAudiences,
}: Partner) => ({
  payers: payers.toSorted(),
  scopes: scopes.toSorted(),
  redirectUris: redirectUris.toSorted(),
  webOrigins: webOrigins.toSorted(),
  consent,
  pkceOptional,
  secretHashes: secretHashes.toSorted(),
  jwks,
  exchange: exchange?.identifiers.map((identifier) => JSON.stringify(identifier)).toSorted(),
  identityAudiences: identityAudiences
    ?.flatMap(({ issuer, audiences }) => audiences.map((audience) => JSON.stringify([issuer, audience])))
    .toSorted(),
});

const isSameRight = (a: Partner, b: Partner): boolean => isDeepStrictEqual(allows(a), allows(b));

type PartnerChange = Extract<EntryChange, { readonly kind: 'partner' }>;

/** In which phases a partner that stays is written. */
const partnerSteps = (
  change: PartnerChange & { readonly after: Partner },
  changedPayers: ReadonlySet<string>,
): { readonly first?: Step; readonly last?: Step } => {
  const { before, after } = change;
  const whole = { change, entry: after };
  // An entry that is new, or damaged, allowed nothing.
  if (before === undefined) return { last: whole };
  const both = commonPartner(before, after);
  if (isSameRight(both, after)) return { first: whole };
  if (isSameRight(both, before)) return { last: whole };
  return [...before.payers, ...after.payers].some((payer) => changedPayers.has(payer))
    ? { first: { change, entry: both }, last: whole }
    : { first: whole };
};

const stays = (change: PartnerChange): change is PartnerChange & { readonly after: Partner } =>
  change.after !== undefined;

/** The writes that turn the table into the file, in phases. Within a phase any order is safe. */
export const phasesOf = (changes: readonly EntryChange[]): Phases => {
  const removals = changes.filter(({ after }) => after === undefined).map((change) => ({ change, entry: undefined }));
  const payers = changes.flatMap((change) => (change.kind === 'payer' && change.after !== undefined ? [change] : []));
  const changedPayers = new Set(payers.map(({ id }) => id));
  const partners = changes
    .flatMap((change) => (change.kind === 'partner' && stays(change) ? [change] : []))
    .map((change) => partnerSteps(change, changedPayers));
  return [
    [...removals, ...partners.flatMap(({ first }) => first ?? [])],
    payers.map((change) => ({ change, entry: change.after })),
    partners.flatMap(({ last }) => last ?? []),
  ];
};
