import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { writeScopes, type Scopes } from '../scopes/scopes.ts';
import { grantAttributes, type grantEventAttributes, type ValuesOf } from './attributes.ts';
import { getItem, sendOrUnavailable, writeIfConditionHolds, type Table } from './dynamo.ts';
import { anyOf, clausesOn, conditionOf, projectionOf, updateOf, type Change, type Clause } from './expressions.ts';
import {
  isLive,
  readGrant,
  type Grant,
  type GrantEvent,
  type IdentityFacts,
  type IssuedAccess,
  type Operator,
  type RevocationReason,
} from './grant-item.ts';
import { writeItem, type Item } from './items.ts';
import type { Member } from './member-index.ts';

/*
 * A grant's life, and the one conditional write that each step is:
 *
 *   created ──redeem──► redeemed ──rotate──► rotated ──rotate──► …          endsAt
 *      │ code 60 s          │  payer tokens refreshed on payerVersion         │
 *      └── expiresAt        └──────────────── revoke ────────────────► tombstone, until TTL
 *
 * Every update requires that the item exists, so an item that TTL removed never comes back half-written.
 *
 * The SDK repeats a write whose answer was lost, and then finds its own write. If writing twice has the same effect as
 * once, the condition allows it. After `redeem`, `rotate` and `storePayerTokens` the caller reads whether the write was
 * its own.
 */
const { exists, absent, is, contains, hasFewerThan } = clausesOn(grantAttributes);
const grantExists = exists('grantId');
const notRevoked = absent('revokedAt');
const notExpired = (now: number): Clause => is('expiresAt', '>', now);
const ofPartner = (partner: string): Clause => is('partner', '=', partner);
const atPayerVersion = (version: number): Clause => is('payerVersion', '=', version);

const keyOf = (grantId: string): Item => writeItem(grantAttributes, { grantId });

const eventOf = ({ by, identity, ...event }: GrantEvent): ValuesOf<typeof grantEventAttributes> => ({
  ...event,
  ...by,
  ...identity,
});

const accessOf = ({ hash, expiresAt, scope }: IssuedAccess) => ({
  accessHash: hash,
  accessExpiresAt: expiresAt,
  accessScope: writeScopes(scope),
});

const previousAccessOf = ({ hash, expiresAt, scope }: IssuedAccess) => ({
  previousAccessHash: hash,
  previousAccessExpiresAt: expiresAt,
  previousAccessScope: writeScopes(scope),
});

/** False if one of the conditions failed. */
const update = async (table: Table, grantId: string, change: Change<typeof grantAttributes>): Promise<boolean> => {
  const result = await writeIfConditionHolds(
    table.client.send(
      new UpdateItemCommand({ TableName: table.name, Key: keyOf(grantId), ...updateOf(grantAttributes, change) }),
    ),
  );
  return result !== undefined;
};

/**
 * Reads a grant, strongly consistent. Expired and revoked grants are returned too: the caller checks `isLive`.
 * @throws GatewayError `temporarily_unavailable`
 */
export const getGrant = async (table: Table, grantId: string): Promise<Grant | undefined> => {
  const item = await getItem(table, keyOf(grantId));
  return item === undefined ? undefined : readGrant(item);
};

/** What the job of an export may read of a grant. */
export const grantLifeAttributes = [
  'grantId',
  'revokedAt',
  'expiresAt',
  'scope',
] as const satisfies readonly (keyof typeof grantAttributes)[];

/**
 * What is left of a grant's scope, read strongly consistent and without what the grant holds; undefined if it has ended.
 * @param now epoch seconds
 * @throws GatewayError `temporarily_unavailable`
 */
export const getLiveScope = async (table: Table, grantId: string, now: number): Promise<Scopes | undefined> => {
  const item = await getItem(table, keyOf(grantId), projectionOf(grantLifeAttributes));
  const grant = item === undefined ? undefined : readGrant(item);
  return grant !== undefined && isLive(grant, now) ? grant.scope : undefined;
};

/** Writes a new grant, which expires with its code unless the code is redeemed. */
export const putGrant = async (
  table: Table,
  grant: Grant & {
    readonly wrappedKey: Uint8Array;
    readonly linkKey: Uint8Array;
    /** Finds it among the grants of its member; only a grant without a patient has none. */
    readonly memberIndex?: string | undefined;
  },
  { now, requestId, identity }: { now: number; requestId: string; identity?: IdentityFacts | undefined },
): Promise<void> => {
  const values = {
    grantId: grant.grantId,
    payer: grant.payer,
    partner: grant.partner,
    scope: writeScopes(grant.scope),
    patient: grant.patient,
    memberIndex: grant.memberIndex,
    refreshable: grant.refreshable,
    endsAt: grant.endsAt,
    expiresAt: grant.expiresAt,
    codeHash: grant.codeHash,
    codeExpiresAt: grant.codeExpiresAt,
    codeChallenge: grant.codeChallenge,
    redirectUri: grant.redirectUri,
    via: identity === undefined ? undefined : 'identity',
    attestedAt: identity?.attestedAt,
    wrappedKey: grant.wrappedKey,
    linkKey: grant.linkKey,
    sealedPayerTokens: grant.sealedPayerTokens,
    payerVersion: grant.payerVersion,
    createdAt: now,
    lastEvent: eventOf({ type: 'created', at: now, requestId, identity }),
  };
  // An SDK retry after a lost answer finds its own item.
  const newOrItsOwn = anyOf(absent('grantId'), is('codeHash', '=', grant.codeHash));
  await sendOrUnavailable(
    table.client.send(
      new PutItemCommand({
        TableName: table.name,
        Item: writeItem(grantAttributes, values),
        ...conditionOf(newOrItsOwn),
      }),
    ),
  );
};

/**
 * Redeems a code; at most one call ever returns true. The condition repeats everything that the caller checked, so
 * neither a wrong verifier nor another client uses up the code.
 */
export const redeem = (
  table: Table,
  grant: Grant,
  issue: { access: IssuedAccess; refreshHash: string | undefined; familyHash: string },
  { now, requestId }: { now: number; requestId: string },
): Promise<boolean> => {
  const ofThisCode = is('codeHash', '=', grant.codeHash);
  const notRedeemed = absent('redeemedAt');
  const toThisUri = is('redirectUri', '=', grant.redirectUri);
  const codeNotExpired = is('codeExpiresAt', '>', now);
  const { codeChallenge } = grant;
  const withThisChallenge =
    codeChallenge === undefined ? absent('codeChallenge') : is('codeChallenge', '=', codeChallenge);
  return update(table, grant.grantId, {
    set: {
      redeemedAt: now,
      redeemedBy: requestId,
      usedAt: now,
      ...accessOf(issue.access),
      familyHash: issue.familyHash,
      refreshHash: issue.refreshHash,
      lastEvent: eventOf({ type: 'redeemed', at: now, requestId }),
    },
    copy: { expiresAt: 'endsAt' },
    remove: ['wrappedKey'],
    when: [
      grantExists,
      ofThisCode,
      notRedeemed,
      ofPartner(grant.partner),
      toThisUri,
      withThisChallenge,
      codeNotExpired,
      notExpired(now),
      notRevoked,
    ],
  });
};

/**
 * Rotates the partner's tokens on the presented refresh token, which is from the last rotation or from a repeat of it.
 * The others end with it. False if another call rotated first.
 */
export const rotate = (
  table: Table,
  grant: Grant,
  issue: { presentedHash: string; access: IssuedAccess; refreshHash: string; salt: Uint8Array },
  { now, requestId }: { now: number; requestId: string },
): Promise<boolean> => {
  const current = anyOf(is('refreshHash', '=', issue.presentedHash), contains('repeatHashes', issue.presentedHash));
  return update(table, grant.grantId, {
    set: {
      usedAt: now,
      ...accessOf(issue.access),
      refreshHash: issue.refreshHash,
      previousRefreshHash: issue.presentedHash,
      rotatedAt: now,
      rotationSalt: issue.salt,
      ...(grant.access === undefined ? {} : previousAccessOf(grant.access)),
      lastEvent: eventOf({ type: 'refreshed', at: now, requestId }),
    },
    remove: ['repeatHashes'],
    when: [grantExists, current, ofPartner(grant.partner), notExpired(now), notRevoked],
  });
};

/** How many repeats of one rotation get a refresh token of their own. */
const mostRepeats = 50;

/**
 * Adds a refresh token for a repeat of the last rotation, which the presented token had made. False if another rotation
 * followed, the grant has ended, or there were too many repeats.
 */
export const addRepeat = (
  table: Table,
  grant: Grant,
  { presentedHash, refreshHash, now }: { presentedHash: string; refreshHash: string; now: number },
): Promise<boolean> => {
  const ofTheLastRotation = is('previousRefreshHash', '=', presentedHash);
  const notTooMany = anyOf(
    absent('repeatHashes'),
    hasFewerThan('repeatHashes', mostRepeats),
    contains('repeatHashes', refreshHash),
  );
  return update(table, grant.grantId, {
    include: { repeatHashes: refreshHash },
    when: [grantExists, ofTheLastRotation, ofPartner(grant.partner), notExpired(now), notRevoked, notTooMany],
  });
};

/**
 * Ends a grant. Its item stays as a tombstone without payer tokens. With `payerVersion`, only if that is still the
 * current version. False if the grant had already ended or the version has changed. An SDK retry after a lost answer
 * recognizes its own revocation.
 */
export const revoke = (
  table: Table,
  grantId: string,
  reason: RevocationReason,
  { now, requestId, payerVersion, by }: { now: number; requestId: string; payerVersion?: number; by?: Operator },
): Promise<boolean> =>
  update(table, grantId, {
    set: {
      revokedAt: now,
      revokedBy: requestId,
      lastEvent: eventOf({ type: 'revoked', at: now, requestId, reason, ...(by === undefined ? {} : { by }) }),
    },
    remove: ['sealedPayerTokens', 'wrappedKey', 'linkKey', 'repeatHashes', 'leaseOwner', 'leaseUntilMs'],
    when: [
      grantExists,
      anyOf(notRevoked, is('revokedBy', '=', requestId)),
      ...(payerVersion === undefined ? [] : [atPayerVersion(payerVersion)]),
    ],
  });

/**
 * Adds the key for page links to a grant of version 0.1, which was created without one. False if it has one by now, or
 * has ended.
 */
export const addLinkKey = (
  table: Table,
  grantId: string,
  { linkKey, now }: { linkKey: Uint8Array; now: number },
): Promise<boolean> =>
  update(table, grantId, {
    set: { linkKey },
    when: [grantExists, notRevoked, notExpired(now), absent('linkKey')],
  });

/**
 * Adds the index of its member to a grant that was created without one. Nothing else about the grant changes. False if it
 * has another one by now, is gone, or is another member's.
 */
export const addMemberIndex = (
  table: Table,
  { grantId, payer, patient }: Pick<Grant, 'grantId'> & Member,
  { memberIndex, now, requestId, by }: { memberIndex: string; now: number; requestId: string; by: Operator },
): Promise<boolean> =>
  update(table, grantId, {
    set: { memberIndex, lastEvent: eventOf({ type: 'indexed', at: now, requestId, by }) },
    when: [
      grantExists,
      // The same one if the answer was lost and the SDK sent it again.
      anyOf(absent('memberIndex'), is('memberIndex', '=', memberIndex)),
      is('payer', '=', payer),
      is('patient', '=', patient),
    ],
  });

/** Records that an operator ends the grant's export. Nothing else about the grant changes. False if the grant has ended or is gone. */
export const noteExportEnded = (
  table: Table,
  grantId: string,
  { now, requestId, by }: { now: number; requestId: string; by: Operator },
): Promise<boolean> =>
  update(table, grantId, {
    set: { lastEvent: eventOf({ type: 'exportEnded', at: now, requestId, by }) },
    when: [grantExists, notRevoked],
  });

/**
 * Takes the lease on a refresh of payer tokens. False if another request holds it, or the tokens have changed.
 * @param lease `from`: another owner, whom this one follows
 */
export const takeLease = (
  table: Table,
  grant: Grant,
  { owner, from, nowMs, untilMs }: { owner: string; from?: string | undefined; nowMs: number; untilMs: number },
): Promise<boolean> => {
  const isFrom = from === undefined ? [] : [is('leaseOwner', '=', from)];
  const free = anyOf(absent('leaseOwner'), is('leaseUntilMs', '<', nowMs), is('leaseOwner', '=', owner), ...isFrom);
  return update(table, grant.grantId, {
    set: { leaseOwner: owner, leaseUntilMs: untilMs },
    when: [grantExists, notRevoked, notExpired(Math.floor(nowMs / 1000)), atPayerVersion(grant.payerVersion), free],
  });
};

/** Releases the lease after a failed refresh. Nothing happens if another request holds it by now. */
export const releaseLease = (table: Table, grantId: string, owner: string): Promise<boolean> =>
  update(table, grantId, {
    set: { leaseUntilMs: 0 },
    when: [grantExists, is('leaseOwner', '=', owner)],
  });

interface StoredRefresh {
  readonly sealed: Uint8Array;
  /** The grant's scope, if the payer has narrowed it. */
  readonly scope?: Scopes | undefined;
  readonly now: number;
  readonly requestId: string;
}

/**
 * Stores refreshed payer tokens before they are used, if the version that was read is current. False if the grant has
 * ended or another refresh won. Correctness rests on this condition, not on the lease.
 */
export const storePayerTokens = (
  table: Table,
  grant: Grant,
  { sealed, scope, now, requestId }: StoredRefresh,
): Promise<boolean> =>
  update(table, grant.grantId, {
    set: {
      sealedPayerTokens: sealed,
      scope: scope === undefined ? undefined : writeScopes(scope),
      payerVersion: grant.payerVersion + 1,
      lastEvent: eventOf({ type: 'payerRefreshed', at: now, requestId }),
    },
    remove: ['leaseOwner', 'leaseUntilMs'],
    when: [grantExists, notRevoked, notExpired(now), atPayerVersion(grant.payerVersion)],
  });

/**
 * Stores an assertion's `jti` until the assertion would be refused as too old (RFC 7523 §3). False if it was seen
 * before.
 */
export const rememberAssertion = async (
  table: Table,
  { jtiHash, now, expiresAt, requestId }: { jtiHash: string; now: number; expiresAt: number; requestId: string },
): Promise<boolean> => {
  const values = { grantId: `jti.${jtiHash}`, seenBy: requestId, expiresAt };
  const unseenOrItsOwn = anyOf(absent('grantId'), is('expiresAt', '<=', now), is('seenBy', '=', requestId));
  const written = await writeIfConditionHolds(
    table.client.send(
      new PutItemCommand({
        TableName: table.name,
        Item: writeItem(grantAttributes, values),
        ...conditionOf(unseenOrItsOwn),
      }),
    ),
  );
  return written !== undefined;
};
