import { simulateReads, type Simulated } from '../../../support/limits-simulation.ts';
import { randomOf } from '../../../support/random.ts';

/** `q` reads in `w` seconds, as the answers' headers say. */
const rates = [
  { perSecond: 1, burst: 1 },
  { perSecond: 1, burst: 20 },
  { perSecond: 10, burst: 20 },
  { perSecond: 50, burst: 100 },
  { perSecond: 500, burst: 20 },
  { perSecond: 1000, burst: 60 },
];
const fleets = [1, 2, 4, 16, 60];
const latencies = [1, 10, 25, 40];
const rests = [1000, 8000, 30_000];

const everyFleet = rates.flatMap((rate) => {
  const { perSecond, burst } = rate;
  return fleets.map((environments) => ({ perSecond, burst, environments, rate }));
});

/** All reads that the promise allows, at once, again after each rest. The environments take them in another order each time. */
const rounds = (rate: (typeof rates)[number], environments: number, latencyMs: number, restMs: number) => {
  const windowMs = Math.ceil(rate.burst / rate.perSecond) * 1000;
  // Until the last read of a round is answered. An environment serves one at a time.
  const servedMs = Math.ceil(rate.burst / environments) * latencyMs * 3;
  const arrivals = Array.from({ length: 4 * rate.burst }, (_, read) => {
    return Math.floor(read / rate.burst) * (windowMs + restMs + servedMs);
  });
  const environmentOf = (read: number): number => read + Math.floor(read / rate.burst) * 7;
  return simulateReads({ rate, environments, latencyMs, arrivals, environmentOf });
};

/** A steady load on random environments. */
const steady = (
  rate: (typeof rates)[number],
  { environments, latencyMs, share }: { environments: number; latencyMs: number; share: number },
) => {
  const draw = randomOf(environments * 100 + latencyMs);
  const everyMs = 1000 / (rate.perSecond * share);
  const arrivals = Array.from({ length: Math.min(1500, rate.burst * 8) }, (_, read) => read * everyMs);
  return simulateReads({
    rate,
    environments,
    latencyMs,
    arrivals,
    environmentOf: () => Math.floor(draw() * environments),
  });
};

const sum = (runs: readonly Simulated[]): Simulated =>
  runs.reduce((all, run) => ({
    admitted: all.admitted + run.admitted,
    refused: all.refused + run.refused,
    writes: all.writes + run.writes,
    leases: all.leases + run.leases,
    endedMs: all.endedMs + run.endedMs,
  }));

describe('a limit, asked by environments whose calls to the table take time,', () => {
  it.each(everyFleet)(
    'refuses none of $burst reads at once after each rest, nor a steady load just below $perSecond per second, in $environments environments',
    async ({ rate, environments }) => {
      const runs: Simulated[] = [];
      for (const latencyMs of latencies) {
        for (const restMs of rests) runs.push(await rounds(rate, environments, latencyMs, restMs));
        runs.push(await steady(rate, { environments, latencyMs, share: 0.95 }));
      }

      const { refused, admitted, leases } = sum(runs);
      expect(admitted).toBeGreaterThan(latencies.length * rests.length * 4 * rate.burst);
      expect(refused).toBe(0);
      expect(leases).toBeLessThanOrEqual(admitted);
    },
  );

  it.each(everyFleet)(
    'admits at most a tenth more than $burst and $perSecond per second if twice as much is offered to $environments environments',
    async ({ rate, environments }) => {
      for (const latencyMs of latencies) {
        const { admitted, endedMs } = await steady(rate, { environments, latencyMs, share: 2 });
        expect(admitted).toBeLessThanOrEqual(1.1 * (rate.burst + (rate.perSecond * endedMs) / 1000));
      }
    },
  );

  it.each([
    [1, 0.11],
    [2, 0.2],
    [4, 0.2],
  ])(
    'is written at most so often while %i environments serve almost half of the limit: %d times a read',
    async (environments, most) => {
      const rate = { perSecond: 50, burst: 100 };
      for (const latencyMs of latencies) {
        const { admitted, refused, writes } = await steady(rate, { environments, latencyMs, share: 0.45 });
        expect(refused).toBe(0);
        expect(writes / admitted).toBeLessThanOrEqual(most);
      }
    },
  );
});
