import { GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { writeScopes } from '../registry/scopes.ts';
import { all, available, b, conditionally, n, s, ss, type Item, type Table } from './dynamo.ts';
import {
  readGrant,
  type Grant,
  type GrantEvent,
  type IssuedAccess,
  type Operator,
  type RevocationReason,
} from './grant.ts';

/*
 * A grant's life, and the one conditional write that each step is:
 *
 *   created ──redeem──► redeemed ──rotate──► rotated ──rotate──► …          endsAt
 *      │ code 60 s          │  payer tokens refreshed on payerVersion         │
 *      └── expiresAt        └──────────────── revoke ────────────────► tombstone, until TTL
 *
 * Every update asks that the item exists, so nothing that TTL removed comes back half-written.
 *
 * The SDK sends a write again when its answer is lost, and then finds what it wrote itself. Where writing twice is the same
 * as once, the condition lets it; of `redeem`, `rotate` and `storePayerTokens` the caller reads whether the write was its own.
 */
const exists = 'attribute_exists(grantId)';
const notRevoked = 'attribute_not_exists(revokedAt)';
const notExpired = 'expiresAt > :now';

const event = ({ type, at, requestId, reason, by }: GrantEvent): Item[string] => ({
  M: {
    type: s(type),
    at: n(at),
    requestId: s(requestId),
    ...(reason === undefined ? {} : { reason: s(reason) }),
    ...(by === undefined ? {} : { operator: s(by.operator), note: s(by.note) }),
  },
});

const update = async (
  table: Table,
  grantId: string,
  { change, condition, values }: { change: string; condition: string; values: Item },
): Promise<boolean> => {
  const result = await conditionally(
    table.client.send(
      new UpdateItemCommand({
        TableName: table.name,
        Key: { grantId: s(grantId) },
        UpdateExpression: change,
        ConditionExpression: condition,
        ExpressionAttributeValues: values,
      }),
    ),
  );
  return result !== undefined;
};

/**
 * Reads a grant, strongly consistent. What has expired or been revoked is still returned: the caller asks `isLive`.
 * @throws GatewayError `temporarily_unavailable`
 */
export const getGrant = async (table: Table, grantId: string): Promise<Grant | undefined> => {
  const { Item: item } = await available(
    table.client.send(
      new GetItemCommand({ TableName: table.name, Key: { grantId: s(grantId) }, ConsistentRead: true }),
    ),
  );
  return item === undefined ? undefined : readGrant(item);
};

/** Writes a new grant, which ends with its code unless that is redeemed. */
export const putGrant = async (
  table: Table,
  grant: Grant & { readonly wrappedKey: Uint8Array; readonly linkKey: Uint8Array },
  { now, requestId }: { now: number; requestId: string },
): Promise<void> => {
  const codeHash = s(grant.codeHash);
  await available(
    table.client.send(
      new PutItemCommand({
        TableName: table.name,
        Item: {
          grantId: s(grant.grantId),
          payer: s(grant.payer),
          partner: s(grant.partner),
          scope: s(writeScopes(grant.scope)),
          ...(grant.patient === undefined ? {} : { patient: s(grant.patient) }),
          refreshable: { BOOL: grant.refreshable },
          endsAt: n(grant.endsAt),
          expiresAt: n(grant.expiresAt),
          codeHash,
          codeExpiresAt: n(grant.codeExpiresAt),
          ...(grant.codeChallenge === undefined ? {} : { codeChallenge: s(grant.codeChallenge) }),
          redirectUri: s(grant.redirectUri),
          wrappedKey: b(grant.wrappedKey),
          linkKey: b(grant.linkKey),
          sealedPayerTokens: b(grant.sealedPayerTokens),
          payerVersion: n(grant.payerVersion),
          createdAt: n(now),
          lastEvent: event({ type: 'created', at: now, requestId }),
        },
        // An SDK retry after a lost answer finds its own item.
        ConditionExpression: 'attribute_not_exists(grantId) OR codeHash = :codeHash',
        ExpressionAttributeValues: { ':codeHash': codeHash },
      }),
    ),
  );
};

/**
 * Redeems a code: at most one call ever returns true. Everything that the caller checked is checked again here, so
 * neither a wrong verifier nor a stranger's client burns the code.
 */
export const redeem = (
  table: Table,
  grant: Grant,
  issue: { access: IssuedAccess; refreshHash: string | undefined; familyHash: string },
  { now, requestId }: { now: number; requestId: string },
): Promise<boolean> => {
  const ofThisCode = 'codeHash = :codeHash';
  const notRedeemed = 'attribute_not_exists(redeemedAt)';
  const ofThisPartner = 'partner = :partner';
  const toThisUri = 'redirectUri = :redirectUri';
  const codeNotExpired = 'codeExpiresAt > :now';
  const withThisChallenge =
    grant.codeChallenge === undefined ? 'attribute_not_exists(codeChallenge)' : 'codeChallenge = :codeChallenge';
  return update(table, grant.grantId, {
    change:
      'SET redeemedAt = :now, usedAt = :now, redeemedBy = :requestId, expiresAt = endsAt, accessHash = :accessHash, ' +
      'accessExpiresAt = :accessExpiresAt, accessScope = :accessScope, familyHash = :familyHash, lastEvent = :event' +
      (issue.refreshHash === undefined ? '' : ', refreshHash = :refreshHash') +
      ' REMOVE wrappedKey',
    condition: all(
      exists,
      ofThisCode,
      notRedeemed,
      ofThisPartner,
      toThisUri,
      withThisChallenge,
      codeNotExpired,
      notExpired,
      notRevoked,
    ),
    values: {
      ':now': n(now),
      ':requestId': s(requestId),
      ':codeHash': s(grant.codeHash),
      ':partner': s(grant.partner),
      ':redirectUri': s(grant.redirectUri),
      ...(grant.codeChallenge === undefined ? {} : { ':codeChallenge': s(grant.codeChallenge) }),
      ':accessHash': s(issue.access.hash),
      ':accessExpiresAt': n(issue.access.expiresAt),
      ':accessScope': s(writeScopes(issue.access.scope)),
      ':familyHash': s(issue.familyHash),
      ...(issue.refreshHash === undefined ? {} : { ':refreshHash': s(issue.refreshHash) }),
      ':event': event({ type: 'redeemed', at: now, requestId }),
    },
  });
};

/**
 * Rotates the partner's pair on the refresh token that was presented: the last rotation's, or one that was given to a
 * repeat of it. The others end with it. False where another call rotated first.
 */
export const rotate = (
  table: Table,
  grant: Grant,
  issue: { presentedHash: string; access: IssuedAccess; refreshHash: string; salt: Uint8Array },
  { now, requestId }: { now: number; requestId: string },
): Promise<boolean> => {
  const previous = grant.access;
  return update(table, grant.grantId, {
    change:
      'SET usedAt = :now, accessHash = :accessHash, accessExpiresAt = :accessExpiresAt, accessScope = :accessScope, ' +
      'refreshHash = :refreshHash, previousRefreshHash = :presented, rotatedAt = :now, rotationSalt = :salt, ' +
      'lastEvent = :event' +
      (previous === undefined
        ? ''
        : ', previousAccessHash = :oldHash, previousAccessExpiresAt = :oldExpiresAt, previousAccessScope = :oldScope') +
      ' REMOVE repeatHashes',
    condition: all(
      exists,
      '(refreshHash = :presented OR contains(repeatHashes, :presented))',
      'partner = :partner',
      notExpired,
      notRevoked,
    ),
    values: {
      ':now': n(now),
      ':partner': s(grant.partner),
      ':presented': s(issue.presentedHash),
      ':accessHash': s(issue.access.hash),
      ':accessExpiresAt': n(issue.access.expiresAt),
      ':accessScope': s(writeScopes(issue.access.scope)),
      ':refreshHash': s(issue.refreshHash),
      ':salt': b(issue.salt),
      ...(previous === undefined
        ? {}
        : {
            ':oldHash': s(previous.hash),
            ':oldExpiresAt': n(previous.expiresAt),
            ':oldScope': s(writeScopes(previous.scope)),
          }),
      ':event': event({ type: 'refreshed', at: now, requestId }),
    },
  });
};

/** How many repeats of one rotation are given a refresh token of their own. */
const mostRepeats = 50;

/**
 * Adds a refresh token for a repeat of the last rotation, which the presented token made. False where another rotation
 * came since, the grant has ended, or too many repeats came already.
 */
export const addRepeat = (
  table: Table,
  grant: Grant,
  { presentedHash, refreshHash, now }: { presentedHash: string; refreshHash: string; now: number },
): Promise<boolean> => {
  const ofTheLastRotation = 'previousRefreshHash = :presented';
  const notTooMany =
    '(attribute_not_exists(repeatHashes) OR size(repeatHashes) < :most OR contains(repeatHashes, :refreshHash))';
  return update(table, grant.grantId, {
    change: 'ADD repeatHashes :added',
    condition: all(exists, ofTheLastRotation, 'partner = :partner', notExpired, notRevoked, notTooMany),
    values: {
      ':added': ss(refreshHash),
      ':refreshHash': s(refreshHash),
      ':presented': s(presentedHash),
      ':partner': s(grant.partner),
      ':now': n(now),
      ':most': n(mostRepeats),
    },
  });
};

/**
 * Ends a grant; its item stays as a tombstone without payer tokens. With `payerVersion` only where that is still the
 * one that the payer refused. False where it had ended already, or where the version moved on; an SDK retry after a lost
 * answer finds its own revocation.
 */
export const revoke = (
  table: Table,
  grantId: string,
  reason: RevocationReason,
  { now, requestId, payerVersion, by }: { now: number; requestId: string; payerVersion?: number; by?: Operator },
): Promise<boolean> =>
  update(table, grantId, {
    change:
      'SET revokedAt = :now, revokedBy = :requestId, lastEvent = :event ' +
      'REMOVE sealedPayerTokens, wrappedKey, linkKey, repeatHashes, leaseOwner, leaseUntilMs',
    condition: all(
      exists,
      `(${notRevoked} OR revokedBy = :requestId)`,
      ...(payerVersion === undefined ? [] : ['payerVersion = :version']),
    ),
    values: {
      ':now': n(now),
      ':requestId': s(requestId),
      ':event': event({ type: 'revoked', at: now, requestId, reason, ...(by === undefined ? {} : { by }) }),
      ...(payerVersion === undefined ? {} : { ':version': n(payerVersion) }),
    },
  });

/**
 * Gives a grant of version 0.1, which was created without one, the key for its page links. False where it has one by
 * now, or has ended.
 */
export const addLinkKey = (
  table: Table,
  grantId: string,
  { linkKey, now }: { linkKey: Uint8Array; now: number },
): Promise<boolean> =>
  update(table, grantId, {
    change: 'SET linkKey = :linkKey',
    condition: all(exists, notRevoked, notExpired, 'attribute_not_exists(linkKey)'),
    values: { ':linkKey': b(linkKey), ':now': n(now) },
  });

/** Takes the lease on a payer-token refresh; false where someone holds it, or the tokens have changed meanwhile. */
export const takeLease = (
  table: Table,
  grant: Grant,
  { owner, nowMs, untilMs }: { owner: string; nowMs: number; untilMs: number },
): Promise<boolean> => {
  const free = '(attribute_not_exists(leaseOwner) OR leaseUntilMs < :nowMs OR leaseOwner = :owner)';
  return update(table, grant.grantId, {
    change: 'SET leaseOwner = :owner, leaseUntilMs = :untilMs',
    condition: all(exists, notRevoked, notExpired, 'payerVersion = :version', free),
    values: {
      ':owner': s(owner),
      ':nowMs': n(nowMs),
      ':now': n(Math.floor(nowMs / 1000)),
      ':untilMs': n(untilMs),
      ':version': n(grant.payerVersion),
    },
  });
};

/** Gives the lease back after a refresh that brought nothing; nothing happens where another holds it by now. */
export const releaseLease = (table: Table, grantId: string, owner: string): Promise<boolean> =>
  update(table, grantId, {
    change: 'SET leaseUntilMs = :zero',
    condition: all(exists, 'leaseOwner = :owner'),
    values: { ':owner': s(owner), ':zero': n(0) },
  });

/**
 * Stores refreshed payer tokens on the version that was read, before they are used. False where the grant has ended or
 * another refresh won. Correctness rests on this condition, not on the lease.
 */
export const storePayerTokens = (
  table: Table,
  grant: Grant,
  { sealed, now, requestId }: { sealed: Uint8Array; now: number; requestId: string },
): Promise<boolean> =>
  update(table, grant.grantId, {
    change: 'SET sealedPayerTokens = :sealed, payerVersion = :next, lastEvent = :event REMOVE leaseOwner, leaseUntilMs',
    condition: all(exists, notRevoked, notExpired, 'payerVersion = :version'),
    values: {
      ':sealed': b(sealed),
      ':version': n(grant.payerVersion),
      ':next': n(grant.payerVersion + 1),
      ':now': n(now),
      ':event': event({ type: 'payerRefreshed', at: now, requestId }),
    },
  });

/**
 * Remembers an assertion's `jti` until it would be refused for its age anyway (RFC 7523 §3); false where it was seen.
 */
export const rememberAssertion = async (
  table: Table,
  { jtiHash, now, expiresAt, requestId }: { jtiHash: string; now: number; expiresAt: number; requestId: string },
): Promise<boolean> => {
  const written = await conditionally(
    table.client.send(
      new PutItemCommand({
        TableName: table.name,
        Item: { grantId: s(`jti.${jtiHash}`), seenBy: s(requestId), expiresAt: n(expiresAt) },
        ConditionExpression: 'attribute_not_exists(grantId) OR expiresAt <= :now OR seenBy = :requestId',
        ExpressionAttributeValues: { ':now': n(now), ':requestId': s(requestId) },
      }),
    ),
  );
  return written !== undefined;
};
