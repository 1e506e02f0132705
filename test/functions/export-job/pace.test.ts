import { paceTurns } from '../../../functions/export-job/pace.ts';
import { leaseFromMemory, leaseFromTable } from '../../../functions/shared/limits/lease-slots.ts';
import type { LeaseSlots } from '../../../functions/shared/limits/lease-slots.ts';
import { memoryDynamo } from '../../support/memory-dynamo.ts';
import { generator } from '../shared/fhir/random-documents.ts';

const rate = { perSecond: 10, burst: 1 };

/** Exports that look for a turn every 75 to 150 ms, as the job does, for this many seconds of the test's clock. */
const share = async (lease: LeaseSlots, exports: number, seconds: number) => {
  let ms = Date.UTC(2026, 10, 27);
  const clock = { now: () => ms, monotonic: () => ms };
  const random = generator(7);
  const randomBytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => random(256));
  const turns = Array.from({ length: exports }, () => paceTurns({ lease, clock, randomBytes }));
  const taken = turns.map((): number[] => []);
  const looksAt = turns.map(() => ms + random(100));
  for (const endsAt = ms + seconds * 1000; ms < endsAt; ms += 1) {
    for (const [at, takeTurn] of turns.entries()) {
      if (looksAt[at]! > ms) continue;
      looksAt[at] = ms + 75 + random(75);
      if ((await takeTurn('pace#payer', rate)).taken) taken[at]!.push(ms);
    }
  }
  return taken;
};

describe('the pace of a payer', () => {
  it.each([
    [30, 60],
    [100, 120],
  ])('is kept by %s exports together, and each of them gets turns, for %s seconds', async (exports, seconds) => {
    const taken = await share(leaseFromTable({ client: memoryDynamo().client, name: 'Limits' }), exports, seconds);

    const times = taken.flat().toSorted((a, b) => a - b);
    for (const [at, time] of times.entries()) {
      expect((times[at + rate.perSecond] ?? Infinity) - time).toBeGreaterThanOrEqual(1000);
    }
    expect(times.length).toBeGreaterThan(0.7 * seconds * rate.perSecond);
    for (const own of taken) expect(own.length).toBeGreaterThan(2);
  });

  it('is one export’s alone, if there is no other', async () => {
    const [own = []] = await share(leaseFromMemory(), 1, 10);

    expect(own.length).toBeGreaterThan(50);
    expect(own.length).toBeLessThanOrEqual(101);
  });

  it('gives no turn while the table is out of reach, and says why', async () => {
    const clock = { now: () => 0, monotonic: () => 0 };
    const lease: LeaseSlots = () => Promise.reject(Object.assign(new Error('x'), { name: 'TimeoutError' }));
    const takeTurn = paceTurns({ lease, clock, randomBytes: () => new Uint8Array(1) });

    expect(await takeTurn('pace#payer', rate)).toMatchObject({ taken: false, failure: 'TimeoutError' });
    expect((await share(lease, 3, 5)).flat()).toEqual([]);
  });
});
