import { describeAnswer } from '../faults/answers.ts';
import { connect, readRequest, revokeRequest } from '../faults/requests.ts';
import type { World } from '../faults/world.ts';
import {
  allAtOnce,
  holdRaces,
  inFhir,
  inOAuth,
  parallel,
  patient,
  payerTokenLivesMs,
  times,
  type Contest,
} from './arena.ts';

/** Requests so far to the payer's token endpoint. */
const exchangesOf = ({ payer }: World): number => payer.requests('northwind', 'token').length;

const contests: Readonly<Record<string, Contest>> = {
  'reads with an expired payer token refresh it once, and all return the record': {
    rounds: 200,
    race: async ({ world, instances }) => {
      const { access } = await connect(world, instances[0]);
      world.clock.pass(payerTokenLivesMs + 1000);
      const before = exchangesOf(world);

      const answers = await allAtOnce(
        instances.map(patient),
        times(parallel, () => readRequest(access)),
      );

      expect(inFhir(answers)).toEqual({ '200 record': parallel });
      expect(exchangesOf(world) - before).toBe(1);
    },
  },
  'revocations against reads: a later read gets nothing, and the payer is told once': {
    rounds: 200,
    race: async ({ world, instances }) => {
      const { access, refresh } = await connect(world, instances[0]);
      const before = world.payer.revoked();
      const requests = [
        ...times(parallel / 2, () => readRequest(access)),
        ...times(parallel / 2, () => revokeRequest(refresh)),
      ];

      const answers = await allAtOnce(instances.map(patient), requests);

      expect(inOAuth(answers.slice(parallel / 2))).toEqual({ '200': parallel / 2 });
      const seen = inFhir(answers.slice(0, parallel / 2));
      expect((seen['200 record'] ?? 0) + (seen['401 `login`'] ?? 0)).toBe(parallel / 2);
      expect(describeAnswer('FHIR', await instances[0].call(readRequest(access)))).toBe('401 `login`');
      expect([world.payer.revoked() - before, world.payer.alive()]).toEqual([1, 0]);
    },
  },
  'a revocation against a refresh of payer tokens leaves none of them valid at the payer': {
    rounds: 52,
    race: async ({ world, instances }) => {
      const { access, refresh } = await connect(world, instances[0]);
      world.clock.pass(payerTokenLivesMs + 1000);
      const requests = [...times(4, () => readRequest(access)), revokeRequest(refresh)];

      const answers = await allAtOnce(instances, requests);

      expect(inOAuth(answers.slice(-1))).toEqual({ '200': 1 });
      expect(describeAnswer('FHIR', await instances[0].call(readRequest(access)))).toBe('401 `login`');
      expect(world.payer.alive()).toBe(0);
    },
  },
};

const arenas = holdRaces(contests);

describe('the holder of a lease is killed while the payer’s answer is on its way', () => {
  const leaseMs = 30_000;
  const killHolder = async (keepsRefreshTokens: boolean) => {
    const { world, instances } = await arenas().processes();
    world.payer.rotation.on = !keepsRefreshTokens;
    const [next] = instances;
    const holder = await arenas().startProcess(world);
    const { access } = await connect(world, next);
    world.clock.pass(payerTokenLivesMs + 1000);
    const beforeLease = world.clock.now();
    world.proxy.arm({ call: 'payer OAuth: POST /oauth2/token', kind: 'killed after', times: 'once' }, holder.kill);
    expect(await holder.callUntilDeath(readRequest(access))).toBeUndefined();
    world.proxy.heal();
    world.proxy.record();
    return { world, next, access, leaseEnds: beforeLease + leaseMs };
  };
  const exchanges = ({ proxy }: World) => proxy.calls().filter((call) => call.includes('/oauth2/token')).length;

  it('the holder of a lease is killed while the payer’s answer is on its way and another process waits for the end of the lease, takes over and reads the record', async () => {
    const { world, next, access, leaseEnds } = await killHolder(true);
    let exchangedAt = 0;
    world.payer.script('northwind', {
      token: (_request, usual) => {
        exchangedAt = world.clock.now();
        return usual();
      },
    });
    world.clock.pass(leaseMs - 2000);

    const answer = await next.call(readRequest(access));

    expect(describeAnswer('FHIR', answer)).toBe('200 record');
    expect(exchangedAt).toBeGreaterThanOrEqual(leaseEnds);
    expect(exchanges(world)).toBe(1);
  });

  it('the holder of a lease is killed while the payer’s answer is on its way and another process asks the member to connect again if the payer had rotated: the only grant that is lost', async () => {
    const { world, next, access } = await killHolder(false);
    world.clock.pass(leaseMs + 1000);

    expect(describeAnswer('FHIR', await next.call(readRequest(access)))).toBe('401 `login`');
    expect(exchanges(world)).toBe(1);
  });
});
