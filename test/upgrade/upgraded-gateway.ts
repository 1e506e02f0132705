import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { entriesOf, newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import type { Stop } from '../../functions/shared/registry/stops.ts';
import { tableRegistry } from '../../functions/shared/registry/table-registry.ts';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import type { Item } from '../../functions/shared/store/items.ts';
import { jobBoxes } from '../support/job-boxes.ts';
import { es384Jwk, localRegistry, redirectUri } from '../support/login.ts';
import { depsOver, type TableName } from '../support/world/deps.ts';
import { startDynamo, type TableNames } from '../support/world/dynalite.ts';
import { handlersOf } from '../support/world/handlers.ts';
import { callsOf, type Calls, type OpenLogin } from './calls.ts';
import { handlersOfVersion01, version01 } from './version-0.1-handlers.ts';
import { wellPayer } from './well-payer.ts';

/** A partner's access token and refresh token. */
export interface Pair {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** What partners and members of version 0.1 held. */
interface Held {
  readonly access: Pair;
  readonly demoHealthPlan: Pair;
  readonly publicClient: Pair;
  readonly keyed: Pair & { readonly usedAssertion: string; readonly publicJwk: { kty: string; kid: string } };
  /** A pair that was replaced at the last moment, and its successor. */
  readonly rotated: { readonly before: Pair; readonly now: Pair };
  readonly revoked: Pair;
  readonly openLogins: readonly OpenLogin[];
  readonly code: string;
  readonly codeWithChallenge: { readonly code: string; readonly verifier: string };
}

interface Recorded {
  readonly atMs: number;
  readonly held: Held;
  /** In DynamoDB's JSON. */
  readonly tables: Readonly<
    Record<'LoginAttempts' | 'Grants' | 'AuditEvents', readonly Readonly<Record<string, object>>[]>
  >;
}

const folder = join(import.meta.dirname, 'version-0.1');

/** What version 0.1 left behind. */
export const recorded = JSON.parse(await readFile(join(folder, 'items.json'), 'utf8')) as Recorded;

/** The key of the partner `keyed-partner` after the upgrade, beside the one that it had. */
export const partnerKey = es384Jwk('after-the-upgrade');

/** A partner beside those of the local stage. The rest of its entry is as theirs. */
const keyed = {
  clientId: 'keyed-partner',
  name: 'Keyed Partner',
  clientAuthentication: ['private_key_jwt'] as const,
  secretHashes: [],
  jwks: [recorded.held.keyed.publicJwk, partnerKey.publicJwk],
  redirectUris: [redirectUri],
};

/** The configuration that the stage had, as the deployment fills the registry with it. */
const registryData = (): RegistryData => {
  const { partners, ...data } = localRegistry();
  return {
    ...data,
    partners: [...partners, ...partners.slice(0, 1).map((partner) => Object.assign({}, partner, keyed))],
  };
};

/** Starts DynamoDB for the gateways below. */
export const startUpgrades = async () => {
  const dynamo = await startDynamo();
  const { client } = dynamo;
  let olderClient: DynamoDBClient | undefined;
  const clientOfVersion01 = () =>
    (olderClient ??= new (version01().DynamoDBClient)({
      endpoint: dynamo.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    }));

  /** New tables with the items of version 0.1. */
  const restoreTables = async (): Promise<TableNames> => {
    const tables = await dynamo.createTables();
    for (const [table, items] of Object.entries(recorded.tables)) {
      for (const item of items) await dynamo.put(tables[table as keyof Recorded['tables']], item);
    }
    return tables;
  };

  /** Today's functions over what version 0.1 left, at the moment of the upgrade. */
  const upgraded = async () => {
    const tables = await restoreTables();
    const { stage, lifetimes, ...entries } = registryData();
    const put = (Item: Item) => client.send(new PutItemCommand({ TableName: tables.Registry, Item }));
    const by = { changedAt: recorded.atMs / 1000, changedBy: 'arn:fill', reason: 'first deployment' };
    for (const [entryId, entry] of entriesOf(entries)) await put(newEntryItem(entryId, entry, by));

    const time = { ms: recorded.atMs };
    const clock = { now: () => time.ms, monotonic: () => time.ms };
    const payer = wellPayer();
    const writeLog = (): void => {};
    const table = { client, name: tables.Registry };
    const deps = depsOver((name) => ({ client, name: tables[name] }), {
      clock,
      payerHttp: payer.http,
      registry: tableRegistry({ table, clock, writeLog, stage, lifetimes }),
      writeLog,
      sealForJob: jobBoxes().sealForJob,
      readPayerSecret: async (id: string) =>
        id === 'northwind'
          ? { private_key_jwk: es384Jwk('northwind-local-1').privateJwk }
          : { client_secret: 'secret' },
      sleep: async (ms: number): Promise<void> => void (time.ms += ms),
    });
    const nameOf = (name: TableName): string => tables[name];
    return {
      payer,
      ...callsOf(handlersOf(deps)),
      /** The functions of version 0.1 over the same tables, as after going back. */
      version01: (): Calls => callsOf(handlersOfVersion01(deps, { client: clientOfVersion01(), nameOf }, keyed)),
      /** All items of a table as they are now, in DynamoDB's JSON. */
      itemsOf: async (name: TableName): Promise<readonly Item[]> =>
        (await client.send(new ScanCommand({ TableName: nameOf(name), ConsistentRead: true }))).Items ?? [],
      /** Replaces the stop of an entry of the registry, as a tool does. */
      stop: async (entryId: string, stop: Stop | undefined): Promise<void> => {
        const command = new UpdateItemCommand({
          TableName: tables.Registry,
          Key: { entryId: { S: entryId } },
          ...(stop === undefined
            ? { UpdateExpression: 'REMOVE stop' }
            : {
                UpdateExpression: 'SET stop = :stop',
                ExpressionAttributeValues: {
                  ':stop': { M: { at: { N: `${stop.at}` }, by: { S: stop.by }, reason: { S: stop.reason } } },
                },
              }),
        });
        await client.send(command);
      },
      passSeconds: (seconds: number): void => void (time.ms += seconds * 1000),
      now: () => Math.floor(time.ms / 1000),
    };
  };
  return {
    upgraded,
    close: async (): Promise<void> => {
      olderClient?.destroy();
      await dynamo.close();
    },
  };
};

export type Upgraded = Awaited<ReturnType<Awaited<ReturnType<typeof startUpgrades>>['upgraded']>>;
