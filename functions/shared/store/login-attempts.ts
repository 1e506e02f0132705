import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { GatewayError } from '../errors.ts';
import { parseScopes, writeScopes, type Scopes } from '../scopes/scopes.ts';
import { loginAttemptAttributes } from './attributes.ts';
import { deriveKey, seal, sha256, unsealBound } from './crypto.ts';
import { getItem, sendOrUnavailable, writeIfConditionHolds, type Table } from './dynamo.ts';
import { anyOf, clausesOn, conditionOf, updateOf } from './expressions.ts';
import { readerOf, writeItem, type Item } from './items.ts';

/** What the gateway remembers from authorize to callback. */
export interface LoginAttempt {
  readonly purpose?: undefined;
  readonly payer: string;
  readonly partner: string;
  readonly redirectUri: string;
  readonly scope: Scopes;
  /** Whether to issue a refresh token: the partner gets `offline_access`. */
  readonly refreshable: boolean;
  readonly codeChallenge?: string;
  /** The partner's state, returned unchanged. */
  readonly partnerState?: string;
  /** The gateway's PKCE verifier at the payer. */
  readonly verifier: string;
}

/** The same for a member who signs in to see which apps may read the record. It makes no grant. */
export interface MemberAttempt {
  readonly purpose: 'connections';
  readonly payer: string;
  readonly verifier: string;
  /** Which language the member's page was in, by its tag. */
  readonly language: string;
}

/** The result of the browser's return. Without a partner it was a member's own sign-in. */
export type Consumption =
  | { readonly outcome: 'consumed'; readonly attempt: LoginAttempt | MemberAttempt }
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'finished' | 'expired' | 'otherBrowser'; readonly partner: string | undefined };

const { exists, absent, is } = clausesOn(loginAttemptAttributes);

const stateKey = (state: string): Uint8Array => deriveKey(Buffer.from(state), Buffer.alloc(0), 'p2p login attempt');

/**
 * What is written with an attempt and never changes: who gets the grant, what for, and which browser and time it belongs to.
 * The order is part of what is sealed.
 */
const boundColumns = [
  'stateHash',
  'purpose',
  'payer',
  'partner',
  'redirectUri',
  'scope',
  'refreshable',
  'codeChallenge',
  'cookieHash',
  'createdAt',
  'expiresAt',
] as const;

type Bound = Partial<Record<(typeof boundColumns)[number], string | number | boolean | undefined>>;

const bindingOf = (columns: Bound): string => JSON.stringify(boundColumns.map((name) => columns[name]));

/**
 * Writes a login attempt under the hash of its state. The verifier and the partner's state must stay secret, so they
 * are sealed under a key derived from our state, which only the browser and the payer hold. The columns beside them are
 * authenticated: whoever changes one in the table ends the sign-in.
 * @throws GatewayError `temporarily_unavailable`
 */
export const putLoginAttempt = async (
  table: Table,
  attempt: LoginAttempt | MemberAttempt,
  {
    state,
    cookie,
    now,
    expiresAt,
    iv,
  }: { state: string; cookie: string; now: number; expiresAt: number; iv: Uint8Array },
): Promise<void> => {
  const stateHash = sha256(state);
  const cookieHash = sha256(cookie);
  const { purpose, payer, verifier } = attempt;
  const ofPartner =
    purpose === undefined
      ? {
          partner: attempt.partner,
          redirectUri: attempt.redirectUri,
          scope: writeScopes(attempt.scope),
          refreshable: attempt.refreshable,
          codeChallenge: attempt.codeChallenge,
        }
      : {};
  const more = purpose === undefined ? { partnerState: attempt.partnerState } : { language: attempt.language };
  const columns = { stateHash, payer, purpose, ...ofPartner, cookieHash, createdAt: now, expiresAt };
  const plain = Buffer.from(JSON.stringify({ verifier, ...more }));
  const values = { ...columns, sealed: seal(stateKey(state), plain, bindingOf(columns), iv) };
  // An SDK retry after a lost answer finds its own item; nothing else can have written it.
  const newOrItsOwn = anyOf(absent('stateHash'), is('cookieHash', '=', cookieHash));
  await sendOrUnavailable(
    table.client.send(
      new PutItemCommand({
        TableName: table.name,
        Item: writeItem(loginAttemptAttributes, values),
        ...conditionOf(newOrItsOwn),
      }),
    ),
  );
};

/** What the conditions of a consumption have compared. */
interface Consumed {
  readonly state: string;
  readonly stateHash: string;
  readonly payer: string;
}

/**
 * Opens what was sealed. An attempt that 0.2 or earlier began is bound to its state only, and lives 30 minutes at most, so the
 * former binding can go in the version after the one that first seals like this.
 * @throws GatewayError `server_error` if a column was changed
 */
const openSealed = (
  read: ReturnType<typeof readerOf<typeof loginAttemptAttributes>>,
  { state, stateHash }: Consumed,
) => {
  const columns = Object.fromEntries(boundColumns.map((name) => [name, read(name)]));
  try {
    return unsealBound(stateKey(state), read('sealed') ?? new Uint8Array(), bindingOf(columns), stateHash);
  } catch {
    throw new GatewayError('server_error', 'This sign-in was damaged. Please start again in the app.', {
      detail: 'the login attempt does not open: its item was changed',
    });
  }
};

const readAttempt = (item: Item, consumed: Consumed): LoginAttempt | MemberAttempt => {
  const { payer } = consumed;
  const read = readerOf(loginAttemptAttributes, item);
  const opened: unknown = JSON.parse(Buffer.from(openSealed(read, consumed)).toString('utf8'));
  const { verifier, partnerState, language } = opened as {
    verifier: string;
    partnerState?: string;
    language?: string;
  };
  if (read('purpose') === 'connections') {
    return { purpose: 'connections', payer, verifier, language: language ?? '' };
  }
  const codeChallenge = read('codeChallenge');
  return {
    payer,
    partner: read('partner') ?? '',
    redirectUri: read('redirectUri') ?? '',
    scope: parseScopes(read('scope') ?? ''),
    refreshable: read('refreshable') ?? false,
    ...(codeChallenge === undefined ? {} : { codeChallenge }),
    verifier,
    ...(partnerState === undefined ? {} : { partnerState }),
  };
};

/**
 * Consumes a login attempt with one conditional write. A used one stays as a tombstone until it expires.
 *
 *     put ────────── usable ────────── consumed ── finished ── expiresAt ── TTL deletes, late
 *
 * Another browser, another payer's path, or a late return consumes nothing.
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
  const Key = writeItem(loginAttemptAttributes, { stateHash });
  if (cookie !== undefined) {
    const attemptExists = exists('stateHash');
    const ofThisPayer = is('payer', '=', payer);
    const ofThisBrowser = is('cookieHash', '=', sha256(cookie));
    const notUsed = absent('usedAt');
    const notExpired = is('expiresAt', '>', now);
    const updated = await writeIfConditionHolds(
      table.client.send(
        new UpdateItemCommand({
          TableName: table.name,
          Key,
          ...updateOf(loginAttemptAttributes, {
            set: { usedAt: now, usedBy: requestId },
            when: [attemptExists, ofThisPayer, ofThisBrowser, notUsed, notExpired],
          }),
          ReturnValues: 'ALL_NEW',
        }),
      ),
    );
    if (updated?.Attributes)
      return { outcome: 'consumed', attempt: readAttempt(updated.Attributes, { state, stateHash, payer }) };
  }
  const item = await getItem(table, Key);
  if (item === undefined) return { outcome: 'unknown' };
  const read = readerOf(loginAttemptAttributes, item);
  if (read('payer') !== payer) return { outcome: 'unknown' };
  const partner = read('purpose') === undefined ? (read('partner') ?? '') : undefined;
  // TTL deletes it hours later.
  if ((read('expiresAt') ?? 0) <= now) return { outcome: 'expired', partner };
  const isUsed = read('usedAt') !== undefined;
  // A reload after the end comes without the cookie, which the first answer cleared.
  if (isUsed && read('usedBy') !== requestId) return { outcome: 'finished', partner };
  if (cookie === undefined || read('cookieHash') !== sha256(cookie)) return { outcome: 'otherBrowser', partner };
  // It is usable although the condition failed: nothing was decided, so nothing is granted.
  if (!isUsed) return { outcome: 'unknown' };
  // The write was ours; its answer was lost and the SDK repeated it.
  return { outcome: 'consumed', attempt: readAttempt(item, { state, stateHash, payer }) };
};
