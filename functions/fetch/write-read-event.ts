import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../shared/deps.ts';
import { s, type Table } from '../shared/store/dynamo.ts';
import { openReads, readEventItem, type ReadEvent } from '../shared/store/read-events.ts';
import type { AuditedRead } from './audited-read.ts';
import type { FetchDeps } from './deps.ts';

/** One try, and all of them: a member waits, and the end has to fit into what the deadline keeps back. Milliseconds. */
const tryMs = 1000;
const allTriesMs = 2500;

/** A try of the opening that arrives after the end must not take its place. The SDK's own retry finds the read still open. */
const notEnded = {
  ConditionExpression: `attribute_not_exists(eventId) OR ${openReads.key} = :requestId`,
};

const put = async ({ client, name }: Table, event: ReadEvent): Promise<void> => {
  const condition =
    event.type === 'opened' ? { ...notEnded, ExpressionAttributeValues: { ':requestId': s(event.requestId) } } : {};
  await client.send(new PutItemCommand({ TableName: name, Item: readEventItem(event), ...condition }), {
    requestTimeout: tryMs,
    abortSignal: AbortSignal.timeout(allTriesMs),
  });
};

const known = ({ record, patient }: AuditedRead) => ({
  requestId: record.requestId,
  grantId: record.grantId ?? '',
  partner: record.partner ?? '',
  payer: record.payer ?? '',
  interaction: record.interaction ?? '',
  patient,
});

/**
 * The gate and the end hook as they are: each writes the request's item of AuditEvents, by one put. The SDK's own retry after a
 * lost answer is harmless.
 */
export const readEventWriter = (table: Table, { now }: Clock): Pick<FetchDeps, 'openGate' | 'onEnd'> => ({
  openGate: (read) => put(table, { ...known(read), type: 'opened', atMs: now() }),
  onEnd: (read, { callerLeft }) => {
    const { status = 500, error, bytes } = read.record;
    return put(table, { ...known(read), type: 'ended', atMs: now(), end: { status, error, bytes, callerLeft } });
  },
});
