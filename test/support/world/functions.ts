import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient, type GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { authorizeHandler } from '../../../functions/authorize/handler.ts';
import { callbackHandler } from '../../../functions/callback/handler.ts';
import { discoveryHandler } from '../../../functions/discovery/handler.ts';
import { streamAnswers } from '../../../functions/discovery/stream-answer.ts';
import { exportHandler } from '../../../functions/export/handler.ts';
import { fetchHandler } from '../../../functions/fetch/handler.ts';
import type { Clock } from '../../../functions/shared/clock.ts';
import { unavailable } from '../../../functions/shared/errors.ts';
import { createPayerHttp } from '../../../functions/shared/payer/http-client.ts';
import { payerSecretReader } from '../../../functions/shared/payer/secrets.ts';
import { entriesOf, newEntryItem } from '../../../functions/shared/registry/entry-items.ts';
import { tableRegistry } from '../../../functions/shared/registry/table-registry.ts';
import type { RegistryData } from '../../../functions/shared/registry/types.ts';
import { tokenHandler } from '../../../functions/token/handler.ts';
import { jobBoxes } from '../job-boxes.ts';
import { memoryDynamo } from '../memory-dynamo.ts';
import { depsOver, type TableName } from './deps.ts';
import type { Served } from './invoke.ts';
// Defines Lambda's `awslambda` before a streaming function is built.
import '../stream-handler.ts';

/** A function's call to DynamoDB. */
export interface StoreCall {
  /** The function's name. */
  readonly caller: string;
  /** Such as `GetItem`. */
  readonly operation: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

interface Options {
  readonly registry: RegistryData;
  readonly origin: string;
  readonly clock: Clock;
  readonly writeLog: (line: string) => void;
  /** The value of a payer's secret now. */
  readonly secretOf: (payerId: string) => object | undefined;
  /** Sees each call to DynamoDB, and makes it fail by throwing. */
  readonly onStoreCall: (call: StoreCall) => void;
}

/**
 * The functions of the API over tables in memory, each as its `index.ts` builds it: with its own client, its own cache
 * of secrets and of the registry's entries.
 */
export const functionsInMemory = ({ registry, origin, clock, writeLog, secretOf, onStoreCall }: Options) => {
  const dynamo = memoryDynamo();
  const first = { changedAt: Math.floor(clock.now() / 1000), changedBy: 'arn:first', reason: 'first' };
  const entries = dynamo.items('Registry');
  for (const [id, entry] of entriesOf(registry)) entries.set(id, newEntryItem(id, entry, first));

  const clientOf = (caller: string): DynamoDBClient =>
    Object.assign(new DynamoDBClient({ region: 'us-east-1' }), {
      send: async (command: { readonly input: StoreCall['parameters'] }) => {
        const operation = command.constructor.name.replace(/Command$/, '');
        onStoreCall({ caller, operation, parameters: command.input });
        return dynamo.client.send(command as never);
      },
    });
  const secretReader = () => {
    const client = Object.assign(new SecretsManagerClient({ region: 'us-east-1' }), {
      send: async ({ input: { SecretId = '' } }: GetSecretValueCommand) => {
        const secret = secretOf(SecretId);
        if (secret === undefined) throw Object.assign(new Error('no value'), { name: 'ResourceNotFoundException' });
        return { SecretString: JSON.stringify(secret) };
      },
    });
    return payerSecretReader(client, '', clock);
  };
  const { sealForJob, openInJob } = jobBoxes();
  const depsOf = (caller: string) => {
    const client = clientOf(caller);
    const table = (name: TableName) => ({ client, name });
    const { stage, lifetimes } = registry;
    return depsOver(table, {
      clock,
      origin,
      writeLog,
      registry: tableRegistry({ table: table('Registry'), clock, writeLog, stage, lifetimes }),
      payerHttp: createPayerHttp(),
      readPayerSecret: secretReader(),
      sealForJob,
      sleep: (ms: number) => sleep(ms),
      exchanges: table('Exchanges'),
      exchange: {
        exchanges: table('Exchanges'),
        audit: table('AuditEvents'),
        openInJob,
        groupDays: 396,
        mostRunning: 20,
      },
    });
  };
  const exchange = { table: { client: clientOf('export'), name: 'Exchanges' }, openInJob };
  // No job runs here, so an export never ends and has no files.
  const noJob = { openObject: () => Promise.reject(unavailable('s3: NoSuchKey')), wakeJob: async () => undefined };
  const served: Readonly<Record<string, Served>> = {
    authorize: { handler: authorizeHandler(depsOf('authorize')), streams: false },
    callback: { handler: callbackHandler(depsOf('callback')), streams: false },
    token: { handler: tokenHandler(depsOf('token')), streams: false },
    discovery: { handler: streamAnswers(discoveryHandler(depsOf('discovery'))), streams: true },
    fetch: { handler: fetchHandler(depsOf('fetch')), streams: true },
    export: { handler: exportHandler({ ...depsOf('export'), ...noJob, exchange }), streams: true },
  };
  return { dynamo, served };
};
