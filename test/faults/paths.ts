import type { Payer } from '../../functions/shared/registry/types.ts';
import { answer } from '../support/payer/answers.ts';
import type { GatewayAnswer, GatewayRequest, Instance } from './instance.ts';
import { healthMarker, namesNoPatient } from './payer.ts';
import {
  authorizeRequest,
  comingBack,
  connect,
  discoveryRequest,
  introspectRequest,
  login,
  pairOf,
  readRequest,
  redeemRequest,
  redeemWithAssertion,
  refreshRequest,
  revokeRequest,
  sentOn,
  startLogin,
  type Pair,
} from './requests.ts';
import type { World } from './world.ts';

/** A request that is about to be made, and what it depends on. */
export interface Prepared {
  /** Made again for each attempt. */
  readonly request: () => GatewayRequest | Promise<GatewayRequest>;
  /** A grant that existed before. */
  readonly pair?: Pair;
  /** Whether the request should end that grant. */
  readonly endsGrant?: boolean;
  /** Turns the content of a good answer into a pair. */
  readonly use?: (answer: GatewayAnswer, instance: Instance) => Promise<Pair>;
}

/** One path through a function. */
export interface Path {
  readonly name: string;
  readonly kind: 'browser' | 'OAuth' | 'FHIR' | 'discovery';
  /** What the payer's profile changes. */
  readonly profile?: Partial<Payer>;
  /** Everything before the request. The instance is the one that will receive the request. */
  readonly prepare: (world: World, instance: Instance) => Promise<Prepared>;
}

const redeemed = async (redeemAnswer: GatewayAnswer): Promise<Pair> => pairOf(redeemAnswer);
const backWithCode = async (callbackAnswer: GatewayAnswer, { call }: Instance): Promise<Pair> =>
  pairOf(await call(redeemRequest(sentOn(callbackAnswer).get('code') ?? '')));

const callback = async (
  world: World,
  instance: Instance,
  change: Partial<Prepared> = { use: backWithCode },
): Promise<Prepared> => ({ request: await startLogin(world, instance), ...change });

const read = (pair: Pair, change: Partial<Prepared> = {}): Prepared => ({
  request: () => readRequest(pair.access),
  pair,
  ...change,
});

/** A pair whose payer token expires in this many seconds. Payer tokens live 300 s. */
const connectedFor = async (world: World, instance: Instance, leftSeconds: number): Promise<Pair> => {
  const pair = await connect(world, instance);
  world.clock.pass((300 - leftSeconds) * 1000);
  return pair;
};

const rotateSecret = ({ payer, secret }: World): void => {
  payer.takes('payer-secret-2');
  secret.value = 'payer-secret-2';
};

export const refreshedEarly = 'read, the payer token refreshed early';

/** After the grace period, the refresh token before the current one is a reuse. */
const graceSeconds = 61;

export const paths: readonly Path[] = [
  {
    name: 'authorize',
    kind: 'browser',
    prepare: async (world) => ({
      request: authorizeRequest,
      use: async (sent, instance) => backWithCode(await instance.call((await comingBack(world, sent))()), instance),
    }),
  },
  { name: 'callback', kind: 'browser', prepare: callback },
  {
    name: 'callback, the patient found by a search',
    kind: 'browser',
    profile: { patientFrom: 'search' },
    prepare: callback,
  },
  {
    name: 'callback, no patient found: the tokens are given back',
    kind: 'browser',
    profile: { patientFrom: 'search' },
    prepare: async (world, instance) => {
      world.payer.script('northwind', { r4: namesNoPatient });
      return callback(world, instance, {});
    },
  },
  {
    name: "callback, the payer's secret rotated",
    kind: 'browser',
    prepare: async (world, instance) => {
      await login(world, instance);
      rotateSecret(world);
      return callback(world, instance);
    },
  },
  {
    name: "callback, the payer's secret missing",
    kind: 'browser',
    prepare: async (world, instance) => {
      world.secret.value = undefined;
      return callback(world, instance, {});
    },
  },
  {
    name: 'redeem',
    kind: 'OAuth',
    prepare: async (world, instance) => {
      const code = await login(world, instance);
      return { request: () => redeemRequest(code), use: redeemed };
    },
  },
  {
    name: 'redeem with private_key_jwt',
    kind: 'OAuth',
    prepare: async (world, instance) => {
      const code = await login(world, instance);
      return { request: () => redeemWithAssertion(code, world.clock.now()), use: redeemed };
    },
  },
  {
    name: 'redeem a second time: the grant is revoked',
    kind: 'OAuth',
    prepare: async (world, instance) => {
      const code = await login(world, instance);
      const pair = pairOf(await instance.call(redeemRequest(code)));
      return { request: () => redeemRequest(code), pair, endsGrant: true };
    },
  },
  {
    name: 'refresh',
    kind: 'OAuth',
    prepare: async (world, instance) => {
      const pair = await connect(world, instance);
      return { request: () => refreshRequest(pair.refresh), pair, use: redeemed };
    },
  },
  {
    name: 'refresh a second time, within the grace',
    kind: 'OAuth',
    prepare: async (world, instance) => {
      const pair = await connect(world, instance);
      const next = pairOf(await instance.call(refreshRequest(pair.refresh)));
      return { request: () => refreshRequest(pair.refresh), pair: next, use: redeemed };
    },
  },
  {
    name: 'refresh a second time, after the grace: the grant is revoked',
    kind: 'OAuth',
    prepare: async (world, instance) => {
      const pair = await connect(world, instance);
      const next = pairOf(await instance.call(refreshRequest(pair.refresh)));
      world.clock.pass(graceSeconds * 1000);
      return { request: () => refreshRequest(pair.refresh), pair: next, endsGrant: true };
    },
  },
  {
    name: 'revoke',
    kind: 'OAuth',
    prepare: async (world, instance) => {
      const pair = await connect(world, instance);
      return { request: () => revokeRequest(pair.refresh), pair, endsGrant: true };
    },
  },
  {
    name: 'introspect',
    kind: 'OAuth',
    prepare: async (world, instance) => {
      const pair = await connect(world, instance);
      return { request: () => introspectRequest(pair.access), pair };
    },
  },
  { name: 'read', kind: 'FHIR', prepare: async (world, instance) => read(await connect(world, instance)) },
  {
    name: refreshedEarly,
    kind: 'FHIR',
    prepare: async (world, instance) => read(await connectedFor(world, instance, 40)),
  },
  {
    name: 'read, the payer token expired',
    kind: 'FHIR',
    prepare: async (world, instance) => read(await connectedFor(world, instance, -10)),
  },
  {
    name: 'read, the payer token refused: refreshed, and read again',
    kind: 'FHIR',
    prepare: async (world, instance) => {
      const pair = await connect(world, instance);
      world.payer.expireAccessTokens();
      return read(pair);
    },
  },
  {
    name: 'read, the payer refuses to refresh: the grant ends',
    kind: 'FHIR',
    prepare: async (world, instance) => {
      const pair = await connectedFor(world, instance, -10);
      world.payer.forgetLogins();
      return read(pair, { endsGrant: true });
    },
  },
  {
    name: "read, the payer's token endpoint out of order",
    kind: 'FHIR',
    prepare: async (world, instance) => {
      const pair = await connectedFor(world, instance, -10);
      world.payer.script('northwind', { token: answer(503, {}) });
      return read(pair);
    },
  },
  {
    name: "read, the payer token refused and the payer's secret rotated",
    kind: 'FHIR',
    prepare: async (world, instance) => {
      const pair = await connect(world, instance);
      world.payer.expireAccessTokens();
      rotateSecret(world);
      return read(pair);
    },
  },
  {
    name: "read, the payer token expired and the payer's secret missing",
    kind: 'FHIR',
    prepare: async (world, instance) => {
      const pair = await connectedFor(world, instance, -10);
      world.clock.pass(300_000);
      world.secret.value = undefined;
      return read(pair);
    },
  },
  {
    name: 'metadata',
    kind: 'discovery',
    prepare: async () => ({ request: () => discoveryRequest('metadata') }),
  },
  {
    name: 'smart-configuration',
    kind: 'discovery',
    prepare: async () => ({ request: () => discoveryRequest('.well-known/smart-configuration') }),
  },
];

/** Whether a read returned the record. */
export const broughtRecord = ({ status, cut, body }: GatewayAnswer): boolean =>
  status === 200 && !cut && body.includes(healthMarker);
