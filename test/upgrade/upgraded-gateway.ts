import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { authorizeHandler } from '../../functions/authorize/handler.ts';
import { callbackHandler } from '../../functions/callback/handler.ts';
import { payerBreakers } from '../../functions/fetch/breaker/breakers.ts';
import { fetchHandler } from '../../functions/fetch/handler.ts';
import { leaseFromTable } from '../../functions/shared/limits/lease-slots.ts';
import { limiter } from '../../functions/shared/limits/limiter.ts';
import { readEventWriter } from '../../functions/shared/record/audit-read.ts';
import { entriesOf, newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import type { Stop } from '../../functions/shared/registry/stops.ts';
import { tableRegistry } from '../../functions/shared/registry/table-registry.ts';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import type { Item } from '../../functions/shared/store/items.ts';
import { tokenHandler } from '../../functions/token/handler.ts';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';
import { jobBoxes } from '../support/job-boxes.ts';
import { es384Jwk, localRegistry, redirectUri } from '../support/login.ts';
import { indexMember } from '../support/member-key.ts';
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

type TableName = 'LoginAttempts' | 'Grants' | 'AuditEvents';

interface Recorded {
  readonly atMs: number;
  readonly held: Held;
  /** In DynamoDB's JSON. */
  readonly tables: Readonly<Record<TableName, readonly Readonly<Record<string, object>>[]>>;
}

const folder = join(import.meta.dirname, 'version-0.1');

/** What version 0.1 left behind. */
export const recorded = JSON.parse(await readFile(join(folder, 'items.json'), 'utf8')) as Recorded;

/** The keys of today's tables. Registry, Limits and Exports are new. */
const keyOfTable = {
  LoginAttempts: 'stateHash',
  Grants: 'grantId',
  AuditEvents: 'eventId',
  Registry: 'entryId',
  Limits: 'limitId',
  Exports: 'grantId',
};

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

const putRecorded = async (aws: LocalAws, table: string, Item: object): Promise<void> => {
  const response = await fetch(aws.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.PutItem',
      'x-amz-date': '20260101T000000Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify({ TableName: table, Item }),
  });
  if (!response.ok) throw new Error(await response.text());
};

/** Starts DynamoDB for the gateways below. */
export const startUpgrades = async () => {
  const aws = await startAws(0);
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const settings = { endpoint: aws.url, region: 'us-east-1', credentials };
  const client = new DynamoDBClient(settings);
  let upgrades = 0;
  let olderClient: DynamoDBClient | undefined;
  const clientOfVersion01 = () => (olderClient ??= new (version01().DynamoDBClient)(settings));

  /** New tables with the items of version 0.1, and a registry that was just filled. */
  const restoreTables = async () => {
    const upgrade = (upgrades += 1);
    const nameOf = (table: keyof typeof keyOfTable): string => `${table}.${upgrade}`;
    const specs = (Object.keys(keyOfTable) as (keyof typeof keyOfTable)[]).map((table) => ({
      name: table,
      physicalName: nameOf(table),
      keySchema: [{ AttributeName: keyOfTable[table], KeyType: 'HASH' as const }],
      attributeDefinitions: [{ AttributeName: keyOfTable[table], AttributeType: 'S' as const }],
    }));
    await aws.dynamoDb.createTables(specs, () => {});
    for (const [table, items] of Object.entries(recorded.tables)) {
      for (const item of items) await putRecorded(aws, nameOf(table as TableName), item);
    }
    return nameOf;
  };

  /** Today's functions over what version 0.1 left, at the moment of the upgrade. */
  const upgraded = async () => {
    const nameOf = await restoreTables();
    const table = (name: keyof typeof keyOfTable) => ({ client, name: nameOf(name) });
    const { stage, lifetimes, ...entries } = registryData();
    const put = (Item: Item) => client.send(new PutItemCommand({ TableName: nameOf('Registry'), Item }));
    const by = { changedAt: recorded.atMs / 1000, changedBy: 'arn:fill', reason: 'first deployment' };
    for (const [entryId, entry] of entriesOf(entries)) await put(newEntryItem(entryId, entry, by));

    const time = { ms: recorded.atMs };
    const clock = { now: () => time.ms, monotonic: () => time.ms };
    const payer = wellPayer();
    const writeLog = (): void => {};
    const deps = {
      clock,
      randomBytes: (size: number): Uint8Array => randomBytes(size),
      pages: { operator: { name: 'Payer-to-payer gateway' } },
      payerHttp: payer.http,
      registry: tableRegistry({ table: table('Registry'), clock, writeLog, stage, lifetimes }),
      origin: 'http://localhost:3000',
      writeLog,
      loginAttempts: table('LoginAttempts'),
      grants: table('Grants'),
      exports: table('Exports'),
      sealForJob: jobBoxes().sealForJob,
      indexMember,
      readPayerSecret: async (id: string) =>
        id === 'northwind'
          ? { private_key_jwk: es384Jwk('northwind-local-1').privateJwk }
          : { client_secret: 'secret' },
      sleep: async (ms: number): Promise<void> => void (time.ms += ms),
      takeTurn: limiter({ lease: leaseFromTable(table('Limits')), clock }),
      breakers: payerBreakers({ limits: table('Limits'), clock }),
      ...readEventWriter(table('AuditEvents'), clock),
    };
    const handlers = {
      authorize: authorizeHandler(deps),
      callback: callbackHandler(deps),
      token: tokenHandler(deps),
      fetch: fetchHandler(deps),
    };
    return {
      payer,
      ...callsOf(handlers),
      /** The functions of version 0.1 over the same tables, as after going back. */
      version01: (): Calls => callsOf(handlersOfVersion01(deps, { client: clientOfVersion01(), nameOf }, keyed)),
      /** All items of a table as they are now, in DynamoDB's JSON. */
      itemsOf: async (name: TableName): Promise<readonly Item[]> =>
        (await client.send(new ScanCommand({ TableName: nameOf(name), ConsistentRead: true }))).Items ?? [],
      /** Replaces the stop of an entry of the registry, as a tool does. */
      stop: async (entryId: string, stop: Stop | undefined): Promise<void> => {
        const command = new UpdateItemCommand({
          TableName: nameOf('Registry'),
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
      client.destroy();
      olderClient?.destroy();
      await aws.close();
    },
  };
};

export type Upgraded = Awaited<ReturnType<Awaited<ReturnType<typeof startUpgrades>>['upgraded']>>;
