import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { authorizeHandler } from '../../functions/authorize/handler.ts';
import { callbackHandler } from '../../functions/callback/handler.ts';
import { readEventWriter } from '../../functions/fetch/audit-read.ts';
import { payerBreakers } from '../../functions/fetch/breaker/breakers.ts';
import { fetchHandler } from '../../functions/fetch/handler.ts';
import { leaseFromTable } from '../../functions/fetch/limits/lease-slots.ts';
import { limiter } from '../../functions/fetch/limits/limiter.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { entriesOf, newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import type { Stop } from '../../functions/shared/registry/stops.ts';
import { tableRegistry } from '../../functions/shared/registry/table-registry.ts';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import type { Item } from '../../functions/shared/store/items.ts';
import { tokenHandler } from '../../functions/token/handler.ts';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';
import { call } from '../support/gateway.ts';
import { es384Jwk, localRegistry, redirectUri } from '../support/login.ts';
import { callbackRequest, partnerRequest, readRequest, type Change } from '../support/login/requests.ts';
import { toEvent } from '../support/login/to-event.ts';
import { callStreaming } from '../support/stream-handler.ts';

/** A partner's access token and refresh token. */
export interface Pair {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** A member's browser that is at the payer. */
export interface OpenLogin {
  readonly payer: string;
  readonly state: string;
  readonly cookie: string;
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

/** The keys of today's tables. Registry and Limits are new. */
const keyOfTable = {
  LoginAttempts: 'stateHash',
  Grants: 'grantId',
  AuditEvents: 'eventId',
  Registry: 'entryId',
  Limits: 'limitId',
};

/** The key of the partner `keyed-partner` after the upgrade, beside the one that it had. */
export const partnerKey = es384Jwk('after-the-upgrade');

/** The configuration that the stage had, as the deployment fills the registry with it. */
const registryData = (): RegistryData => {
  const { partners, ...data } = localRegistry();
  const keyed = {
    clientId: 'keyed-partner',
    name: 'Keyed Partner',
    clientAuthentication: ['private_key_jwt'] as const,
    secretHashes: [],
    jwks: [recorded.held.keyed.publicJwk, partnerKey.publicJwk],
    redirectUris: [redirectUri],
  };
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

/** A payer that answers as both sandbox payers do. */
const wellPayer = () => {
  const requests: { readonly url: string; readonly form: URLSearchParams }[] = [];
  const fhir = (url: string): object => {
    const match = { search: { mode: 'match' }, resource: { resourceType: 'Patient', id: 'patient-1' } };
    const entry = /\/Patient(?:\?|$)/.test(url) ? [match] : [];
    return { resourceType: 'Bundle', type: 'searchset', total: entry.length, entry };
  };
  const http: PayerHttp = async (input, init) => {
    const url = String(input);
    requests.push({ url, form: new URLSearchParams(typeof init?.body === 'string' ? init.body : '') });
    if (url.includes('/revoke')) return new Response('');
    if (!url.includes('/token')) {
      return Response.json(fhir(url), { headers: { 'content-type': 'application/fhir+json' } });
    }
    return Response.json({
      access_token: 'payer-access-after',
      refresh_token: 'payer-refresh-after',
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'launch/patient patient/*.rs offline_access',
      patient: 'patient-1',
    });
  };
  return { http, requests };
};

/** Starts DynamoDB for the gateways below. */
export const startUpgrades = async () => {
  const aws = await startAws(0);
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new DynamoDBClient({ endpoint: aws.url, region: 'us-east-1', credentials });
  let upgrades = 0;

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
      payerHttp: payer.http,
      registry: tableRegistry({ table: table('Registry'), clock, writeLog, stage, lifetimes }),
      origin: 'http://localhost:3000',
      writeLog,
      loginAttempts: table('LoginAttempts'),
      grants: table('Grants'),
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
    const post = async (endpoint: 'token' | 'revoke' | 'introspect', form: Change, headers: Record<string, string>) => {
      const { statusCode, body } = await call(handlers.token, toEvent(partnerRequest(endpoint, form, headers)));
      return { status: statusCode, ...(body === '' ? {} : (JSON.parse(body) as Record<string, unknown>)) } as {
        readonly status: number;
        readonly access_token?: string;
        readonly refresh_token?: string;
        readonly error?: string;
        readonly active?: boolean;
      };
    };
    return {
      payer,
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
      post,
      /** The status of a search below a payer's FHIR base. */
      read: async (token: string, payerId = 'northwind'): Promise<number> => {
        const request = readRequest(payerId, 'Observation', token, { query: [['_count', '2']] });
        return (await callStreaming(handlers.fetch, toEvent(request))).statusCode;
      },
      /** The payer sends the member's browser back. @returns where the browser goes next */
      comeBack: async ({ payer: payerId, state, cookie }: OpenLogin): Promise<URL> => {
        const iss = payerId === 'northwind' ? 'http://127.0.0.1:3003' : undefined;
        const request = callbackRequest(payerId, { state, code: 'payer-code', iss }, { cookie });
        const { headers } = await call(handlers.callback, toEvent(request));
        return new URL(headers['Location'] ?? 'about:blank');
      },
    };
  };
  return {
    upgraded,
    close: async (): Promise<void> => {
      client.destroy();
      await aws.close();
    },
  };
};

export type Upgraded = Awaited<ReturnType<Awaited<ReturnType<typeof startUpgrades>>['upgraded']>>;
