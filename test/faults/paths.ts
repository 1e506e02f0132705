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

type Prepare = Path['prepare'];
interface Profiled {
  readonly profile: Partial<Payer>;
  readonly prepare: Prepare;
}
const withProfile = (profile: Partial<Payer>, prepare: Prepare): Profiled => ({ profile, prepare });
const pathsOf = (kind: Path['kind'], all: Readonly<Record<string, Prepare | Profiled>>): readonly Path[] =>
  Object.entries(all).map(([name, path]) =>
    Object.assign({ name, kind }, 'prepare' in path ? path : { prepare: path }),
  );

export const paths: readonly Path[] = [
  ...pathsOf('browser', {
    authorize: async (world) => ({
      request: authorizeRequest,
      use: async (sent, instance) => backWithCode(await instance.call((await comingBack(world, sent))()), instance),
    }),
    callback,
    'callback, the patient found by a search': withProfile({ patientFrom: 'search' }, callback),
    'callback, no patient found: the tokens are given back': withProfile(
      { patientFrom: 'search' },
      async (world, instance) => {
        world.payer.script('northwind', { r4: namesNoPatient });
        return callback(world, instance, {});
      },
    ),
    "callback, the payer's secret rotated": async (world, instance) => {
      await login(world, instance);
      rotateSecret(world);
      return callback(world, instance);
    },
    "callback, the payer's secret missing": async (world, instance) => {
      world.secret.value = undefined;
      return callback(world, instance, {});
    },
  }),
  ...pathsOf('OAuth', {
    redeem: async (world, instance) => {
      const code = await login(world, instance);
      return { request: () => redeemRequest(code), use: redeemed };
    },
    'redeem with private_key_jwt': async (world, instance) => {
      const code = await login(world, instance);
      return { request: () => redeemWithAssertion(code, world.clock.now()), use: redeemed };
    },
    'redeem a second time: the grant is revoked': async (world, instance) => {
      const code = await login(world, instance);
      const pair = pairOf(await instance.call(redeemRequest(code)));
      return { request: () => redeemRequest(code), pair, endsGrant: true };
    },
    refresh: async (world, instance) => {
      const pair = await connect(world, instance);
      return { request: () => refreshRequest(pair.refresh), pair, use: redeemed };
    },
    'refresh a second time, within the grace': async (world, instance) => {
      const pair = await connect(world, instance);
      const next = pairOf(await instance.call(refreshRequest(pair.refresh)));
      return { request: () => refreshRequest(pair.refresh), pair: next, use: redeemed };
    },
    'refresh a second time, after the grace: the grant is revoked': async (world, instance) => {
      const pair = await connect(world, instance);
      const next = pairOf(await instance.call(refreshRequest(pair.refresh)));
      world.clock.pass(graceSeconds * 1000);
      return { request: () => refreshRequest(pair.refresh), pair: next, endsGrant: true };
    },
    revoke: async (world, instance) => {
      const pair = await connect(world, instance);
      return { request: () => revokeRequest(pair.refresh), pair, endsGrant: true };
    },
    introspect: async (world, instance) => {
      const pair = await connect(world, instance);
      return { request: () => introspectRequest(pair.access), pair };
    },
  }),
  ...pathsOf('FHIR', {
    read: async (world, instance) => read(await connect(world, instance)),
    [refreshedEarly]: async (world, instance) => read(await connectedFor(world, instance, 40)),
    'read, the payer token expired': async (world, instance) => read(await connectedFor(world, instance, -10)),
    'read, the payer token refused: refreshed, and read again': async (world, instance) => {
      const pair = await connect(world, instance);
      world.payer.expireAccessTokens();
      return read(pair);
    },
    'read, the payer refuses to refresh: the grant ends': async (world, instance) => {
      const pair = await connectedFor(world, instance, -10);
      world.payer.forgetLogins();
      return read(pair, { endsGrant: true });
    },
    "read, the payer's token endpoint out of order": async (world, instance) => {
      const pair = await connectedFor(world, instance, -10);
      world.payer.script('northwind', { token: answer(503, {}) });
      return read(pair);
    },
    "read, the payer token refused and the payer's secret rotated": async (world, instance) => {
      const pair = await connect(world, instance);
      world.payer.expireAccessTokens();
      rotateSecret(world);
      return read(pair);
    },
    "read, the payer token expired and the payer's secret missing": async (world, instance) => {
      const pair = await connectedFor(world, instance, -10);
      world.clock.pass(300_000);
      world.secret.value = undefined;
      return read(pair);
    },
  }),
  ...pathsOf('discovery', {
    metadata: async () => ({ request: () => discoveryRequest('metadata') }),
    'smart-configuration': async () => ({ request: () => discoveryRequest('.well-known/smart-configuration') }),
  }),
];

/** Whether a read returned the record. */
export const broughtRecord = ({ status, cut, body }: GatewayAnswer): boolean =>
  status === 200 && !cut && body.includes(healthMarker);
