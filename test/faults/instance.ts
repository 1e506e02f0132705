import { randomUUID } from 'node:crypto';
import { DynamoDBClient, GetItemCommand, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { GenerateMacCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Context } from 'aws-lambda';
import { kmsLimits } from '../../functions/shared/aws/kms-client.ts';
import type { ApiEvent } from '../../functions/shared/http/api.ts';
import { createPayerHttp } from '../../functions/shared/payer/http-client.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { payerSecretReader, secretsLimits } from '../../functions/shared/payer/secrets.ts';
import { registryOf } from '../../functions/shared/registry/registry.ts';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { dynamoLimits } from '../../functions/shared/store/dynamo.ts';
import { memberIndexer } from '../../functions/shared/store/index-member.ts';
import { depsOver, type TableName } from '../support/world/deps.ts';
import type { TableNames } from '../support/world/dynalite.ts';
import { handlersOf, invoke } from '../support/world/handlers.ts';
import { origin } from './origin.ts';
import type { Dependency } from './proxy.ts';

/** A request to one of the functions. */
export interface GatewayRequest {
  readonly function: 'authorize' | 'callback' | 'token' | 'fetch' | 'discovery';
  readonly event: ApiEvent;
}

/** What the caller saw. */
export interface GatewayAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: string;
  /** The stream was cut. */
  readonly cut: boolean;
  /** The id by which the audit knows the request. */
  readonly requestId: string;
  readonly ms: number;
}

/** Where an execution environment finds its dependencies. */
export interface Surroundings {
  readonly dependencies: string;
  /** Where DynamoDB is, if it is not behind them. */
  readonly dynamo?: string;
  readonly tables: TableNames;
  readonly registry: RegistryData;
}

/** The dependencies in the test's own process, for calls that no fault can meet: over HTTP each takes twice as long. */
export interface Near {
  /** Whether calls go there now. */
  readonly isOpen: () => boolean;
  readonly dynamo: DynamoDBClient;
  readonly secrets: SecretsManagerClient;
  readonly kms: KMSClient;
  readonly payerHttp: PayerHttp;
}

/** An execution environment of all functions, with its own clients and memory. */
export interface Instance {
  /** @throws Error if the previous call has not ended, since Lambda gives an environment one call at a time */
  readonly call: (request: GatewayRequest) => Promise<GatewayAnswer>;
  /**
   * From now on, calls to this part of AWS time out as early as in production. In other tests, a busy machine must not
   * look like a dependency that does not answer.
   */
  readonly hurry: (dependency: Dependency) => void;
  /** Opens the connections that its calls so far would have opened, had they not gone to what is near. */
  readonly warm: () => Promise<void>;
}

/** The world's time: it passes by itself, and faster while someone waits. */
export interface WorldClock {
  readonly now: () => number;
  readonly pass: (ms: number) => void;
  /** Waits, or advances the time. */
  readonly wait: (ms: number) => Promise<void>;
}

/** Long enough for a refresh at the payer and a read, and short enough to wait for. */
const streamedMs = 60_000;
const bufferedMs = 29_000;

const contextOf = (requestId: string, lastsMs: number): Context => {
  const endsAt = performance.now() + lastsMs;
  return {
    awsRequestId: requestId,
    functionName: 'test',
    getRemainingTimeInMillis: () => endsAt - performance.now(),
  } as Context;
};

/** Nobody checks the signature, but it must exist. To make a right one takes a twentieth of a call's time. */
const unsigned: Pick<DynamoDBClientConfig, 'signer'> = {
  signer: {
    sign: async (request) => {
      const authorization = 'AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host, Signature=0';
      const headers = { ...request.headers, authorization, 'x-amz-date': '20260101T000000Z' };
      return Object.assign(request, { headers });
    },
  },
};

const longMs = 60_000;
const unhurried = { requestHandler: { connectionTimeout: longMs, requestTimeout: longMs } };

/** Most environments call few services, and a client takes time to make. */
const once = <T>(make: () => T): (() => T) => {
  let made: T | undefined;
  return () => (made ??= make());
};

interface Clients<T> {
  readonly real: () => T;
  /** Without a time limit. */
  readonly long: () => T;
  /** Undefined while calls go over HTTP. */
  readonly near: () => T | undefined;
}

/** A client with no time limit until it is told to hurry; a call may also bring limits. */
const switched = <T extends DynamoDBClient | SecretsManagerClient | KMSClient>(
  { real, long, near }: Clients<T>,
  isHurried: () => boolean,
): T => {
  type Send = (command: unknown, options?: object) => unknown;
  const sendOf = (client: T): Send => (client.send as Send).bind(client);
  const send: Send = (command, options) => {
    const direct = near();
    if (direct !== undefined) return sendOf(direct)(command);
    return isHurried() ? sendOf(real())(command, options) : sendOf(long())(command);
  };
  return { send } as unknown as T;
};

const farPayer = createPayerHttp();

/** Makes an execution environment with the limits of the real one. */
export const startInstance = (
  { dependencies, dynamo = dependencies, tables, registry }: Surroundings,
  clock: WorldClock,
  near?: Near,
): Instance => {
  const aws = { region: 'eu-central-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' }, ...unsigned };
  const hurried = new Set<Dependency>();
  const dynamoWith = (limits: object): DynamoDBClient =>
    new DynamoDBClient({ ...aws, ...dynamoLimits, ...limits, endpoint: dynamo });
  const secretsWith = (limits: object): SecretsManagerClient =>
    new SecretsManagerClient({ ...aws, ...secretsLimits, ...limits, endpoint: dependencies });
  const kmsWith = (limits: object): KMSClient =>
    new KMSClient({ ...aws, ...kmsLimits, ...limits, endpoint: dependencies });
  type Service = Exclude<keyof Near, 'isOpen'>;
  /** What was called while it was near. */
  const called = new Set<Service>();
  const nearest = <Name extends Service>(name: Name, keepsConnection = true): Near[Name] | undefined => {
    if (near?.isOpen() !== true) return undefined;
    if (keepsConnection) called.add(name);
    return near[name];
  };
  const clientsOf = <T>(make: (limits: object) => T, nearOne: () => T | undefined): Clients<T> => ({
    real: once(() => make({})),
    long: once(() => make(unhurried)),
    near: nearOne,
  });
  const dynamos = clientsOf(dynamoWith, () => nearest('dynamo'));
  const client = switched(dynamos, () => hurried.has('DynamoDB'));
  const auditClient = switched(dynamos, () => hurried.has('audit'));
  const limitsClient = switched(dynamos, () => hurried.has('limits'));
  const secretsOf = clientsOf(secretsWith, () => nearest('secrets'));
  const secrets = switched(secretsOf, () => hurried.has('Secrets Manager'));
  const kmsOf = clientsOf(kmsWith, () => nearest('kms'));
  const kms = switched(kmsOf, () => hurried.has('KMS'));
  const payerHttp: PayerHttp = (input, init) => (nearest('payerHttp', init?.oneTime !== true) ?? farPayer)(input, init);
  const open: Readonly<Record<Service, () => Promise<unknown>>> = {
    dynamo: () =>
      dynamos.long().send(new GetItemCommand({ TableName: tables.Grants, Key: { grantId: { S: 'none' } } })),
    secrets: () => secretsOf.long().send(new GetSecretValueCommand({ SecretId: 'none' })),
    kms: () =>
      kmsOf
        .long()
        .send(new GenerateMacCommand({ KeyId: 'none', Message: Buffer.from('none'), MacAlgorithm: 'HMAC_SHA_256' })),
    payerHttp: async () => {
      const { body } = await farPayer(`${dependencies}/r4/metadata`);
      if (body !== null) for await (const _bytes of body);
    },
  };
  const warm = async (): Promise<void> => {
    // A secret may be missing; its connection stays open.
    await Promise.allSettled([...called].map((name) => open[name]()));
    called.clear();
  };
  const clocks = { now: clock.now, monotonic: clock.now };
  const clientOf: Partial<Record<TableName, DynamoDBClient>> = { Limits: limitsClient, AuditEvents: auditClient };
  const handlers = handlersOf(
    depsOver((table) => ({ client: clientOf[table] ?? client, name: tables[table] }), {
      clock: clocks,
      payerHttp,
      registry: registryOf(registry),
      origin,
      readPayerSecret: payerSecretReader(secrets, 'payers/', clocks),
      indexMember: memberIndexer(kms, 'member-index-key'),
      sleep: clock.wait,
    }),
  );

  const answer: Instance['call'] = async ({ function: name, event }) => {
    const requestId = randomUUID();
    const startedAt = performance.now();
    const context = contextOf(requestId, name === 'fetch' ? streamedMs : bufferedMs);
    const { error, ...seen } = await invoke(handlers, name, event, context);
    return { ...seen, cut: error !== undefined, requestId, ms: performance.now() - startedAt };
  };
  let busy = false;
  const call: Instance['call'] = async (request) => {
    if (busy) throw new Error('This execution environment has a call already');
    busy = true;
    try {
      return await answer(request);
    } finally {
      busy = false;
    }
  };
  return { call, hurry: (dependency) => void hurried.add(dependency), warm };
};
