import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { GenerateMacCommandInput, KMSClient } from '@aws-sdk/client-kms';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { localRegistry, withPartner, withPayer } from '../support/login.ts';
import { payerHttpOf } from '../support/payer/in-process.ts';
import type { Dynamo } from '../support/world/dynalite.ts';
import { startInstance, type Instance, type Near, type Surroundings, type WorldClock } from './instance.ts';
import { origin } from './origin.ts';
import { worldPayer, type WorldPayer } from './payer.ts';
import { startProxy, type Proxy } from './proxy.ts';
import { partnerKey } from './requests.ts';

/** A gateway's dependencies, all behind one proxy, and used by no other world. */
export interface World {
  readonly proxy: Proxy;
  readonly payer: WorldPayer;
  /** What Secrets Manager has for the payer; undefined if there is no value yet. */
  readonly secret: { value: string | undefined };
  readonly clock: WorldClock;
  readonly surroundings: Surroundings;
  /** A new execution environment. */
  readonly instance: () => Instance;
  readonly dynamo: Dynamo;
  /** Ends every fault of this world. */
  readonly mend: () => void;
  readonly close: () => Promise<void>;
}

/** A clock that runs by itself, and jumps when a single caller waits; `together`, callers really wait. */
const worldClock = (together: boolean): WorldClock => {
  let passedMs = 0;
  const wait = async (ms: number): Promise<void> => {
    if (!together) passedMs += ms;
    await sleep(together ? ms : 2);
  };
  return { now: () => Date.now() + passedMs, pass: (ms) => void (passedMs += ms), wait };
};

/**
 * A million turns of a hundred seconds each. Concurrent callers ask a fresh limit for the same turn, and a limit
 * rightly refuses an environment that tried three times and was each time more than a turn late.
 */
const unlimitedTogether = { perSecond: 0.01, burst: 1_000_000 };

/** Checked once, since the worlds differ only in a payer's addresses. */
const local = localRegistry();

const registryFor = (proxy: string, change: Parameters<typeof withPayer>[1], together: boolean): RegistryData =>
  withPartner('demo-partner', {
    clientAuthentication: ['client_secret_basic', 'private_key_jwt'],
    jwks: [partnerKey.publicJwk],
    // More than any world needs, so that no refusal comes from the rate limit.
    rate: together ? unlimitedTogether : { perSecond: 10_000, burst: 10_000 },
  })(
    withPayer('northwind', {
      clientAuthentication: 'client_secret_post',
      sendsIss: false,
      authorizationEndpoint: `${proxy}/oauth2/authorize`,
      tokenEndpoint: `${proxy}/oauth2/token`,
      revocationEndpoint: `${proxy}/oauth2/revoke`,
      fhirBaseUrl: `${proxy}/r4`,
      ...change,
    })(local),
  );

/** How a world differs from the usual one. */
interface WorldOptions {
  /** The payer's profile. */
  readonly profile?: Parameters<typeof withPayer>[1] | undefined;
  /** Many concurrent requests: they wait for each other, and reach DynamoDB without the proxy. */
  readonly together?: boolean;
  /** Where calls of the environments in this process begin and end in a random order. */
  readonly shuffled?: Shuffled;
}

/** A DynamoDB in memory, and what each call of the payer waits for before it begins and before it ends. */
export interface Shuffled {
  readonly dynamo: DynamoDBClient;
  readonly wait: () => Promise<void>;
}

const awsJson = { 'content-type': 'application/x-amz-json-1.1' };

/** The index of a member in this world. @param message in base64 */
const macOf = (message: string): Buffer => createHash('sha256').update(message).digest();

/** What the environments of this process find without HTTP: in a world that shuffles always, in others while nothing is watched. */
const nearIn = (
  dynamo: Dynamo,
  { proxy, payer, secret }: Pick<World, 'proxy' | 'payer' | 'secret'>,
  shuffled: Shuffled | undefined,
): Near => {
  const payerHttp = payerHttpOf(payer);
  const secrets = {
    send: async () => {
      const { value } = secret;
      if (value === undefined) throw Object.assign(new Error('no value'), { name: 'ResourceNotFoundException' });
      return { SecretString: JSON.stringify({ client_secret: value }) };
    },
  } as unknown as SecretsManagerClient;
  const kms = {
    send: async ({ input: { Message = new Uint8Array() } }: { readonly input: Partial<GenerateMacCommandInput> }) => ({
      Mac: macOf(Buffer.from(Message).toString('base64')),
    }),
  } as unknown as KMSClient;
  if (shuffled === undefined) {
    return { isOpen: () => !proxy.isWatched(), dynamo: dynamo.client, secrets, kms, payerHttp };
  }
  const { wait } = shuffled;
  return {
    isOpen: () => true,
    dynamo: shuffled.dynamo,
    secrets,
    kms,
    payerHttp: async (input, init) => {
      await wait();
      const answer = await payerHttp(input, init);
      await wait();
      return answer;
    },
  };
};

/** Makes a world. */
export const startWorld = async (
  dynamo: Dynamo,
  { profile = {}, together = false, shuffled }: WorldOptions = {},
): Promise<World> => {
  const tables = await dynamo.createTables();
  const secret: World['secret'] = { value: undefined };
  const made: { payer?: WorldPayer } = {};
  const proxy = await startProxy(({ dependency, method, path, headers, body }) => {
    if (dependency === 'Secrets Manager') {
      const { value } = secret;
      const answer =
        value === undefined
          ? { status: 400, text: { __type: 'ResourceNotFoundException' } }
          : { status: 200, text: { SecretString: JSON.stringify({ client_secret: value }) } };
      return { status: answer.status, headers: awsJson, body: Buffer.from(JSON.stringify(answer.text)) };
    }
    if (dependency === 'KMS') {
      const { Message = '' } = JSON.parse(body.toString()) as { Message?: string };
      const text = { Mac: macOf(Message).toString('base64') };
      return { status: 200, headers: awsJson, body: Buffer.from(JSON.stringify(text)) };
    }
    if (dependency === 'payer OAuth' || dependency === 'payer FHIR') {
      return made.payer!.answer(new URL(proxy.url + path), {
        method: method as 'GET' | 'POST',
        headers,
        body: body.toString(),
      });
    }
    const { 'x-amz-target': target = '', authorization = '', 'x-amz-date': date = '' } = headers;
    const length = String(body.length);
    const sent = { 'x-amz-target': target, authorization, 'x-amz-date': date, 'content-length': length };
    return dynamo.forward(body, { ...sent, 'content-type': headers['content-type'] ?? '' });
  });
  const clock = worldClock(together);
  const registry = registryFor(proxy.url, profile, together);
  const northwind = registry.payers.find(({ id }) => id === 'northwind')!;
  const payer = worldPayer(origin, northwind, clock.now);
  made.payer = payer;
  const mend = (): void => {
    proxy.heal();
    secret.value = payer.secret();
    payer.reset();
  };
  mend();
  const surroundings = {
    dependencies: proxy.url,
    tables,
    registry,
    ...(together ? { dynamo: dynamo.url } : {}),
  };
  // What runs together is to meet in DynamoDB over HTTP.
  const near = together && shuffled === undefined ? undefined : nearIn(dynamo, { proxy, payer, secret }, shuffled);
  const instance = (): Instance => startInstance(surroundings, clock, near);
  return { proxy, payer, secret, clock, surroundings, instance, dynamo, mend, close: proxy.close };
};
