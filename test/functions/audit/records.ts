import { PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import type { AuditEvent } from '../../../functions/audit/audit-event.ts';
import { auditHandler } from '../../../functions/audit/handler.ts';
import type { Item } from '../../../functions/shared/store/items.ts';
import { startMs } from '../../support/gateway.ts';
import { memoryDynamo } from '../../support/memory-dynamo.ts';

type Images = NonNullable<DynamoDBRecord['dynamodb']>;

/** As on the wire: binary values are base64. */
const wire = (item: Item): Images['NewImage'] =>
  JSON.parse(
    JSON.stringify(item, (_name, value: unknown) =>
      value instanceof Uint8Array ||
      (typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer')
        ? 'AAAA'
        : value,
    ),
  ) as Images['NewImage'];

let sequence = 0;

/** When an item was last written, if its own times are true. Epoch seconds; noon if it has none. */
const ownTime = (item: Item | undefined): number => {
  const { lastEvent, atMs, refiledAt, changedAt, stop } = item ?? {};
  const seconds = [
    Number(atMs?.N) / 1000,
    ...[lastEvent?.M?.['at'], refiledAt, changedAt, stop?.M?.['at']].map((at) => Number(at?.N)),
  ];
  const times = seconds.filter((time) => Number.isFinite(time));
  return times.length === 0 ? startMs / 1000 : Math.floor(Math.max(...times));
};

/** A record whose stream got the write when the item says, or so many seconds later. */
export const atOwnTime = (record: DynamoDBRecord, later = 0): DynamoDBRecord => {
  const own = ownTime(record.dynamodb?.NewImage as Item | undefined);
  return { ...record, dynamodb: { ...record.dynamodb, ApproximateCreationDateTime: own + later } };
};

/**
 * A record of a table's stream, with the images that the stream shows.
 * @param at when it was written, epoch seconds; by default when the item says
 */
export const streamRecord = (
  before: Item | undefined,
  after: Item | undefined,
  at = ownTime(after),
): DynamoDBRecord => {
  const [name, key] =
    Object.entries(after ?? before ?? {}).find(([each]) => /^(eventId|grantId|entryId)$/.test(each)) ?? [];
  return {
    eventID: `event-${(sequence += 1)}`,
    eventName: before === undefined ? 'INSERT' : after === undefined ? 'REMOVE' : 'MODIFY',
    dynamodb: {
      ApproximateCreationDateTime: at,
      SequenceNumber: String(sequence),
      ...(name === undefined || key === undefined ? {} : { Keys: wire({ [name]: key }) ?? {} }),
      ...(after === undefined ? {} : { NewImage: wire(after) ?? {} }),
      ...(before === undefined ? {} : { OldImage: wire(before) ?? {} }),
    },
  };
};

const refused = (status: number, name: string, message = name): S3ServiceException =>
  new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode: status }, message });

/** The audit function over a bucket in memory, which keeps existing objects as S3 does under `If-None-Match: *`. */
export const auditFunction = () => {
  const client = new S3Client({ region: 'eu-central-1' });
  const objects = new Map<string, string>();
  const failures: Error[] = [];
  const lines: string[] = [];
  mockClient(client)
    .on(PutObjectCommand)
    .callsFake(async ({ Bucket, Key, Body, IfNoneMatch, ContentType }: Record<string, string>) => {
      if (Bucket !== 'audit' || IfNoneMatch !== '*' || ContentType !== 'application/fhir+ndjson') {
        throw new Error('no such write');
      }
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      if (objects.has(Key ?? '')) throw refused(412, 'PreconditionFailed');
      objects.set(Key ?? '', Body ?? '');
      return {};
    });
  const handle = auditHandler({
    clock: { now: () => startMs + 5000 },
    stage: 'local',
    bucket: { client, name: 'audit' },
    table: { client: memoryDynamo().client, name: 'AuditEvents' },
    writeLog: (line) => void lines.push(line),
  });
  return {
    handle: (...Records: DynamoDBRecord[]) => handle({ Records }, { awsRequestId: 'audit-1' }),
    /** Any event at all. */
    invoke: (event: unknown) => handle(event as DynamoDBStreamEvent, { awsRequestId: 'audit-1' }),
    /** The next writes fail with this. */
    failNext: (status: number, name: string, message?: string) => void failures.push(refused(status, name, message)),
    objects,
    keys: () => [...objects.keys()],
    /** Every event of every object, as many times as it is there. */
    events: () =>
      [...objects].flatMap(([key, body]) =>
        body
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => ({ key, event: JSON.parse(line) as AuditEvent })),
      ),
    log: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
};
