import {
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  RestoreTableToPointInTimeCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { restore } from '../../bin/restore/restore.ts';
import { auditHandler } from '../../functions/audit/handler.ts';
import { dynamoLimits, type Table } from '../../functions/shared/store/dynamo.ts';
import { getGrant, putGrant, redeem, revoke } from '../../functions/shared/store/grants.ts';
import { grant as grantItem, issue } from '../functions/shared/store/grants-cases.ts';
import { makeTable, production } from './made-from-template.ts';
import { motoServer } from './moto.ts';
import { recordsOf } from './streams.ts';

const moto = motoServer();
const bucket = 'p2p-gateway-local-auditbucket-1';
const copy = 'restored-grants';
const nowMs = Date.now();
const now = Math.floor(nowMs / 1000);
const ids = { quiet: 'abcdefghijklmnopqrst-1', ended: 'abcdefghijklmnopqrst-2' };

let client: DynamoDBClient;
let s3: S3Client;
let grants: Table;
beforeAll(async () => {
  client = new DynamoDBClient({ ...dynamoLimits, ...moto.settings() });
  s3 = new S3Client({ ...moto.settings(), forcePathStyle: true });
  grants = await makeTable(client, await production(), 'Tables/Grants');
});
afterAll(() => {
  client.destroy();
  s3.destroy();
});

it('a table that point-in-time recovery has restored says of which time it is, and its grants come back', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  for (const grantId of Object.values(ids)) {
    const at = now - 7200;
    const times = { codeExpiresAt: at + 60, expiresAt: at + 60, endsAt: now + 7200 };
    await putGrant(grants, { ...grantItem, ...times, grantId }, { now: at, requestId: 'request-1' });
    await redeem(grants, { ...grantItem, ...times, grantId }, issue, { now: at, requestId: 'request-2' });
  }
  await client.send(
    new RestoreTableToPointInTimeCommand({
      SourceTableName: grants.name,
      TargetTableName: copy,
      UseLatestRestorableTime: true,
    }),
  );
  await revoke(grants, ids.ended, 'byPartner', { now, requestId: 'request-3' });
  const handle = auditHandler({
    clock: { now: () => nowMs },
    stage: 'local',
    bucket: { client: s3, name: bucket },
    table: grants,
    writeLog: () => undefined,
  });
  await handle({ Records: await recordsOf(moto.settings(), grants) }, { awsRequestId: 'audit-1' });
  for (const id of Object.values(ids)) {
    await client.send(new DeleteItemCommand({ TableName: grants.name, Key: { grantId: { S: id } } }));
  }

  const told: string[] = [];
  const args = ['grants', '--from', copy, '--table', grants.name, '--bucket', bucket, '--reason', 'x', '--yes'];
  const code = await restore([...args, '--stage', 'local'], {
    now: () => nowMs + 60_000,
    environment: { AWS_ENDPOINT_URL: moto.settings().endpoint },
    output: { out: () => undefined, note: (text) => void told.push(text) },
    ask: undefined,
    terminal: undefined,
    wait: async () => undefined,
  });

  const { Table: described } = await client.send(new DescribeTableCommand({ TableName: copy }));
  const restoredAt = described?.RestoreSummary?.RestoreDateTime?.toISOString().slice(0, 19);
  expect([code, told[0]]).toEqual([3, expect.stringContaining(`${copy}, as of ${restoredAt}Z, into ${grants.name}:`)]);
  expect(await getGrant(grants, ids.quiet)).toMatchObject({ grantId: ids.quiet, redeemedAt: now - 7200 });
  const { Item: item } = await client.send(
    new GetItemCommand({ TableName: grants.name, Key: { grantId: { S: ids.quiet } }, ConsistentRead: true }),
  );
  expect(item?.['lastEvent']?.M?.['type']).toEqual({ S: 'restored' });
  expect(await getGrant(grants, ids.ended)).toBeUndefined();
});
