import { paceTurns } from '../../../functions/export-job/pace.ts';
import { leaseFromMemory, leaseFromTable } from '../../../functions/shared/limits/lease-slots.ts';
import type { LeaseSlots } from '../../../functions/shared/limits/lease-slots.ts';
import { memoryDynamo } from '../../support/memory-dynamo.ts';
import { generator } from '../shared/fhir/random-documents.ts';

const rate = { perSecond: 10, burst: 1 };

/**
 * Exports that look for a turn every 75 to 150 ms, as the job does, for this many seconds of the test's clock. Returns
 * when each of them used its turns. The answer of the table takes up to `slowMs`.
 */
const share = async (answerOf: LeaseSlots, exports: number, seconds: number, slowMs = 0) => {
  let ms = Date.UTC(2026, 10, 27);
  let late = 0;
  const clock = { now: () => ms + late, monotonic: () => ms + late };
  const random = generator(7);
  const lease: LeaseSlots = async (request) => {
    const answer = await answerOf(request);
    late = slowMs === 0 ? 0 : random(slowMs);
    return answer;
  };
  const randomBytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => random(256));
  const turns = Array.from({ length: exports }, () => paceTurns({ lease, clock, randomBytes }));
  const taken = turns.map((): number[] => []);
  const looksAt = turns.map(() => ms + random(100));
  for (const endsAt = ms + seconds * 1000; ms < endsAt; ms += 1) {
    for (const [at, takeTurn] of turns.entries()) {
      if (looksAt[at]! > ms) continue;
      const { taken: isTaken } = await takeTurn('pace#payer', rate);
      if (isTaken) taken[at]!.push(ms + late);
      looksAt[at] = ms + late + 75 + random(75);
      late = 0;
    }
  }
  return taken;
};

describe('the pace of a payer', () => {
  it.each([
    [30, 60, 0, 0.6],
    [100, 120, 0, 0.7],
    [30, 60, 90, 0.6],
    // Turns that come late are given up.
    [30, 120, 300, 0.2],
  ])('is kept by %s exports for %s seconds if answers take up to %s ms', async (exports, seconds, slowMs, used) => {
    const lease = leaseFromTable({ client: memoryDynamo().client, name: 'Limits' });
    const taken = await share(lease, exports, seconds, slowMs);

    const times = taken.flat().toSorted((a, b) => a - b);
    for (const [at, time] of times.entries()) {
      expect((times[at + rate.perSecond] ?? Infinity) - time).toBeGreaterThanOrEqual(1000);
    }
    expect(times.length).toBeGreaterThan(used * seconds * rate.perSecond);
    for (const own of taken) expect(own.length).toBeGreaterThan(2);
  });

  it('is one export’s alone, if there is no other', async () => {
    const [own = []] = await share(leaseFromMemory(), 1, 10);

    expect(own.length).toBeGreaterThan(50);
    expect(own.length).toBeLessThanOrEqual(101);
  });

  it('gives up a turn that comes too late to be used', async () => {
    let ms = Date.UTC(2026, 10, 27);
    const clock = { now: () => ms, monotonic: () => ms };
    const lease = leaseFromMemory();
    const answer = async (lateMs: number): Promise<boolean> => {
      const slow: LeaseSlots = async (request) => {
        const given = await lease(request);
        ms += lateMs;
        return given;
      };
      ms += 1000;
      return (await paceTurns({ lease: slow, clock, randomBytes: () => new Uint8Array(1) })('pace#payer', rate)).taken;
    };

    expect([await answer(100), await answer(101), await answer(0)]).toEqual([true, false, true]);
  });

  it('gives no turn while the table is out of reach, and says why', async () => {
    const clock = { now: () => 0, monotonic: () => 0 };
    const lease: LeaseSlots = () => Promise.reject(Object.assign(new Error('x'), { name: 'TimeoutError' }));
    const takeTurn = paceTurns({ lease, clock, randomBytes: () => new Uint8Array(1) });

    expect(await takeTurn('pace#payer', rate)).toMatchObject({ taken: false, failure: 'TimeoutError' });
    expect((await share(lease, 3, 5)).flat()).toEqual([]);
  });
});
