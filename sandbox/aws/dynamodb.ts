import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import dynalite from 'dynalite';
import { region } from './intrinsics.ts';
import { close, listen } from './listen.ts';
import { jsonError, type AwsAnswer, type AwsService } from './service.ts';
import { writesWithRecords, type CallDynamoDb, type RecordSink } from './stream-records.ts';
import type { TableSpec } from './template-data.ts';

/** An embedded DynamoDB. It loses everything when it stops. */
export interface LocalDynamoDb {
  readonly service: AwsService;
  /** Creates tables. The sink gets a record for each write to a table with a stream. */
  readonly createTables: (tables: readonly TableSpec[], sink: RecordSink) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The signature is required but not checked. */
const ownHeaders = {
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-date': '20260101T000000Z',
  authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/${region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
};
const passedOn = ['content-type', 'x-amz-crc32', 'x-amzn-requestid'];

const expressionBytes = 4096;

/**
 * Limits that dynalite does not enforce
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
 */
const tooLongExpression = (body: Buffer): string | undefined => {
  // Most requests are shorter than that in total.
  if (body.length <= expressionBytes) return undefined;
  try {
    for (const [name, text] of Object.entries(JSON.parse(body.toString()) as Record<string, unknown>)) {
      const size = name.endsWith('Expression') && typeof text === 'string' ? Buffer.byteLength(text) : 0;
      if (size > expressionBytes) {
        return `Invalid ${name}: Expression size has exceeded the maximum allowed size; expression size: ${size}`;
      }
    }
    return undefined;
  } catch {
    // Not JSON. DynamoDB reports that itself.
    return undefined;
  }
};

/**
 * Starts DynamoDB behind the AWS endpoint. It has no TTL, so expired items stay readable, as they do for hours in AWS.
 */
export const startDynamoDb = async (): Promise<LocalDynamoDb> => {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  server.keepAliveTimeout = 0;
  const port = await listen(server, 0, '127.0.0.1');
  const agent = new Agent({ keepAlive: true });

  const forward = async (body: Buffer, headers: Readonly<Record<string, string>>): Promise<AwsAnswer> => {
    const outgoing = httpRequest({ host: '127.0.0.1', port, method: 'POST', path: '/', agent, headers });
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    const found = passedOn.map((name) => [name, response.headers[name]] as const);
    return {
      status: response.statusCode ?? 500,
      headers: Object.fromEntries(found.filter((pair): pair is [string, string] => typeof pair[1] === 'string')),
      body: await buffer(response),
    };
  };
  const call: CallDynamoDb = async (operation, parameters) => {
    const headers = { ...ownHeaders, 'x-amz-target': `DynamoDB_20120810.${operation}` };
    const { status, body } = await forward(Buffer.from(JSON.stringify(parameters)), headers);
    if (status !== 200) throw new Error(`DynamoDB refused ${operation}: ${body.toString()}`);
    return JSON.parse(body.toString()) as Record<string, unknown>;
  };
  const writes = writesWithRecords(call);

  const service: AwsService = (request) => {
    const { headers, body } = request;
    const problem = tooLongExpression(body);
    if (problem !== undefined) return jsonError('ValidationException', problem);
    const sent = Object.fromEntries(
      Object.entries(headers).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
    );
    return writes.around(request, () => forward(body, { ...sent, 'content-length': String(body.length) }));
  };

  const createTables: LocalDynamoDb['createTables'] = async (tables, sink) => {
    for (const table of tables) {
      await call('CreateTable', {
        TableName: table.physicalName,
        KeySchema: table.keySchema,
        AttributeDefinitions: table.attributeDefinitions,
        BillingMode: 'PAY_PER_REQUEST',
        ...(table.indexes === undefined ? {} : { GlobalSecondaryIndexes: table.indexes }),
      });
      writes.watch(table, sink);
    }
  };

  const stop = async (): Promise<void> => {
    agent.destroy();
    await close(server);
  };
  return { service, createTables, close: stop };
};
