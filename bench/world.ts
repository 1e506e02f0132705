import { mkdtempSync, rmSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchWriteItemCommand, CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { entriesOf, newEntryItem } from '../functions/shared/registry/entry-items.ts';
import { dynamoClient } from '../functions/shared/store/dynamo.ts';
import type { Plan } from './measure.ts';
import { payerPaths } from './payer-data.ts';
import type { Plant } from './plant.ts';
import { startServer } from './servers/start.ts';
import { few, measured, registryOfSize, type Size } from './stage.ts';

/** How it is tried whether the report notices a slowness: without peers, and with a plan of its own. */
export interface Trial {
  readonly plan: Plan;
  /** What is planted, and in which part. */
  readonly plant?: (Plant & { readonly part: string }) | undefined;
}

/** What every part of the benchmark gets. */
export interface World {
  readonly quick: boolean;
  /** @default a benchmark */
  readonly trial?: Trial | undefined;
  /** A temporary folder, deleted when the benchmark ends. */
  readonly folder: string;
  readonly dynamoOrigin: string;
  readonly payerOrigin: string;
  readonly payerBase: string;
  /** The table of a registry with two payers and two partners. */
  readonly registry: string;
  readonly close: () => void;
}

/** Starts DynamoDB and the payer, and points the SDK of this process and its children at them. */
export const startWorld = async ({ quick, trial }: Pick<World, 'quick' | 'trial'>): Promise<World> => {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-bench-'));
  const [dynamo, payer] = await Promise.all([startServer('dynalite'), startServer('payer')]);
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.origin,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: payer.origin + payerPaths.secrets,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'bench',
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    ORIGIN: measured.origin,
    STAGE: 'bench',
    LIFETIMES: JSON.stringify(registryOfSize(payer.origin, few).lifetimes),
  });
  const registry = await fillRegistry(payer.origin, few);
  process.env['REGISTRY_TABLE'] = registry;
  return {
    quick,
    trial,
    folder,
    dynamoOrigin: dynamo.origin,
    payerOrigin: payer.origin,
    payerBase: payer.origin + payerPaths.fhir,
    registry,
    close: () => {
      dynamo.close();
      payer.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** What is planted in a part. */
export const plantIn = ({ trial }: Pick<World, 'trial'>, part: string): Plant | undefined =>
  trial?.plant?.part === part ? trial.plant : undefined;

/** The gateway's tables, by names with their own prefix. */
export interface Tables {
  readonly loginAttempts: string;
  readonly grants: string;
  readonly auditEvents: string;
  readonly exports: string;
  readonly limits: string;
}

const createTable = async (client: DynamoDBClient, name: string, keys: readonly string[]): Promise<void> => {
  await client.send(
    new CreateTableCommand({
      TableName: name,
      KeySchema: keys.map((key, index) => ({ AttributeName: key, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
      AttributeDefinitions: keys.map((key) => ({ AttributeName: key, AttributeType: 'S' })),
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
};

/** Creates a table with these string keys. */
export const makeTable = async (name: string, keys: readonly string[]): Promise<string> => {
  const client = dynamoClient();
  await createTable(client, name, keys);
  client.destroy();
  return name;
};

const batch = 25;
const filled = new Set<string>();

/** Fills a registry of this size, once. @returns its table */
export const fillRegistry = async (payerOrigin: string, size: Size): Promise<string> => {
  const name = `Registry.${size.payers}.${size.partners}`;
  if (filled.has(name)) return name;
  await makeTable(name, ['entryId']);
  const client = dynamoClient();
  const by = { changedAt: 0, changedBy: 'bench', reason: 'first deployment' };
  const puts = [...entriesOf(registryOfSize(payerOrigin, size))].map(([id, entry]) => ({
    PutRequest: { Item: newEntryItem(id, entry, by) },
  }));
  while (puts.length > 0) {
    await client.send(new BatchWriteItemCommand({ RequestItems: { [name]: puts.splice(0, batch) } }));
  }
  client.destroy();
  filled.add(name);
  return name;
};

/** Creates the gateway's tables (docs/reports/attributes.md), empty. */
export const makeTables = async (prefix: string): Promise<Tables> => ({
  loginAttempts: await makeTable(`${prefix}.LoginAttempts`, ['stateHash']),
  grants: await makeTable(`${prefix}.Grants`, ['grantId']),
  auditEvents: await makeTable(`${prefix}.AuditEvents`, ['eventId']),
  exports: await makeTable(`${prefix}.Exports`, ['grantId']),
  limits: await makeTable(`${prefix}.Limits`, ['limitId']),
});
