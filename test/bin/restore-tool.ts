import { DynamoDBClient, GetItemCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBRecord } from 'aws-lambda';
import { restore } from '../../bin/restore/restore.ts';
import { auditHandler } from '../../functions/audit/handler.ts';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import { putGrant, redeem } from '../../functions/shared/store/grants.ts';
import type { Item } from '../../functions/shared/store/items.ts';
import { startAws } from '../../sandbox/aws/aws.ts';
import { issue } from '../functions/shared/store/grants-cases.ts';
import { startMs } from '../support/gateway.ts';
import { livingGrant, type NewGrant } from '../support/living-grant.ts';
import { answeringAws } from './answering-aws.ts';

export const now = startMs / 1000;
/** The second of the copy. */
export const point = now - 600;
export const since = new Date(point * 1000).toISOString().replace('.000Z', 'Z');
export const operator = 'arn:aws:iam::000000000000:user/operator';

const names = {
  grants: 'p2p-gateway-local-TablesGrants1',
  auditEvents: 'p2p-gateway-local-TablesAuditEvents1',
  registry: 'p2p-gateway-local-TablesRegistry1',
  copy: 'restored-grants',
  readsCopy: 'restored-reads',
} as const;
const keys = { grants: 'grantId', auditEvents: 'eventId', registry: 'entryId', copy: 'grantId', readsCopy: 'eventId' };
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
  const aws = await startAws(0);
  const front = await answeringAws(aws.url);
  const records: DynamoDBRecord[] = [];
  const followed = new Set(['grants', 'auditEvents', 'registry']);
  const specs = Object.entries(names).map(([name, physicalName]) => ({
    name,
    physicalName,
    keySchema: [{ AttributeName: keys[name as keyof typeof keys], KeyType: 'HASH' as const }],
    attributeDefinitions: [{ AttributeName: keys[name as keyof typeof keys], AttributeType: 'S' as const }],
    stream: followed.has(name) ? { arn: name, viewType: 'NEW_AND_OLD_IMAGES' as const } : undefined,
  }));
  await aws.dynamoDb.createTables(specs, (record) => void records.push(record));
  aws.s3.createBucket(bucket);
  const settings = {
    endpoint: aws.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'local' },
  };
  const [client, s3] = [new DynamoDBClient(settings), new S3Client(settings)];
  const table = (name: keyof typeof names): Table => ({ client, name: names[name] });
  const handle = auditHandler({
    clock: { now: () => startMs },
    stage: 'local',
    bucket: { client: s3, name: bucket },
    table: table('auditEvents'),
    writeLog: () => undefined,
  });

  /** Files what the streams have, and returns it. */
  const file = async (): Promise<readonly DynamoDBRecord[]> => {
    const batch = records.splice(0);
    if (batch.length > 0) await handle({ Records: batch }, { awsRequestId: 'audit-1' });
    return batch;
  };
  const put = async (name: keyof typeof names, item: Item): Promise<void> => {
    await client.send(new PutItemCommand({ TableName: names[name], Item: item }));
  };
  const items = async (name: keyof typeof names): Promise<Item[]> =>
    (await client.send(new ScanCommand({ TableName: names[name], ConsistentRead: true }))).Items ?? [];
  const item = async (name: keyof typeof names, id: string): Promise<Item | undefined> => {
    const Key = { [keys[name]]: { S: id } };
    return (await client.send(new GetItemCommand({ TableName: names[name], Key, ConsistentRead: true }))).Item;
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
    const [out, told, asked] = [[], [], []] as [string[], string[], string[]];
    const left = [...(answers ?? [])];
    const code = await restore([...args, '--stage', 'local'], {
      now: () => startMs,
      environment: { AWS_ENDPOINT_URL: front.url },
      output: { out: (text) => out.push(text), note: (text) => told.push(text) },
      ask:
        answers &&
        (async (question) => {
          asked.push(question);
          return left.shift() ?? '';
        }),
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
    /** Scripts an answer of AWS. */
    answer: front.answer,
    registryTable: { ...table('registry'), wait: async () => {} },
    /** Runs `grants` on the copy. */
    grants: (...more: string[]) =>
      run(['grants', '--from', names.copy, '--since', since, '--reason', 'Ticket 4714', ...more]),
    /** Puts what Grants has into the copy, and files it. */
    copyAll: async () => {
      await file();
      for (const one of await items('grants')) await put('copy', one);
    },
    names,
    close: async () => {
      for (const each of [client, s3]) each.destroy();
      await front.close();
      await aws.close();
    },
  };
};
