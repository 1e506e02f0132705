import { DeleteItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { exchangeAttributes } from './attributes.ts';
import { getItem, sendOrUnavailable, type Table } from './dynamo.ts';
import { readerOf, writeItem, type Item } from './items.ts';

/*
 * The items of payer-to-payer exchanges, by owner and name. `system-tokens.ts`, `groups.ts` and `exchanges.ts` write them.
 *
 *   token#{hash}      token             a partner's system token, for five minutes
 *   {payer}/{partner} group/{id}        the head of a Group: what it is, and the sealed key of its body
 *                     made/{export}/{id}       a match makes a Group, which may not be usable yet; kept as long as the match can do so
 *                     body/{id}/{export}/{key}/{n}   its body, sealed, in parts of 300 KB; by the hash of its key
 *   {payer}/          patients/{id}     whom the payer has given a Group's id to, of all partners
 *   {payer}/{partner} running/{export}  an exchange that runs, to count them
 *                     accepted/{export}        the request that the payer accepted, sealed for its job; deleted once the payer is told of the end
 *                     input/{export}/{n}       what an exchange asks, sealed for its job, in parts of 300 KB
 *
 * Ids of payers and partners have neither `#` nor `/`. A body's parts are written before the head, so that a Group is known
 * only once it is whole, and the audit names its members before the head is there. A member who is ended in between leaves a head with only
 * `ended` and `expiresAt`, which is no Group.
 */

/** Who may ask for an exchange's Groups: one partner at one payer. */
export const exchangeOwner = ({ payer, partner }: { readonly payer: string; readonly partner: string }): string =>
  `${payer}/${partner}`;

/** The key of an item. */
export const keyOf = (owner: string, name: string): Item => writeItem(exchangeAttributes, { owner, name });

/** Writes an item. @throws GatewayError `temporarily_unavailable` */
export const putItem = async (table: Table, item: Item): Promise<void> => {
  await sendOrUnavailable(table.client.send(new PutItemCommand({ TableName: table.name, Item: item })));
};

/** Deletes an item. @throws GatewayError `temporarily_unavailable` */
export const dropItem = async (table: Table, key: Item): Promise<void> => {
  await sendOrUnavailable(table.client.send(new DeleteItemCommand({ TableName: table.name, Key: key })));
};

/** An item may have 400 KB. */
const chunkBytes = 300_000;

/** The parts of some bytes that each fit into an item. */
export const partsOf = (bytes: Uint8Array): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, part) =>
    bytes.subarray(part * chunkBytes, (part + 1) * chunkBytes),
  );

/** Reads parts by their names, each strongly consistent. */
export const readParts = async (table: Table, owner: string, names: readonly string[]): Promise<Uint8Array> => {
  const parts: Uint8Array[] = [];
  for (const name of names) {
    const part = await getItem(table, keyOf(owner, name));
    parts.push(readerOf(exchangeAttributes, part ?? {})('body') ?? new Uint8Array());
  }
  return Buffer.concat(parts);
};

/** The items of an owner whose names begin so, with what is before the first that is read. */
export const queryItems = async (
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
