import { S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBRecord } from 'aws-lambda';
import { auditHandler } from '../../functions/audit/handler.ts';
import { atOwnTime } from '../functions/audit/records.ts';
import { recorded } from './upgraded-gateway.ts';

const { Grants: grants, AuditEvents: reads } = recorded.tables;

/** The record of an item's first write. */
const inserted = (key: 'grantId' | 'eventId') => (item: Readonly<Record<string, object>>) =>
  atOwnTime({
    eventName: 'INSERT',
    dynamodb: {
      Keys: { [key]: item[key] },
      NewImage: item,
      SequenceNumber: '1',
    },
  } as DynamoDBRecord);

it('what version 0.1 left in the streams is read by the audit after the upgrade', async () => {
  const lines: string[] = [];
  const written: string[] = [];
  const client = { send: async ({ input }: { input: { Body: string } }) => void written.push(input.Body) };
  const handler = auditHandler({
    clock: { now: () => recorded.atMs },
    stage: 'demo',
    table: { client: {} as never, name: 'AuditEvents' },
    bucket: { client: client as unknown as S3Client, name: 'audit' },
    writeLog: (line) => void lines.push(line),
  });

  await handler(
    { Records: [...grants.map(inserted('grantId')), ...reads.map(inserted('eventId'))] },
    { awsRequestId: 'batch' },
  );

  const [line = '{}'] = lines;
  const grantEvents = grants.filter(({ partner }) => partner !== undefined);
  expect(JSON.parse(line)).toMatchObject({
    level: 'info',
    unreadable: 0,
    auditEvents: grantEvents.length + reads.length,
  });
  expect(written.length).toBeGreaterThan(0);
});
