import { GetItemCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBRecord } from 'aws-lambda';
import { restore } from '../../bin/restore/restore.ts';
import { auditHandler } from '../../functions/audit/handler.ts';
import { instant } from '../../functions/shared/instant.ts';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import { putGrant, redeem } from '../../functions/shared/store/grants.ts';
import type { Item } from '../../functions/shared/store/items.ts';
import { atOwnTime } from '../functions/audit/records.ts';
import { issue } from '../functions/shared/store/grants-cases.ts';
import { startMs } from '../support/gateway.ts';
import { livingGrant, type NewGrant } from '../support/living-grant.ts';
import { listening, tableOf, toolStage } from './tool-stage.ts';

export const now = startMs / 1000;
/** The second of the copy. */
export const point = now - 600;
export const since = instant(point);
export const operator = 'arn:aws:iam::000000000000:user/operator';

const stream = { arn: 'stage', viewType: 'NEW_AND_OLD_IMAGES' } as const;
const specs = {
  grants: tableOf('Grants', { stream }),
  auditEvents: tableOf('AuditEvents', { stream }),
  registry: tableOf('Registry', { stream }),
  copy: tableOf('Grants', { physicalName: 'restored-grants' }),
  readsCopy: tableOf('AuditEvents', { physicalName: 'restored-reads' }),
};
type Name = keyof typeof specs;
const bucket = 'p2p-gateway-local-auditbucket-1';

/** An id of 22 characters for a grant with this name. */
export const idOf = (name: string): string => name.padEnd(22, '-').slice(0, 22);

/** How a test changes the way the tool is run. */
interface RunOptions {
  /** Answers of the person at the terminal. @default no terminal */
  readonly answers?: readonly string[];
}

/** A stage in a stand-in for AWS, whose tables' streams reach its audit, and the tool. */
export const restoreTool = async () => {
  const records: DynamoDBRecord[] = [];
  const base = await toolStage(Object.values(specs), (record) => void records.push(record));
  const { aws, settings, client } = base;
  aws.s3.createBucket(bucket);
  const s3 = new S3Client(settings);
  const table = (name: Name): Table => ({ client, name: specs[name].physicalName });
  const handle = auditHandler({
    clock: { now: () => startMs },
    stage: 'local',
    bucket: { client: s3, name: bucket },
    table: table('auditEvents'),
    writeLog: () => undefined,
  });

  /** Files what the streams have, and returns it. @param later how many seconds after the items' own times they got it */
  const file = async (later = 0): Promise<readonly DynamoDBRecord[]> => {
    const batch = records.splice(0).map((record) => atOwnTime(record, later));
    if (batch.length > 0) await handle({ Records: batch }, { awsRequestId: 'audit-1' });
    return batch;
  };
  const put = async (name: Name, item: Item): Promise<void> => {
    await client.send(new PutItemCommand({ TableName: specs[name].physicalName, Item: item }));
  };
  const items = async (name: Name): Promise<Item[]> =>
    (await client.send(new ScanCommand({ TableName: specs[name].physicalName, ConsistentRead: true }))).Items ?? [];
  const item = async (name: Name, id: string): Promise<Item | undefined> => {
    const Key = { [specs[name].keySchema[0]?.AttributeName ?? '']: { S: id } };
    return (await client.send(new GetItemCommand({ TableName: specs[name].physicalName, Key, ConsistentRead: true })))
      .Item;
  };

  /** A grant whose code was redeemed at a time, by default long before the point. */
  const connect = async (name: string, at = point - 7200, change: Partial<NewGrant> = {}): Promise<NewGrant> => {
    const times = { codeExpiresAt: at + 60, expiresAt: at + 60, endsAt: now + 86_400 };
    const grant = livingGrant(at, { grantId: idOf(name), partner: 'demo-partner', ...times, ...change });
    await putGrant(table('grants'), grant, { now: at - 5, requestId: `${name}-login` });
    await redeem(table('grants'), grant, issue, { now: at, requestId: `${name}-redeem` });
    return grant;
  };

  const run = async (args: readonly string[], { answers }: RunOptions = {}) => {
    const { out, told, asked, output, ask } = listening(answers);
    const code = await restore([...args, '--stage', 'local'], {
      now: () => startMs,
      environment: { AWS_ENDPOINT_URL: aws.url },
      output,
      ask,
      terminal: undefined,
      wait: async () => {},
    });
    return { code, out, told: told.join('\n'), asked };
  };

  return {
    table,
    file,
    put,
    items,
    item,
    connect,
    run,
    /** The audit's bucket. */
    audit: async () => ({ client: s3, name: bucket }),
    /** Scripts an answer of AWS. */
    answer: aws.answer,
    registryTable: base.registry,
    /** Runs `grants` on the copy. */
    grants: (...more: string[]) =>
      run(['grants', '--from', specs.copy.physicalName, '--since', since, '--reason', 'Ticket 4714', ...more]),
    /** Puts what Grants has into the copy, and files it. */
    copyAll: async () => {
      await file();
      for (const one of await items('grants')) await put('copy', one);
    },
    names: { grants: specs.grants.physicalName, copy: specs.copy.physicalName },
    close: async () => {
      s3.destroy();
      await base.close();
    },
  };
};
