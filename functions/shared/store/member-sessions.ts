import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { loginAttemptAttributes } from './attributes.ts';
import { deriveKey, seal, sha256, unseal } from './crypto.ts';
import { getItem, writeIfConditionHolds, type Table } from './dynamo.ts';
import { anyOf, clausesOn, updateOf, type Change } from './expressions.ts';
import { readerOf, writeItem } from './items.ts';
import type { Member } from './member-index.ts';

/*
 * A member who has just signed in at their plan, and may see and stop what reads their record there. The item is beside the
 * login attempts, since it is just as short-lived. The browser's cookie has the secret; the item is under its hash, and what says
 * whose record it is is sealed under a key derived from it.
 *
 *     put by the callback ── usable at this payer, one form after the other ── ended, or expiresAt ── TTL deletes, late
 *
 * The index was made by the callback, which alone may make one. Whoever could write sessions could therefore not find the
 * grants of a member of their choice.
 */

/** How long a session lives, in seconds. */
export const memberSessionSeconds = 600;

/** The keys of sessions begin with this, by which functions' rights tell them from login attempts. */
export const memberSessionPrefix = 'session.';

/** A member's session at one payer. */
export interface MemberSession extends Member {
  readonly memberIndex: string;
  /** How many of its forms were used. */
  readonly forms: number;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

const { exists, absent, is } = clausesOn(loginAttemptAttributes);

const keyOf = (secret: string): string => memberSessionPrefix + sha256(secret);

const sealingKey = (secret: string): Uint8Array =>
  deriveKey(Buffer.from(secret), Buffer.alloc(0), 'p2p member session');

const boundTo = (secret: string, payer: string): string => JSON.stringify([keyOf(secret), payer]);

/** False if one of the conditions failed. */
const update = async (
  table: Table,
  secret: string,
  change: Change<typeof loginAttemptAttributes>,
): Promise<boolean> => {
  const updated = await writeIfConditionHolds(
    table.client.send(
      new UpdateItemCommand({
        TableName: table.name,
        Key: writeItem(loginAttemptAttributes, { stateHash: keyOf(secret) }),
        ...updateOf(loginAttemptAttributes, change),
      }),
    ),
  );
  return updated !== undefined;
};

/**
 * Begins a session. It is an update, since the callback may write nothing else in this table.
 * @param secret 256 random bits that only the browser gets
 * @throws GatewayError `temporarily_unavailable`
 */
export const putMemberSession = async (
  table: Table,
  { payer, patient, memberIndex }: Member & Pick<MemberSession, 'memberIndex'>,
  { secret, now, iv }: { readonly secret: string; readonly now: number; readonly iv: Uint8Array },
): Promise<void> => {
  const sealed = seal(
    sealingKey(secret),
    Buffer.from(JSON.stringify({ patient, memberIndex })),
    boundTo(secret, payer),
    iv,
  );
  await update(table, secret, {
    set: { payer, sealed, forms: 0, createdAt: now, expiresAt: now + memberSessionSeconds },
    // An SDK retry after a lost answer finds its own item; nothing else can have this key.
    when: [anyOf(absent('stateHash'), is('createdAt', '=', now))],
  });
};

/** What says whose record it is; undefined if it was sealed for another session, as in an item that was put under this key. */
const open = (
  sealed: Uint8Array,
  secret: string,
  payer: string,
): Pick<MemberSession, 'patient' | 'memberIndex'> | undefined => {
  try {
    const opened = Buffer.from(unseal(sealingKey(secret), sealed, boundTo(secret, payer))).toString('utf8');
    return JSON.parse(opened) as Pick<MemberSession, 'patient' | 'memberIndex'>;
  } catch {
    return undefined;
  }
};

/**
 * The session of a cookie at a payer, read consistently; undefined if it has ended, or is of another payer or another session.
 * @throws GatewayError `temporarily_unavailable`
 */
export const getMemberSession = async (
  table: Table,
  { secret, payer, now }: { readonly secret: string; readonly payer: string; readonly now: number },
): Promise<MemberSession | undefined> => {
  const Key = writeItem(loginAttemptAttributes, { stateHash: keyOf(secret) });
  const item = await getItem(table, Key);
  if (item === undefined) return undefined;
  const read = readerOf(loginAttemptAttributes, item);
  const [expiresAt, forms, sealed] = [read('expiresAt') ?? 0, read('forms') ?? 0, read('sealed')];
  if (read('payer') !== payer || expiresAt <= now || sealed === undefined) return undefined;
  const member = open(sealed, secret, payer);
  return member && { ...member, payer, forms, expiresAt };
};

/** The token of a session's next form. The browser cannot make one, and each is valid once. */
export const formTokenOf = (secret: string, { forms }: Pick<MemberSession, 'forms'>): string =>
  Buffer.from(deriveKey(Buffer.from(secret), Buffer.from(String(forms)), 'p2p member form')).toString('base64url');

/** Uses a session's form. False if it was used before, or the session has ended in the meantime. */
export const useForm = (
  table: Table,
  secret: string,
  { payer, forms }: Pick<MemberSession, 'payer' | 'forms'>,
  { now, requestId }: { readonly now: number; readonly requestId: string },
): Promise<boolean> =>
  update(table, secret, {
    set: { forms: forms + 1, usedBy: requestId },
    when: [
      exists('stateHash'),
      is('payer', '=', payer),
      is('expiresAt', '>', now),
      // The write was ours if its answer was lost and the SDK repeated it.
      anyOf(is('forms', '=', forms), is('usedBy', '=', requestId)),
    ],
  });

/** Ends a session before its time. Nothing happens if there is none. */
export const endMemberSession = async (table: Table, secret: string, now: number): Promise<void> => {
  await update(table, secret, { set: { expiresAt: now }, when: [exists('stateHash'), is('expiresAt', '>', now)] });
};
