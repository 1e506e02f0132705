import { createHash } from 'node:crypto';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { audit } from '../../bin/audit/audit.ts';
import type { AuditEvent } from '../../functions/audit/audit-event.ts';
import { auditHandler } from '../../functions/audit/handler.ts';
import { readEventWriter } from '../../functions/shared/record/audit-read.ts';
import { dynamoLimits, type Table } from '../../functions/shared/store/dynamo.ts';
import { putGrant, redeem, revoke } from '../../functions/shared/store/grants.ts';
import { grant as grantItem, issue, now } from '../functions/shared/store/grants-cases.ts';
import type { StageTemplate } from '../support/stage-template.ts';
import { words } from '../support/words.ts';
import { makeAuditBucket, makeTable, production } from './made-from-template.ts';
import { motoServer } from './moto.ts';
import { recordsOf } from './streams.ts';

const moto = motoServer();
const bucket = 'p2p-gateway-local-auditbucket-1';
const grantId = 'abcdefghijklmnopqrst-1';
const grant = { ...grantItem, grantId };
const nowMs = now * 1000;

let template: StageTemplate;
let dynamo: DynamoDBClient;
let s3: S3Client;
let grants: Table;
let auditEvents: Table;
/** The checksum that each object was sent with. */
const checksums: unknown[] = [];

/** S3 accepts any checksum for a locked bucket, but moto only the oldest kind, and the SDK sends another. */
const withMd5 = (client: S3Client): S3Client => {
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { method: string; body?: string; headers: Record<string, string> };
      if (request.method === 'PUT' && typeof request.body === 'string') {
        request.headers['content-md5'] = createHash('md5').update(request.body).digest('base64');
      }
      return next(args);
    },
    { step: 'finalizeRequest', name: 'withMd5', priority: 'high' },
  );
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        const { headers } = args.request as { headers: Record<string, string> };
        if (commandName === 'PutObjectCommand') checksums.push(headers['x-amz-sdk-checksum-algorithm']);
        return next(args);
      },
    { step: 'finalizeRequest', name: 'checksums', priority: 'low' },
  );
  return client;
};

const handle = (Records: DynamoDBStreamEvent['Records']): Promise<void> =>
  auditHandler({
    clock: { now: () => nowMs },
    stage: 'local',
    bucket: { client: s3, name: bucket },
    table: auditEvents,
    writeLog: () => undefined,
  })({ Records }, { awsRequestId: 'audit-1' });

const record = {
  requestId: 'request-7',
  grantId,
  partner: 'demo-partner',
  payer: 'northwind',
  interaction: 'search-type Observation',
};
const read = { record: { ...record, status: 200, bytes: 17 }, patient: 'patient-1' };

beforeAll(async () => {
  template = await production();
  dynamo = new DynamoDBClient({ ...dynamoLimits, ...moto.settings() });
  s3 = withMd5(new S3Client({ ...moto.settings(), forcePathStyle: true }));
  await makeAuditBucket(s3, template, bucket);
  grants = await makeTable(dynamo, template, 'Tables/Grants');
  auditEvents = await makeTable(dynamo, template, 'Tables/AuditEvents');
  await putGrant(grants, grant, { now, requestId: 'request-1' });
  await redeem(grants, grant, issue, { now: now + 1, requestId: 'request-2' });
  const events = readEventWriter(auditEvents, { now: () => nowMs + 2000, monotonic: () => 0 });
  await events.openGate(read as never);
  await events.onEnd(read as never);
  await revoke(grants, grantId, 'byPartner', { now: now + 3, requestId: 'request-3' });
  await handle([...(await recordsOf(moto.settings(), grants)), ...(await recordsOf(moto.settings(), auditEvents))]);
});
afterAll(() => {
  dynamo.destroy();
  s3.destroy();
});

/** Keys of all objects, once for each version. */
const versions = async (): Promise<{ key: string; id: string }[]> => {
  const { Versions: found = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));
  return found.map(({ Key: key = '', VersionId: id = '' }) => ({ key, id }));
};

it('a read is one item, which records how it ended, and expires', async () => {
  const key = { eventId: { S: 'request-7' } };
  const { Item: item } = await dynamo.send(new GetItemCommand({ TableName: auditEvents.name, Key: key }));

  expect(item).toMatchObject({ type: { S: 'ended' }, grantId: { S: grantId }, patient: { S: 'patient-1' } });
  expect(item?.['expiresAt']).toEqual({ N: String(now + 2 + 35 * 86_400) });
});

it("the command line finds the events of the tables' streams, in order", async () => {
  const lines: string[] = [];

  const code = await audit(['--grant', grantId, '--json'], {
    // moto's streams have the time of this machine, and an event has its stream's.
    nowMs: Date.now(),
    environment: { AWS_ENDPOINT_URL: moto.settings().endpoint },
    output: { out: (line) => void lines.push(line), note: () => undefined },
  });

  const events = lines.map((line) => JSON.parse(line) as AuditEvent);
  expect(code).toBe(0);
  expect(events.map(({ subtype }) => subtype.at(-1)?.code)).toEqual(words('created redeemed opened ended revoked'));
});

it('a repeated batch writes no object a second time', async () => {
  const before = await versions();

  await handle([...(await recordsOf(moto.settings(), grants)), ...(await recordsOf(moto.settings(), auditEvents))]);

  expect(before).toHaveLength(2);
  expect(await versions()).toEqual(before);
});

it('an object that exists is refused with 412', async () => {
  const [first] = await versions();
  const again = new PutObjectCommand({ Bucket: bucket, Key: first?.key, Body: 'other', IfNoneMatch: '*' });

  await expect(s3.send(again)).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
});

it('objects are sent with the checksum that a locked bucket requires', () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html: either this checksum or Content-MD5.
  expect(checksums.length).toBeGreaterThan(1);
  expect(new Set(checksums)).toEqual(new Set(['CRC32']));
});

it('objects are locked for the days of the stage, and no one can delete one', async () => {
  const [first] = await versions();
  const object = { Bucket: bucket, Key: first?.key, VersionId: first?.id };

  const head = await s3.send(new HeadObjectCommand(object));

  const days = ((head.ObjectLockRetainUntilDate?.getTime() ?? 0) - Date.now()) / 86_400_000;
  expect(head.ObjectLockMode).toBe('COMPLIANCE');
  expect(days).toBeGreaterThan(2191);
  await expect(s3.send(new DeleteObjectCommand(object))).rejects.toMatchObject({ name: 'AccessDenied' });
  await expect(s3.send(new DeleteObjectCommand({ ...object, BypassGovernanceRetention: true }))).rejects.toMatchObject({
    name: 'AccessDenied',
  });
});
