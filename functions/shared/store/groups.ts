import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { exchangeAttributes } from './attributes.ts';
import { sha256 } from './crypto.ts';
import { getItem, writeIfConditionHolds, type Table } from './dynamo.ts';
import { exchangeOwner, keyOf, partsOf, putItem, queryItems, readParts } from './exchange-items.ts';
import { allOf, anyOf, clausesOn, updateOf, type Change } from './expressions.ts';
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
  /** Hashes of its members' ids whom an operator has ended since. */
  readonly ended: readonly string[];
}

/** What a match writes to make a Group usable. */
export type NewGroupHead = Omit<StoredGroupHead, 'ended'> & {
  /** How many parts its body has. */
  readonly chunks: number;
};

/** Whether a payer has given a Group's id to different patients, in answers to any partner. Then its Group may have more members than ours. */
interface Mixed {
  readonly isMixed: boolean;
}

/** A Group with its body, which is sealed under the key in `key`. */
export interface StoredGroup extends StoredGroupHead, Mixed {
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

/** Updates an item if each condition holds. @returns whether it did */
const update = async (
  table: Table,
  key: Item,
  change: Pick<Change<typeof exchangeAttributes>, 'set' | 'include' | 'when'>,
): Promise<boolean> => {
  const command = new UpdateItemCommand({ TableName: table.name, Key: key, ...updateOf(exchangeAttributes, change) });
  return (await writeIfConditionHolds(table.client.send(command))) !== undefined;
};

const keyOfHead = (owner: string, id: string): Item => keyOf(owner, headName(id));

/** The key of the note of which patients a payer has given a Group's id to. It is shared by all partners, so its partner is empty. */
const keyOfPatients = (payer: string, id: string): Item =>
  keyOf(exchangeOwner({ payer, partner: '' }), `patients/${id}`);

/** The patients that an answer, to any partner, gives a Group's id to. */
interface NotedPatients {
  readonly payer: string;
  /** The Group's id. */
  readonly id: string;
  /** A hash of them, as that of the Group's head. */
  readonly patients: string;
  /** When no Group of this answer is kept any more. */
  readonly expiresAt: number;
}

/**
 * Whether a payer has given a Group's id to other patients too. Without a note that is not known, and counts as yes. A note is kept at
 * least as long as each Group that has the id.
 * @throws GatewayError `temporarily_unavailable`
 */
const hasOthers = async (
  table: Table,
  { payer, id, patients }: Pick<NotedPatients, 'payer' | 'id' | 'patients'>,
): Promise<boolean> => {
  const read = readerOf(exchangeAttributes, (await getItem(table, keyOfPatients(payer, id))) ?? {});
  return read('isMixed') === true || read('patients') !== patients;
};

/**
 * Notes which patients an answer gives a Group's id to, before anybody can use that Group. Answers to all partners share one note, since
 * the payer has one Group with this id.
 * @returns whether any answer has given the id to other patients
 * @throws GatewayError `temporarily_unavailable`
 */
export const notePatients = async (
  table: Table,
  { payer, id, patients, expiresAt }: NotedPatients,
): Promise<boolean> => {
  const key = keyOfPatients(payer, id);
  const isOfSame = anyOf(absent('patients'), is('patients', '=', patients));
  // A note never ends earlier than it would have.
  const isLast = anyOf(absent('expiresAt'), is('expiresAt', '<=', expiresAt));
  if (await update(table, key, { set: { patients, expiresAt }, when: [isOfSame, isLast] }))
    return hasOthers(table, { payer, id, patients });
  if (await update(table, key, { set: { isMixed: true, expiresAt }, when: [isLast] })) return true;
  await update(table, key, { set: { isMixed: true }, when: [is('patients', '<>', patients)] });
  return hasOthers(table, { payer, id, patients });
};

/**
 * Writes a Group's head, with which it can be used. A payer may answer a later match with the same Group's id: the later one is kept,
 * and whom an operator has ended stays ended. Of two matches that began in the same second, that with the greater id counts as the later one, so that
 * no repeat of a write changes which is kept.
 * @throws GatewayError `temporarily_unavailable`
 */
export const putGroupHead = async (table: Table, { owner, id, ...head }: NewGroupHead): Promise<void> => {
  const { createdAt, exportId } = head;
  const isLatest = anyOf(
    absent('createdAt'),
    is('createdAt', '<', createdAt),
    allOf(is('createdAt', '=', createdAt), is('exportId', '<=', exportId)),
  );
  // An update, since a put would forget who was ended.
  await update(table, keyOfHead(owner, id), { set: head, when: [isLatest] });
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
    ended: read('ended') ?? [],
  };
};

/** A head that is not there reads as one that is not usable. */
const getHead = async (table: Table, owner: string, id: string): Promise<ReturnType<typeof readHead>> =>
  readHead((await getItem(table, keyOfHead(owner, id))) ?? {});

const payerOf = (owner: string): string => owner.slice(0, owner.indexOf('/'));

const isMixed = (table: Table, { owner, id, patients }: StoredGroupHead): Promise<boolean> =>
  hasOthers(table, { payer: payerOf(owner), id, patients });

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
  return { ...head, isMixed: await isMixed(table, head), body: await readParts(table, owner, names) };
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
): Promise<(Pick<StoredGroupHead, 'ended'> & Mixed) | undefined> => {
  const head = await getHead(table, owner, id);
  return isUsable(head, now) ? { ...head, isMixed: await isMixed(table, head) } : undefined;
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
    const isReplaced = head.createdAt > createdAt || (head.createdAt === createdAt && head.exportId > exportId);
    if (head.exportId !== exportId && !isReplaced) unready.push({ id, expiresAt, ended: head.ended });
  }
  return unready;
};

const endMemberIf = (
  table: Table,
  [owner, id]: readonly [owner: string, id: string],
  hash: string,
  change: Pick<Change<typeof exchangeAttributes>, 'set' | 'when'>,
): Promise<boolean> => update(table, keyOfHead(owner, id), { include: { ended: hash }, ...change });

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
