import fc from 'fast-check';
import type { Rate } from '../../../../functions/shared/limits/slots.ts';
import { limitsFleet, type FleetCall } from '../../../support/limits-fleet.ts';
import { randomOf } from '../../../support/random.ts';

const fifty = { perSecond: 50, burst: 100 };
const right = (count: number): number[] => Array<number>(count).fill(0);

/** Calls to random environments at random times, this many per second on average. */
const load = (seed: number, { perSecond, seconds }: { perSecond: number; seconds: number }): FleetCall[] => {
  const draw = randomOf(seed);
  const calls: FleetCall[] = [];
  for (let atMs = 0; atMs < seconds * 1000; atMs += (-Math.log(1 - draw()) * 1000) / perSecond) {
    calls.push({ atMs, environment: Math.floor(draw() * 1000) });
  }
  return calls;
};

const run = async (fleet: ReturnType<typeof limitsFleet>, calls: readonly FleetCall[]) => {
  const taken: number[] = [];
  for (const call of calls) if ((await fleet.call(call)).taken) taken.push(call.atMs);
  return { taken, writes: fleet.writes() };
};

describe('twenty environments, offered twice the limit of 50 per second for a minute', () => {
  it.each([
    ['with right clocks', right(20)],
    ['with one clock two minutes ahead', [120_000, ...right(19)]],
    ['with half of the clocks two minutes ahead', Array.from({ length: 20 }, (_, at) => (at % 2) * 120_000)],
    ['with half of the clocks two minutes behind', Array.from({ length: 20 }, (_, at) => (at % 2) * -120_000)],
    ['with clocks all over four minutes', Array.from({ length: 20 }, (_, at) => (at - 10) * 12_000)],
  ])('%s: admit it within 10 %%, with at most 0.1 writes per read after the burst', async (_name, skewsMs) => {
    const calls = load(1, { perSecond: 100, seconds: 60 });
    const fleet = limitsFleet({ rate: fifty, skewsMs });
    const [first, later] = [calls.filter(({ atMs }) => atMs < 4000), calls.filter(({ atMs }) => atMs >= 4000)];
    const burst = await run(fleet, first);
    const after = await run(fleet, later);
    const [taken, writes] = [[...burst.taken, ...after.taken], after.writes];
    const allowed = 60 * 50 + 100;

    expect(taken.length).toBeGreaterThan(allowed * 0.9);
    expect(taken.length).toBeLessThan(allowed * 1.02);
    expect(writes / after.taken.length).toBeLessThanOrEqual(0.1);
    expect(burst.writes / burst.taken.length).toBeLessThanOrEqual(1.2);
  });

  it('serve every environment', async () => {
    const calls = load(2, { perSecond: 100, seconds: 60 });
    const fleet = limitsFleet({ rate: fifty, skewsMs: right(20) });
    const served = Array<number>(20).fill(0);
    for (const call of calls) if ((await fleet.call(call)).taken) served[call.environment % 20]! += 1;

    expect(Math.min(...served)).toBeGreaterThan(3000 / 20 / 2);
    expect(Math.max(...served)).toBeLessThan((3000 / 20) * 2);
  });
});

it.each([1, 7, 20, 150])('admit a whole burst over %i environments, and at most a tenth more', async (count) => {
  const calls = Array.from({ length: 200 }, (_, environment) => ({ atMs: 0, environment }));
  const { taken } = await run(limitsFleet({ rate: fifty, skewsMs: right(count) }), calls);

  expect(taken.length).toBeGreaterThanOrEqual(100);
  expect(taken.length).toBeLessThanOrEqual(110);
});

it('admit all of half the limit', async () => {
  const calls = load(3, { perSecond: 25, seconds: 60 });
  const { taken } = await run(limitsFleet({ rate: fifty, skewsMs: right(20) }), calls);

  expect(taken).toHaveLength(calls.length);
});

it('refuse a calm partner for at most six seconds after a flood ends', async () => {
  const fleet = limitsFleet({ rate: fifty, skewsMs: right(20) });
  await run(fleet, load(4, { perSecond: 500, seconds: 20 }));
  const calm = load(5, { perSecond: 10, seconds: 20 }).map(({ atMs, environment }) => ({
    atMs: atMs + 26_000,
    environment,
  }));
  const { taken } = await run(fleet, calm);

  expect(taken).toHaveLength(calm.length);
});

const anyRate = fc.record({
  perSecond: fc.oneof(fc.constantFrom(0.2, 1, 5, 50, 500), fc.double({ min: 0.1, max: 1000, noNaN: true })),
  // Most bursts are small enough for the calls below to be more.
  burst: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 60 }) }, fc.integer({ min: 1, max: 2000 })),
});
const anySkews = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: -150_000, max: 150_000 })), {
  minLength: 1,
  maxLength: 30,
});
const anyPauses = fc.array(
  fc.tuple(
    fc.nat(1000),
    // Long pauses between groups of calls.
    fc.oneof({ weight: 20, arbitrary: fc.nat(20) }, { weight: 4, arbitrary: fc.nat(1000) }, fc.nat(30_000)),
  ),
  { minLength: 1, maxLength: 400 },
);
const callsOf = (pauses: readonly (readonly [number, number])[]): FleetCall[] => {
  let atMs = 0;
  return pauses.map(([environment, pause]) => ({ atMs: (atMs += pause), environment }));
};
/** Runs in which nothing is refused would keep every limit. */
const expectRefusals = (refused: readonly boolean[]): void =>
  expect(refused.filter(Boolean).length).toBeGreaterThan(refused.length / 10);
/** The burst may be exceeded by a tenth. */
const allowedIn = ({ perSecond, burst }: Rate, ms: number): number =>
  burst + Math.floor(burst / 10) + (perSecond * ms) / 1000;

const twoClocksMet: [number, number][] = [
  [7, 16],
  [0, 5],
  [0, 5],
  [0, 504],
  [0, 10],
  [0, 3],
  [430, 19],
  [0, 0],
];

it('admit no more than the rate, the burst and a tenth of it, whichever is called when, and whatever its clock says', async () => {
  const refused: boolean[] = [];
  await fc.assert(
    fc.asyncProperty(anyRate, anySkews, anyPauses, async (rate, skewsMs, pauses) => {
      const { taken } = await run(limitsFleet({ rate, skewsMs }), callsOf(pauses));
      refused.push(taken.length < pauses.length);
      // Each clock is within a second of the table's: one may be behind when the first slot is taken, another ahead later.
      const slackMs = skewsMs.some((skew) => skew !== 0) ? 2000 : 0;
      for (const [index, atMs] of taken.entries()) {
        expect(index + 1).toBeLessThanOrEqual(allowedIn(rate, atMs + slackMs + 1) + 1e-6);
      }
    }),
    {
      numRuns: 150,
      // Two clocks that are 1.4 s apart.
      examples: [[{ perSecond: 0.49975, burst: 1 }, [0, 738, 0, 0, 0, 0, 0, -716, 0, 0, 0], twoClocksMet]],
    },
  );
  expectRefusals(refused);
});

it('admit in any period at most what environments can have kept in addition to the burst and the rate', async () => {
  const refused: boolean[] = [];
  await fc.assert(
    fc.asyncProperty(anyRate, anySkews, anyPauses, async (rate, skewsMs, pauses) => {
      const { taken } = await run(limitsFleet({ rate, skewsMs }), callsOf(pauses));
      refused.push(taken.length < pauses.length);
      const keptMs = 10_000 + 400 + 1000;
      for (const [first, from] of taken.entries()) {
        for (const [last, to] of taken.entries()) {
          if (last < first) continue;
          const allowed = allowedIn(rate, to - from + keptMs) + 1 + 1e-6;
          if (last - first + 1 > allowed) throw new Error(`${last - first + 1} > ${allowed}, ${from}–${to}`);
        }
      }
    }),
    { numRuns: 60 },
  );
  expectRefusals(refused);
});

it('admit anyone who waits as long as told, wherever the next call lands', async () => {
  const refused: boolean[] = [];
  await fc.assert(
    fc.asyncProperty(anyRate, anySkews, anyPauses, fc.nat(1000), async (rate, skewsMs, pauses, environment) => {
      const fleet = limitsFleet({ rate, skewsMs });
      const calls = callsOf(pauses);
      await run(fleet, calls);
      let atMs = calls.at(-1)!.atMs;
      let turn = await fleet.call({ atMs, environment });
      refused.push(!turn.taken);
      for (let tries = 0; !turn.taken && tries < 3; tries += 1) {
        atMs += turn.resetSeconds * 1000;
        turn = await fleet.call({ atMs, environment: environment + 7 * (tries + 1) });
      }
      expect(turn.taken).toBe(true);
    }),
    { numRuns: 150 },
  );
  expectRefusals(refused);
});
