import { paceTurns } from '../../../functions/export-job/job/pace.ts';
import { leaseFromMemory, leaseFromTable } from '../../../functions/shared/limits/lease-slots.ts';
import type { LeaseSlots } from '../../../functions/shared/limits/lease-slots.ts';
import { numbersFrom } from '../../fuzz/json-documents.ts';
import { memoryDynamo } from '../../support/memory-dynamo.ts';
import { simulatedTime } from '../../support/simulated-time.ts';

interface Load {
  /** The payer's pace. @default 10 */
  readonly perSecond?: number;
  readonly exports: number;
  readonly seconds: number;
  /** How long the tables take to answer, at most: the one of turns, and the one that says whether a turn is still wanted. */
  readonly slowMs?: number;
  /** How long the payer takes, and the export with its page. */
  readonly workMs?: number;
}

/** Waits for a turn that is wanted, until this time. */
const wanting = (untilAt: number) => ({ untilAt, isWanted: () => Promise.resolve(true) });

/** Exports that share a pace. Returns when each of them used its turns, and how often the table was written to. */
const share = async (
  inner: LeaseSlots,
  { perSecond = 10, exports, seconds, slowMs = 0, workMs = 100 }: Load,
): Promise<readonly (readonly number[])[]> => {
  const { now: monotonic, sleep, run } = simulatedTime();
  const clock = { now: () => Date.UTC(2026, 10, 27) + monotonic(), monotonic };
  const random = numbersFrom(7);
  const randomBytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => random(256));
  const lease: LeaseSlots = async (request) => {
    const answer = await inner(request);
    if (slowMs > 0) await sleep(random(slowMs));
    return answer;
  };
  const one = async (): Promise<readonly number[]> => {
    const waitForTurn = paceTurns({ lease, clock, sleep, randomBytes });
    const used: number[] = [];
    await sleep(random(100));
    while (monotonic() < seconds * 1000) {
      const isWanted = async (): Promise<boolean> => {
        if (slowMs > 0) await sleep(random(slowMs));
        return true;
      };
      const turn = await waitForTurn('payer', perSecond, { untilAt: monotonic() + 20_000, isWanted });
      if (turn === 'turn') used.push(monotonic());
      await sleep(workMs);
    }
    return used;
  };
  return run(Promise.all(Array.from({ length: exports }, one)));
};

const table = (): LeaseSlots => leaseFromTable({ client: memoryDynamo().client, name: 'Limits' });

/** No second has more turns than the pace allows. */
const expectPace = (used: readonly (readonly number[])[], perSecond = 10): number => {
  const times = used.flat().toSorted((a, b) => a - b);
  const paces = times.map((time, at) => (times[at + perSecond] ?? Infinity) - time);
  expect(Math.min(...paces)).toBeGreaterThanOrEqual(1000);
  return times.length;
};

/** The longest time between two turns of one export, or before its first. */
const longestGap = (own: readonly number[]): number => Math.max(...own.map((at, index) => at - (own[index - 1] ?? 0)));

describe('the pace of a payer', () => {
  it.each([
    { exports: 2, seconds: 30, workMs: 10 },
    { exports: 30, seconds: 60 },
    { exports: 100, seconds: 120 },
    { exports: 100, seconds: 120, slowMs: 90 },
  ])('is kept and used by $exports exports together, and each waits its turn', async (load) => {
    const used = await share(table(), load);

    expect(expectPace(used)).toBeGreaterThan(0.9 * load.seconds * 10);
    const fairMs = (load.exports * 1100) / 10;
    expect(Math.max(...used.map(longestGap))).toBeLessThan(1.1 * fairMs + 500);
  });

  it('is kept if the queue is longer than an export may wait, and none starves', async () => {
    // An export waits 15 seconds at most, which is 30 turns of this pace.
    const used = await share(table(), { perSecond: 2, exports: 60, seconds: 240 });

    expect(expectPace(used, 2)).toBeGreaterThan(0.9 * 240 * 2);
    expect(Math.min(...used.map((own) => own.length))).toBeGreaterThan(2);
  });

  it.each([400, 3000])('is kept and used if the table takes up to %s ms to answer', async (slowMs) => {
    const used = await share(table(), { exports: 50, seconds: 60, slowMs });

    expect(expectPace(used)).toBeGreaterThan(0.5 * 60 * 10);
  });

  it('is kept if a process is held up until its turn has passed, which it gives up', async () => {
    const { now: monotonic, sleep, run } = simulatedTime();
    const clock = { now: () => Date.UTC(2026, 10, 27) + monotonic(), monotonic };
    let heldUpMs = 101;
    const late = async (ms: number): Promise<void> => {
      await sleep(ms + heldUpMs);
      heldUpMs -= 1;
    };
    const waitForTurn = paceTurns({ lease: table(), clock, sleep: late, randomBytes: () => new Uint8Array(1) });
    const used: number[] = [];
    const two = async (): Promise<void> => {
      for (let tries = 0; tries < 2; tries += 1)
        if ((await waitForTurn('payer', 1, wanting(60_000))) === 'turn') used.push(monotonic());
    };

    await run(two());

    // The first turn is at once. The second, after 1,100 ms, is given up.
    expect(used).toEqual([0, 2300]);
  });

  it('may be one request in a minute', async () => {
    const { now: monotonic, sleep, run } = simulatedTime();
    const clock = { now: () => Date.UTC(2026, 10, 27) + monotonic(), monotonic };
    const lease = table();
    const used: number[] = [];
    const one = async (): Promise<void> => {
      const waitForTurn = paceTurns({ lease, clock, sleep, randomBytes: () => new Uint8Array(1) });
      for (let tries = 0; tries < 20; tries += 1) {
        if ((await waitForTurn('payer', 1 / 60, wanting(monotonic() + 20_000))) === 'turn') used.push(monotonic());
      }
    };

    await run(Promise.all([one(), one(), one()]));

    expect(used.length).toBeGreaterThan(3);
    for (const [at, time] of used.entries()) expect((used[at + 1] ?? Infinity) - time).toBeGreaterThanOrEqual(60_000);
  });

  it.each([
    ['one second', 0, 1000],
    ['almost two', 255, 1996.09375],
  ])('gives no turn while the table is out of reach, which is asked again after %s', async (_, byte, pauseMs) => {
    const { now: monotonic, sleep, run } = simulatedTime();
    const clock = { now: monotonic, monotonic };
    const asked: number[] = [];
    const lease: LeaseSlots = () => {
      asked.push(monotonic());
      return Promise.reject(new Error('out of reach'));
    };
    const waitForTurn = paceTurns({ lease, clock, sleep, randomBytes: () => Uint8Array.of(byte) });

    expect(await run(waitForTurn('payer', 10, wanting(10_000)))).toBe('none');
    expect(asked).toEqual(asked.map((_at, index) => index * pauseMs));
    expect(monotonic()).toBe(asked.length * pauseMs);
    expect(monotonic() - 10_000).toBeLessThan(pauseMs);
  });

  it('is asked for ahead of time if the table takes long to answer, by five seconds at most', async () => {
    const { now: monotonic, sleep, run } = simulatedTime();
    const clock = { now: () => Date.UTC(2026, 10, 27) + monotonic(), monotonic };
    const inner = table();
    const lease: LeaseSlots = async (request) => {
      const answer = await inner(request);
      await sleep(4000);
      return answer;
    };
    const waitForTurn = paceTurns({ lease, clock, sleep, randomBytes: () => new Uint8Array(1) });
    const used: number[] = [];
    const one = async (): Promise<void> => {
      for (let tries = 0; tries < 3; tries += 1)
        if ((await waitForTurn('payer', 10, wanting(60_000))) === 'turn') used.push(monotonic());
    };

    await run(one());

    // The first turn has passed when the table answers. The others come five seconds after they were asked for.
    expect(used).toEqual([9000, 14_000, 19_000]);
  });

  it('is not another payer’s: after a long queue of one, a turn of the other is given at once', async () => {
    const { now: monotonic, sleep, run } = simulatedTime();
    const clock = { now: () => Date.UTC(2026, 10, 27) + monotonic(), monotonic };
    const lease = table();
    const newEnvironment = () => paceTurns({ lease, clock, sleep, randomBytes: () => new Uint8Array(1) });
    const waitForTurn = newEnvironment();
    const usedAt = async (): Promise<number> => {
      const queue = Array.from({ length: 20 }, () => newEnvironment()('one', 1, wanting(60_000)));
      await sleep(10);
      expect(await waitForTurn('one', 1, wanting(0))).toBe('none');
      const askedAt = monotonic();
      expect(await waitForTurn('other', 0.1, wanting(60_000))).toBe('turn');
      const tookMs = monotonic() - askedAt;
      await Promise.all(queue);
      return tookMs;
    };

    expect(await run(usedAt())).toBe(0);
  });

  it('is one export’s alone, if there is no other', async () => {
    const [own = []] = await share(leaseFromMemory(), { exports: 1, seconds: 10, workMs: 20 });

    expect(own.length).toBeGreaterThan(85);
    expect(own.length).toBeLessThanOrEqual(92);
  });
});
