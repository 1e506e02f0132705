import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { limitAttributes } from './attributes.ts';
import { getItem, sendOrUnavailable, type Table } from './dynamo.ts';
import { readerOf, writeItem, type Item } from './items.ts';

/*
 * A partner whose webhook answered 410 gets no deliveries until an operator enables it again. An item of Limits says
 * so; it does not expire.
 */

const keyOf = (clientId: string): Item => writeItem(limitAttributes, { limitId: `webhook#${clientId}` });

/** When a partner's webhook was disabled, in epoch seconds; undefined if it is not. @throws GatewayError */
export const disabledSince = async (limits: Table, clientId: string): Promise<number | undefined> => {
  const item = (await getItem(limits, keyOf(clientId))) ?? {};
  return readerOf(limitAttributes, item)('disabledAt');
};

/** @param now epoch seconds @throws GatewayError */
export const disableWebhook = async ({ client, name }: Table, clientId: string, now: number): Promise<void> => {
  const item = { ...keyOf(clientId), ...writeItem(limitAttributes, { disabledAt: now }) };
  await sendOrUnavailable(client.send(new PutItemCommand({ TableName: name, Item: item })));
};

/** @throws GatewayError */
export const enableWebhook = async ({ client, name }: Table, clientId: string): Promise<void> => {
  await sendOrUnavailable(client.send(new DeleteItemCommand({ TableName: name, Key: keyOf(clientId) })));
};
