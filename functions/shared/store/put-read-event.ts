import { ConditionalCheckFailedException, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { auditEventAttributes } from './attributes.ts';
import type { Table } from './dynamo.ts';
import { anyOf, clausesOn, conditionOf, type Clause } from './expressions.ts';
import type { Item } from './items.ts';
import { readEventItem, type ReadEvent } from './read-events.ts';
import { withTimeLimit } from './time-limit.ts';

/** Limits of one try and of all tries, in ms. A member waits, and the end must fit into the deadline's reserve. */
const times = { tryMs: 1000, wholeMs: 2500 };

const { absent, is } = clausesOn(auditEventAttributes);

/** An opening event that arrives after the end must not replace it. The SDK's own retry finds the read still open. */
const notEnded = (requestId: string): Clause => anyOf(absent('eventId'), is('openId', '=', requestId));

/**
 * Writes an item of AuditEvents with one put.
 * @throws the SDK's error, after 2.5 seconds at most
 */
export const putAuditItem = async ({ client, name }: Table, item: Item, condition: object): Promise<void> => {
  const command = new PutItemCommand({ TableName: name, Item: item, ...condition });
  await withTimeLimit(times, (options) => client.send(command, options));
};

/**
 * Writes the event with one put. The SDK's own retry after a lost answer is harmless.
 * @throws the SDK's error, after 2.5 seconds at most
 */
export const putReadEvent = async (table: Table, event: ReadEvent): Promise<void> => {
  const condition = event.type === 'opened' ? conditionOf(notEnded(event.requestId)) : {};
  await putAuditItem(table, readEventItem(event), condition);
};

/**
 * Writes the event unless there is one with its key.
 * @throws the SDK's error, after 2.5 seconds at most
 */
export const putReadEventOnce = async (
  table: Table,
  event: ReadEvent & { readonly eventId: string },
): Promise<void> => {
  try {
    await putAuditItem(table, readEventItem(event), conditionOf(absent('eventId')));
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
};
