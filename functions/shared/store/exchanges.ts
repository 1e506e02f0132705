import { DeleteItemCommand, PutItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { exchangeAttributes } from './attributes.ts';
import { sha256 } from './crypto.ts';
import { getItem, sendOrUnavailable, writeIfConditionHolds, type Table } from './dynamo.ts';
import { anyOf, clausesOn, updateOf, type Change } from './expressions.ts';
import { readerOf, writeItem, type Item } from './items.ts';

/*
 * What payer-to-payer exchanges remember, by owner and name:
 *
 *   token#{hash}      token             a partner's system token, for five minutes
 *   {payer}/{partner} group/{id}        the head of a Group: what it is, and the sealed key of its body
 *                     made/{export}/{id}       a match makes a Group, which may not be usable yet; kept as long as the match can do so
 *                     body/{id}/{export}/{key}/{n}   its body, sealed, in parts of 300 KB; by the hash of its key
 *                     running/{export}  an exchange that runs, to count them
 *                     input/{export}/{n}       what an exchange asks, sealed for its job, in parts of 300 KB
 *
 * Ids of payers and partners have neither `#` nor `/`. A body's parts are written before the head, so that a Group is known
 * only once it is whole, and the audit names its members before the head is there. A member who is ended in between leaves a head with only
 * `ended` and `expiresAt`, which is no Group.
 */
const { absent, exists, is } = clausesOn(exchangeAttributes);

const keyOf = (owner: string, name: string): Item => writeItem(exchangeAttributes, { owner, name });

const put = async (table: Table, item: Item): Promise<void> => {
  await sendOrUnavailable(table.client.send(new PutItemCommand({ TableName: table.name, Item: item })));
};

const drop = async (table: Table, key: Item): Promise<void> => {
  await sendOrUnavailable(table.client.send(new DeleteItemCommand({ TableName: table.name, Key: key })));
};

/** A partner's system token, as it is stored. Times are epoch seconds. */
export interface StoredSystemToken {
  readonly partner: string;
  readonly payer: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

const tokenName = 'token';
const tokenOwner = (hash: string): string => `token#${hash}`;

/**
 * Writes a system token.
 * @param token `hash` is the SHA-256 of the token's text, base64url
 * @throws GatewayError `temporarily_unavailable`
 */
export const putSystemToken = (
  table: Table,
  { hash, now, ...token }: { hash: string; partner: string; payer: string; now: number; expiresAt: number },
): Promise<void> =>
  put(table, writeItem(exchangeAttributes, { owner: tokenOwner(hash), name: tokenName, ...token, createdAt: now }));

/**
 * Reads a system token, strongly consistent; undefined if there is none, or if it has expired.
 * @throws GatewayError `temporarily_unavailable`
 */
export const getSystemToken = async (
  table: Table,
  hash: string,
  now: number,
): Promise<StoredSystemToken | undefined> => {
  const item = await getItem(table, keyOf(tokenOwner(hash), tokenName));
  const read = readerOf(exchangeAttributes, item ?? {});
  const expiresAt = read('expiresAt') ?? 0;
  if (expiresAt <= now) return undefined;
  return {
    partner: read('partner') ?? '',
    payer: read('payer') ?? '',
    createdAt: read('createdAt') ?? 0,
    expiresAt,
  };
};

/** Ends a system token. @throws GatewayError `temporarily_unavailable` */
export const deleteSystemToken = (table: Table, hash: string): Promise<void> =>
  drop(table, keyOf(tokenOwner(hash), tokenName));

/** Who may ask for an exchange's Groups: one partner at one payer. */
export const exchangeOwner = ({ payer, partner }: { readonly payer: string; readonly partner: string }): string =>
  `${payer}/${partner}`;

/** What is known of a Group without opening it. Times are epoch seconds. */
export interface StoredGroupHead {
  /** {@link exchangeOwner} */
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

/** An item may have 400 KB. */
const chunkBytes = 300_000;

/** The parts of some bytes that each fit into an item. */
const partsOf = (bytes: Uint8Array): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, part) =>
    bytes.subarray(part * chunkBytes, (part + 1) * chunkBytes),
  );

/** Reads parts by their names, each strongly consistent. */
const readParts = async (table: Table, owner: string, names: readonly string[]): Promise<Uint8Array> => {
  const parts: Uint8Array[] = [];
  for (const name of names) {
    const part = await getItem(table, keyOf(owner, name));
    parts.push(readerOf(exchangeAttributes, part ?? {})('body') ?? new Uint8Array());
  }
  return Buffer.concat(parts);
};

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
  return put(table, writeItem(exchangeAttributes, { owner, name: `${madeBy(exportId)}${id}`, createdAt, expiresAt }));
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
    await put(
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

/** The items of an owner whose names begin so, with what is before the first that is read. */
const query = async (
  table: Table,
  owner: string,
  prefix: string,
  { after, limit }: { readonly after?: Item | undefined; readonly limit?: number },
): Promise<{ readonly items: readonly Item[]; readonly last: Item | undefined }> => {
  const { Items = [], LastEvaluatedKey } = await sendOrUnavailable(
    table.client.send(
      new QueryCommand({
        TableName: table.name,
        KeyConditionExpression: '#owner = :owner AND begins_with(#name, :prefix)',
        ExpressionAttributeNames: { '#owner': 'owner', '#name': 'name' },
        ExpressionAttributeValues: { ':owner': { S: owner }, ':prefix': { S: prefix } },
        ConsistentRead: true,
        ...(after === undefined ? {} : { ExclusiveStartKey: after }),
        ...(limit === undefined ? {} : { Limit: limit }),
      }),
    ),
  );
  return { items: Items, last: LastEvaluatedKey };
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
  const { items, last } = await query(table, owner, headName(''), {
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
  const { items } = await query(table, owner, prefix, {});
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

const runningName = (exportId: string): string => `running/${exportId}`;

/** Notes that an exchange runs, until it has ended or this time. @throws GatewayError `temporarily_unavailable` */
export const noteRunning = (
  table: Table,
  owner: string,
  { exportId, expiresAt }: { readonly exportId: string; readonly expiresAt: number },
): Promise<void> => put(table, writeItem(exchangeAttributes, { owner, name: runningName(exportId), expiresAt }));

/** Notes that an exchange has ended. @throws GatewayError `temporarily_unavailable` */
export const noteEnded = (table: Table, owner: string, exportId: string): Promise<void> =>
  drop(table, keyOf(owner, runningName(exportId)));

/** How many exchanges of an owner run. @throws GatewayError `temporarily_unavailable` */
export const countRunning = async (table: Table, owner: string, now: number): Promise<number> => {
  let [count, after]: [number, Item | undefined] = [0, undefined];
  do {
    const page = await query(table, owner, runningName(''), { after });
    count += page.items.filter((item) => (readerOf(exchangeAttributes, item)('expiresAt') ?? 0) > now).length;
    after = page.last;
  } while (after !== undefined);
  return count;
};

const inputName = (exportId: string, part: number): string => `input/${exportId}/${part}`;

/**
 * Writes what an exchange asks, before its item: it is of no use without the key in the item.
 * @param input sealed for the job
 * @throws GatewayError `temporarily_unavailable`
 */
export const putInput = async (
  table: Table,
  owner: string,
  { exportId, input, expiresAt }: { readonly exportId: string; readonly input: Uint8Array; readonly expiresAt: number },
): Promise<void> => {
  const parts = partsOf(input);
  for (const [part, body] of parts.entries()) {
    await put(
      table,
      writeItem(exchangeAttributes, {
        owner,
        name: inputName(exportId, part),
        body,
        ...(part === 0 ? { chunks: parts.length } : {}),
        expiresAt,
      }),
    );
  }
};

/** Reads what {@link putInput} wrote; empty if it is gone. @throws GatewayError `temporarily_unavailable` */
export const getInput = async (table: Table, owner: string, exportId: string): Promise<Uint8Array> => {
  const first = await getItem(table, keyOf(owner, inputName(exportId, 0)));
  const chunks = readerOf(exchangeAttributes, first ?? {})('chunks') ?? 0;
  return readParts(
    table,
    owner,
    Array.from({ length: chunks }, (_, part) => inputName(exportId, part)),
  );
};
