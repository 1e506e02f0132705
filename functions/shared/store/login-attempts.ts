import { GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { parseScopes, writeScopes, type Scopes } from '../registry/scopes.ts';
import { deriveKey, seal, sha256, unseal } from './crypto.ts';
import { all, available, b, binary, conditionally, n, number, s, text, type Item, type Table } from './dynamo.ts';

/** What the gateway remembers from authorize to callback. */
export interface LoginAttempt {
  readonly payer: string;
  readonly partner: string;
  readonly redirectUri: string;
  readonly scope: Scopes;
  /** Whether a refresh token is given: `offline_access` was asked for, or no scope at all. */
  readonly refreshable: boolean;
  readonly codeChallenge?: string;
  /** The partner's state, given back as it came. */
  readonly partnerState?: string;
  /** The gateway's PKCE verifier at the payer. */
  readonly verifier: string;
}

/** What became of the browser's return. */
export type Consumption =
  | { readonly outcome: 'consumed'; readonly attempt: LoginAttempt }
  | { readonly outcome: 'finished'; readonly partner: string }
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'expired'; readonly partner: string }
  | { readonly outcome: 'otherBrowser'; readonly partner: string };

const stateKey = (state: string): Uint8Array => deriveKey(Buffer.from(state), Buffer.alloc(0), 'p2p login attempt');

/**
 * Writes a login attempt under the hash of its state. What must stay secret in the table, the verifier and the
 * partner's state, is sealed under a key derived from the state that only the browser and the payer hold.
 * @throws GatewayError `temporarily_unavailable`
 */
export const putLoginAttempt = async (
  table: Table,
  attempt: LoginAttempt,
  {
    state,
    cookie,
    now,
    expiresAt,
    iv,
  }: { state: string; cookie: string; now: number; expiresAt: number; iv: Uint8Array },
): Promise<void> => {
  const stateHash = sha256(state);
  const cookieHash = s(sha256(cookie));
  const secrets = Buffer.from(JSON.stringify({ verifier: attempt.verifier, partnerState: attempt.partnerState }));
  const item: Item = {
    stateHash: s(stateHash),
    payer: s(attempt.payer),
    partner: s(attempt.partner),
    redirectUri: s(attempt.redirectUri),
    scope: s(writeScopes(attempt.scope)),
    refreshable: { BOOL: attempt.refreshable },
    ...(attempt.codeChallenge === undefined ? {} : { codeChallenge: s(attempt.codeChallenge) }),
    cookieHash,
    sealed: b(seal(stateKey(state), secrets, stateHash, iv)),
    createdAt: n(now),
    expiresAt: n(expiresAt),
  };
  await available(
    table.client.send(
      new PutItemCommand({
        TableName: table.name,
        Item: item,
        // An SDK retry after a lost answer finds its own item, which only it can have written.
        ConditionExpression: 'attribute_not_exists(stateHash) OR cookieHash = :cookieHash',
        ExpressionAttributeValues: { ':cookieHash': cookieHash },
      }),
    ),
  );
};

const readAttempt = (item: Item, state: string, stateHash: string): LoginAttempt => {
  const opened: unknown = JSON.parse(
    Buffer.from(unseal(stateKey(state), binary(item, 'sealed') ?? new Uint8Array(), stateHash)).toString('utf8'),
  );
  const { verifier, partnerState } = opened as { verifier: string; partnerState?: string };
  const codeChallenge = text(item, 'codeChallenge');
  return {
    payer: text(item, 'payer') ?? '',
    partner: text(item, 'partner') ?? '',
    redirectUri: text(item, 'redirectUri') ?? '',
    scope: parseScopes(text(item, 'scope') ?? ''),
    refreshable: item['refreshable']?.BOOL === true,
    ...(codeChallenge === undefined ? {} : { codeChallenge }),
    verifier,
    ...(partnerState === undefined ? {} : { partnerState }),
  };
};

/**
 * Consumes a login attempt by one conditional write; a used one stays as a tombstone until its time is over.
 *
 *     put ────────── usable ────────── consumed ── finished ── expiresAt ── TTL deletes, late
 *
 * Nothing is consumed by another browser, at another payer's path, or after expiry.
 * @throws GatewayError `temporarily_unavailable`
 */
export const consumeLoginAttempt = async (
  table: Table,
  {
    state,
    cookie,
    payer,
    now,
    requestId,
  }: {
    state: string;
    /** The value of the browser's cookie for this attempt. */
    cookie: string | undefined;
    payer: string;
    now: number;
    requestId: string;
  },
): Promise<Consumption> => {
  const stateHash = sha256(state);
  const exists = 'attribute_exists(stateHash)';
  const ofThisPayer = 'payer = :payer';
  const ofThisBrowser = 'cookieHash = :cookieHash';
  const notUsed = 'attribute_not_exists(usedAt)';
  const notExpired = 'expiresAt > :now';
  if (cookie !== undefined) {
    const updated = await conditionally(
      table.client.send(
        new UpdateItemCommand({
          TableName: table.name,
          Key: { stateHash: s(stateHash) },
          UpdateExpression: 'SET usedAt = :now, usedBy = :requestId',
          ConditionExpression: all(exists, ofThisPayer, ofThisBrowser, notUsed, notExpired),
          ExpressionAttributeValues: {
            ':payer': s(payer),
            ':cookieHash': s(sha256(cookie)),
            ':now': n(now),
            ':requestId': s(requestId),
          },
          ReturnValues: 'ALL_NEW',
        }),
      ),
    );
    if (updated?.Attributes) return { outcome: 'consumed', attempt: readAttempt(updated.Attributes, state, stateHash) };
  }
  const { Item: item } = await available(
    table.client.send(
      new GetItemCommand({ TableName: table.name, Key: { stateHash: s(stateHash) }, ConsistentRead: true }),
    ),
  );
  if (item === undefined || text(item, 'payer') !== payer) return { outcome: 'unknown' };
  // It is deleted hours later.
  if ((number(item, 'expiresAt') ?? 0) <= now) return { outcome: 'expired', partner: text(item, 'partner') ?? '' };
  // A reload after the end comes without the cookie, which the first answer cleared.
  if (item['usedAt'] !== undefined && text(item, 'usedBy') !== requestId) {
    return { outcome: 'finished', partner: text(item, 'partner') ?? '' };
  }
  if (cookie === undefined || text(item, 'cookieHash') !== sha256(cookie))
    return { outcome: 'otherBrowser', partner: text(item, 'partner') ?? '' };
  // Usable a moment after its condition failed: nothing was decided, so nothing is given.
  if (item['usedAt'] === undefined) return { outcome: 'unknown' };
  // The write was ours: its answer was lost and the SDK sent it again.
  return { outcome: 'consumed', attempt: readAttempt(item, state, stateHash) };
};
