import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { exchangeAttributes } from './attributes.ts';
import { sha256 } from './crypto.ts';
import { getItem, writeIfConditionHolds, type Table } from './dynamo.ts';
import { keyOf, partsOf, putItem, queryItems, readParts } from './exchange-items.ts';
import { anyOf, clausesOn, updateOf, type Change } from './expressions.ts';
import { readerOf, writeItem, type Item } from './items.ts';

const { absent, exists, is } = clausesOn(exchangeAttributes);

/** What is known of a Group without opening it. Times are epoch seconds. */
export interface StoredGroupHead {
  /** One partner at one payer, as `exchangeOwner` writes it. */
  readonly owner: string;
  /** The Group's id at the payer. */
  readonly id: string;
  /** The code of its kind (PdexMultiMemberMatchResultCS). */
  readonly code: string;
  /** How many members it has. */
  readonly members: number;
  /** A box with the key of its body. */
  readonly key: Uint8Array;
  /** The match that made it. */
  readonly exportId: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** A hash of the patients whom the payer's Group has. */
  readonly patients: string;
  /** Whether matches have given its id to Groups of different patients, so that the payer's Group may have more members than these. */
  readonly isMixed: boolean;
  /** Hashes of its members' ids whom an operator has ended since. */
  readonly ended: readonly string[];
}

/** What a match writes to make a Group usable. */
export type NewGroupHead = Omit<StoredGroupHead, 'ended' | 'isMixed'> & {
  /** How many parts its body has. */
  readonly chunks: number;
};

/** A Group with its body, which is sealed under the key in `key`. */
export interface StoredGroup extends StoredGroupHead {
  readonly body: Uint8Array;
}

const headName = (id: string): string => `group/${id}`;

/** Each try of a leg has its own key, so that a try that the job has abandoned does not replace another's body. */
const bodyName = ({ id, exportId, key }: Pick<StoredGroupHead, 'id' | 'exportId' | 'key'>, chunk: number): string =>
  `body/${id}/${exportId}/${sha256(key)}/${chunk}`;

const madeBy = (exportId: string): string => `made/${exportId}/`;

/**
 * Notes that a match makes a Group, so that its members can be ended before anyone can use it.
 * @property createdAt as the Group's head will have it
 * @throws GatewayError `temporarily_unavailable`
 */
export const noteMade = (
  table: Table,
  made: Pick<StoredGroupHead, 'owner' | 'id' | 'exportId' | 'createdAt' | 'expiresAt'>,
): Promise<void> => {
  const { owner, id, exportId, createdAt, expiresAt } = made;
  return putItem(
    table,
    writeItem(exchangeAttributes, { owner, name: `${madeBy(exportId)}${id}`, createdAt, expiresAt }),
  );
};

/**
 * Writes the body of a Group, which nobody can use before its head is there.
 * @returns how many parts it has
 * @throws GatewayError `temporarily_unavailable`
 */
export const putGroupBody = async (
  table: Table,
  { owner, body, expiresAt, ...of }: Pick<StoredGroup, 'owner' | 'id' | 'body' | 'expiresAt' | 'exportId' | 'key'>,
): Promise<number> => {
  const parts = partsOf(body);
  for (const [chunk, part] of parts.entries()) {
    await putItem(
      table,
      writeItem(exchangeAttributes, {
        owner,
        name: bodyName(of, chunk),
        body: part,
        expiresAt,
      }),
    );
  }
  return parts.length;
};

/** Updates a head if each condition holds. @returns whether it did */
const updateHead = async (
  table: Table,
  { owner, id }: Pick<StoredGroupHead, 'owner' | 'id'>,
  change: Pick<Change<typeof exchangeAttributes>, 'set' | 'include' | 'when'>,
): Promise<boolean> => {
  const written = await writeIfConditionHolds(
    table.client.send(
      new UpdateItemCommand({
        TableName: table.name,
        Key: keyOf(owner, headName(id)),
        ...updateOf(exchangeAttributes, change),
      }),
    ),
  );
  return written !== undefined;
};

/**
 * Notes that a payer has given a Group's id to others, if the Group has a head.
 * @property patients a hash of these others, as that of the head
 * @throws GatewayError `temporarily_unavailable`
 */
export const noteMixed = async (
  table: Table,
  { patients, ...at }: Pick<StoredGroupHead, 'owner' | 'id' | 'patients'>,
): Promise<void> => {
  const isOfOthers = anyOf(absent('patients'), is('patients', '<>', patients));
  await updateHead(table, at, { set: { isMixed: true }, when: [exists('createdAt'), isOfOthers] });
};

/**
 * Writes a Group's head, with which it can be used. A payer may answer a later match with the same Group's id: the later one is kept,
 * and whom an operator has ended stays ended. If the two do not name the same patients, the head says so from then on: the payer's Group may
 * have those of both.
 * @throws GatewayError `temporarily_unavailable`
 */
export const putGroupHead = async (table: Table, { owner, id, ...head }: NewGroupHead): Promise<void> => {
  const { createdAt, patients } = head;
  const at = { owner, id };
  const isNew = absent('createdAt');
  const isLatest = anyOf(isNew, is('createdAt', '<=', createdAt));
  const isOfSame = anyOf(isNew, is('patients', '=', patients));
  // Updates, since a put would forget who was ended.
  if (await updateHead(table, at, { set: head, when: [isOfSame, isLatest] })) return;
  if (await updateHead(table, at, { set: { ...head, isMixed: true }, when: [isLatest] })) return;
  // The head is a later match's, and stays.
  await noteMixed(table, { ...at, patients });
};

const readHead = (item: Item): StoredGroupHead & { readonly chunks: number } => {
  const read = readerOf(exchangeAttributes, item);
  return {
    owner: read('owner') ?? '',
    id: (read('name') ?? '').slice(headName('').length),
    code: read('code') ?? '',
    members: read('members') ?? 0,
    chunks: read('chunks') ?? 0,
    key: read('key') ?? new Uint8Array(),
    exportId: read('exportId') ?? '',
    createdAt: read('createdAt') ?? 0,
    expiresAt: read('expiresAt') ?? 0,
    patients: read('patients') ?? '',
    isMixed: read('isMixed') ?? false,
    ended: read('ended') ?? [],
  };
};

/** A head that is not there reads as one that is not usable. */
const getHead = async (table: Table, owner: string, id: string): Promise<ReturnType<typeof readHead>> =>
  readHead((await getItem(table, keyOf(owner, headName(id)))) ?? {});

/** Whether a head is that of a Group. A head that only notes ended members has no `createdAt`. */
const isUsable = ({ createdAt, expiresAt }: Pick<StoredGroupHead, 'createdAt' | 'expiresAt'>, now: number): boolean =>
  createdAt > 0 && expiresAt > now;

/**
 * Reads a Group with its body, strongly consistent; undefined if there is none, or if it has expired.
 * @throws GatewayError `temporarily_unavailable`
 */
export const getGroup = async (
  table: Table,
  owner: string,
  id: string,
  now: number,
): Promise<StoredGroup | undefined> => {
  const { chunks, ...head } = await getHead(table, owner, id);
  if (!isUsable(head, now)) return undefined;
  const names = Array.from({ length: chunks }, (_, chunk) => bodyName(head, chunk));
  return { ...head, body: await readParts(table, owner, names) };
};

/**
 * What is known of a Group now, strongly consistent; undefined if there is no such Group, or it has expired.
 * @throws GatewayError `temporarily_unavailable`
 */
export const getGroupHead = async (
  table: Table,
  owner: string,
  id: string,
  now: number,
): Promise<Pick<StoredGroupHead, 'exportId' | 'patients' | 'ended' | 'isMixed'> | undefined> => {
  const head = await getHead(table, owner, id);
  return isUsable(head, now) ? head : undefined;
};

/**
 * A page of an owner's Groups, by their ids: those that have not expired. There may be more although a page is short.
 * @param page `after`: the id of the last Group of the page before
 * @throws GatewayError `temporarily_unavailable`
 */
export const listGroups = async (
  table: Table,
  owner: string,
  { after, limit, now }: { readonly after?: string | undefined; readonly limit: number; readonly now: number },
): Promise<{ readonly groups: readonly StoredGroupHead[]; readonly after?: string }> => {
  const { items, last } = await queryItems(table, owner, headName(''), {
    limit,
    ...(after === undefined ? {} : { after: keyOf(owner, headName(after)) }),
  });
  const groups = items
    .map((item) => {
      const { chunks: _chunks, ...head } = readHead(item);
      return head;
    })
    .filter((head) => isUsable(head, now));
  const lastName = last === undefined ? undefined : readerOf(exchangeAttributes, last)('name');
  return { groups, ...(lastName === undefined ? {} : { after: lastName.slice(headName('').length) }) };
};

/**
 * The Groups that a match has made and that cannot be used yet: until when they may become usable, and who has been ended in them. Without those
 * that never will, since the head is a later match's.
 * @throws GatewayError `temporarily_unavailable`
 */
export const listUnready = async (
  table: Table,
  owner: string,
  exportId: string,
  now: number,
): Promise<readonly Pick<StoredGroupHead, 'id' | 'ended' | 'expiresAt'>[]> => {
  const prefix = madeBy(exportId);
  const { items } = await queryItems(table, owner, prefix, {});
  const made = items.map((item) => {
    const read = readerOf(exchangeAttributes, item);
    return {
      id: (read('name') ?? '').slice(prefix.length),
      createdAt: read('createdAt') ?? Number.POSITIVE_INFINITY,
      expiresAt: read('expiresAt') ?? 0,
    };
  });
  const unready: Pick<StoredGroupHead, 'id' | 'ended' | 'expiresAt'>[] = [];
  for (const { id, createdAt, expiresAt } of made.filter((one) => one.expiresAt > now)) {
    const head = await getHead(table, owner, id);
    const isReplaced = head.createdAt > createdAt;
    if (head.exportId !== exportId && !isReplaced) unready.push({ id, expiresAt, ended: head.ended });
  }
  return unready;
};

const endMemberIf = (
  table: Table,
  [owner, id]: readonly [owner: string, id: string],
  hash: string,
  change: Pick<Change<typeof exchangeAttributes>, 'set' | 'when'>,
): Promise<boolean> => updateHead(table, { owner, id }, { include: { ended: hash }, ...change });

/**
 * Ends a member of a Group: every later export leaves it out. Returns false if there is no such Group.
 * @param hash SHA-256 of the member's id, base64url
 * @throws GatewayError `temporarily_unavailable`
 */
export const endMember = (table: Table, owner: string, id: string, hash: string): Promise<boolean> =>
  endMemberIf(table, [owner, id], hash, { when: [exists('owner')] });

/**
 * Ends a member of a Group that cannot be used yet. Returns false if it has a head: then {@link endMember} does it.
 * @param hash as of {@link endMember}
 * @param until when the Group can no longer become usable
 * @throws GatewayError `temporarily_unavailable`
 */
export const endMemberEarly = (
  table: Table,
  {
    owner,
    id,
    hash,
    until,
  }: { readonly owner: string; readonly id: string; readonly hash: string; readonly until: number },
): Promise<boolean> => endMemberIf(table, [owner, id], hash, { set: { expiresAt: until }, when: [absent('owner')] });
