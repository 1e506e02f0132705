import { createHash, randomBytes } from 'node:crypto';
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { codeWrapKey, readAccessToken, readCode, readRefreshToken } from '../../functions/shared/store/bearers.ts';
import { sealIvBytes, unseal } from '../../functions/shared/store/crypto.ts';
import {
  readGrant,
  sealPayerTokens,
  unsealPayerTokens,
  type BoundGrant,
  type Grant,
} from '../../functions/shared/store/grant-item.ts';
import { readEventItem } from '../../functions/shared/store/read-events.ts';

/** The tables as an operator sees them. A test moves time by changing an item, as no function would. */
export interface Store {
  /** The grant of any of our bearers. */
  readonly grant: (bearer: string) => Promise<Readonly<Record<string, AttributeValue>>>;
  /** Sets numbers of a grant's item, and binds its payer tokens to them as if it had been written so. Epoch seconds. */
  readonly setGrant: (bearer: string, numbers: Readonly<Record<string, number>>) => Promise<void>;
  /** Sets numbers of a login attempt's item, by the gateway's state. Epoch seconds. */
  readonly setLoginAttempt: (state: string, numbers: Readonly<Record<string, number>>) => Promise<void>;
  /** Sets numbers of the export whose grant has this bearer token. Epoch seconds. */
  readonly setExport: (bearer: string, numbers: Readonly<Record<string, number>>) => Promise<void>;
  /** Says that every turn of a payer's pace is taken up to this time. Epoch milliseconds. */
  readonly setPace: (payer: string, takenUntilMs: number) => Promise<void>;
  /** Stops a partner or a payer by its entry's id, or ends that. */
  readonly setStop: (entryId: string, holds: boolean) => Promise<void>;
  /** Adds a read that was opened at this time by a process that died. Epoch milliseconds. */
  readonly leaveReadOpen: (requestId: string, atMs: number) => Promise<void>;
  readonly countLoginAttempts: () => Promise<number>;
  /** Everything that is stored, with binary attributes in every spelling that could reveal their content. */
  readonly dump: () => Promise<string>;
  readonly close: () => Promise<void>;
}

/** The grant id at the start of every bearer. */
const grantIdOf = (bearer: string): string =>
  Buffer.from(bearer.replace(/^p2p[acr]_/, ''), 'base64url')
    .subarray(0, 16)
    .toString('base64url');

const grantKeyOf = (bearer: string, { grantId, wrappedKey }: Grant): Uint8Array => {
  const code = readCode(bearer);
  if (code !== undefined) return unseal(codeWrapKey(code), wrappedKey!, grantId);
  return (readAccessToken(bearer) ?? readRefreshToken(bearer))!.grantKey;
};

/** Seals a grant's payer tokens again, bound to the grant as it is with these numbers. */
const boundAnew = (bearer: string, grant: Grant, numbers: Partial<BoundGrant>): Uint8Array => {
  const grantKey = grantKeyOf(bearer, grant);
  const bound = { grant: { ...grant, ...numbers }, grantKey, iv: randomBytes(sealIvBytes) };
  return sealPayerTokens(unsealPayerTokens(grant, grantKey), bound);
};

const readable = (_key: string, value: unknown): unknown => {
  if (!(value instanceof Uint8Array)) return value;
  const bytes = Buffer.from(value);
  return [bytes.toString('utf8'), bytes.toString('base64'), bytes.toString('base64url')];
};

/** Opens the tables at an endpoint. */
export const openStoreAt = (endpoint: string, tables: Readonly<Record<string, string>>): Store =>
  openStore(
    new DynamoDBClient({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    }),
    tables,
  );

/** Opens the tables that a client reaches. */
export const openStore = (client: DynamoDBClient, tables: Readonly<Record<string, string>>): Store => {
  const set = async (
    table: string,
    key: Record<string, AttributeValue>,
    numbers: Readonly<Record<string, number>>,
    others: Readonly<Record<string, AttributeValue>> = {},
  ) => {
    const asStored = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, { N: String(value) }]));
    const columns = Object.entries({ ...asStored, ...others });
    await client.send(
      new UpdateItemCommand({
        TableName: tables[table],
        Key: key,
        UpdateExpression: `SET ${columns.map(([name]) => `${name} = :${name}`).join(', ')}`,
        ExpressionAttributeValues: Object.fromEntries(columns.map(([name, value]) => [`:${name}`, value])),
      }),
    );
  };
  const scan = async (table: string | undefined) => {
    const { Items } = await client.send(new ScanCommand({ TableName: table, ConsistentRead: true }));
    return Items ?? [];
  };
  const grantOf = async (bearer: string) => {
    const key = { grantId: { S: grantIdOf(bearer) } };
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tables['grants'], Key: key, ConsistentRead: true }),
    );
    if (Item === undefined) throw new Error('no such grant');
    return Item;
  };
  return {
    grant: grantOf,
    setGrant: async (bearer, numbers) => {
      const bound = boundAnew(bearer, readGrant(await grantOf(bearer)), numbers);
      await set('grants', { grantId: { S: grantIdOf(bearer) } }, numbers, { sealedPayerTokens: { B: bound } });
    },
    setLoginAttempt: (state, numbers) =>
      set('loginAttempts', { stateHash: { S: createHash('sha256').update(state).digest('base64url') } }, numbers),
    setExport: (bearer, numbers) => set('exports', { grantId: { S: grantIdOf(bearer) } }, numbers),
    setPace: (payer, takenUntilMs) => set('limits', { limitId: { S: `pace#${payer}` } }, { takenUntilMs }),
    setStop: async (entryId, holds) => {
      const stop = { M: { at: { N: '1' }, by: { S: 'arn:operator' }, reason: { S: 'conformance' } } };
      await client.send(
        new UpdateItemCommand({
          TableName: tables['registry'],
          Key: { entryId: { S: entryId } },
          UpdateExpression: holds ? 'SET stop = :stop ADD version :one' : 'REMOVE stop ADD version :one',
          ConditionExpression: 'attribute_exists(entryId)',
          ExpressionAttributeValues: { ':one': { N: '1' }, ...(holds ? { ':stop': stop } : {}) },
        }),
      );
    },
    leaveReadOpen: async (requestId, atMs) => {
      const known = {
        requestId,
        grantId: 'grant',
        partner: 'portal',
        payer: 'clear-health',
        interaction: 'read Patient',
      };
      const Item = readEventItem({ type: 'opened', atMs, ...known });
      await client.send(new PutItemCommand({ TableName: tables['auditEvents'], Item }));
    },
    countLoginAttempts: async () => (await scan(tables['loginAttempts'])).length,
    dump: async () => JSON.stringify(await Promise.all(Object.values(tables).map(scan)), readable),
    close: async () => client.destroy(),
  };
};
