import { randomBytes } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { requireEnvironment } from './environment.ts';
import type { WriteLog } from './metrics/metrics.ts';
import { createPayerHttp } from './payer/http-client.ts';
import type { PayerHttp } from './payer/http.ts';
import type { RecordDeps } from './record/request-record.ts';
import { tableRegistry } from './registry/table-registry.ts';
import type { Lifetimes } from './registry/types.ts';
import { dynamoClient, type Table } from './store/dynamo.ts';

/** What every function depends on. */
export interface Deps extends RecordDeps {
  readonly randomBytes: (size: number) => Uint8Array;
  readonly payerHttp: PayerHttp;
  /** The public origin, without a trailing slash. */
  readonly origin: string;
}

/** The real dependencies, and the DynamoDB client that the registry uses. */
export interface RealDeps extends Deps {
  /** Shared with the function's own tables, so that they use the same connections. */
  readonly client: DynamoDBClient;
}

/** The real dependencies of a function that calls no payer, built once when it starts. */
export const realRegistryDeps = (): Pick<RealDeps, 'clock' | 'randomBytes' | 'registry' | 'writeLog' | 'client'> => {
  const clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const writeLog: WriteLog = (line) => process.stdout.write(`${line}\n`);
  const client = dynamoClient();
  return {
    clock,
    randomBytes,
    registry: tableRegistry({
      table: { client, name: requireEnvironment('REGISTRY_TABLE') },
      clock,
      writeLog,
      stage: requireEnvironment('STAGE'),
      lifetimes: JSON.parse(requireEnvironment('LIFETIMES')) as Lifetimes,
    }),
    writeLog,
    client,
  };
};

/** The table of exchanges; undefined in a stage without them. */
export const exchangesTable = (client: DynamoDBClient): Table | undefined => {
  const name = process.env['EXCHANGES_TABLE'];
  return name === undefined ? undefined : { client, name };
};

/** The real dependencies, built once when the function starts. */
export const realDeps = (): RealDeps => ({
  ...realRegistryDeps(),
  payerHttp: createPayerHttp(),
  origin: requireEnvironment('ORIGIN'),
  behindEdge: process.env['EDGE'] === 'cloudfront',
});
