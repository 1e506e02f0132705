import { planRun } from '../../../functions/canary/sample.ts';

/** Unordered, like the directory's pages. */
const directory = Array.from({ length: 5000 }, (_, index) => {
  const id = `payer-${String((index * 7) % 5000).padStart(4, '0')}`;
  return { id, displayName: id };
});

describe('the payers whose facade a run checks', () => {
  const at = (number: number) => planRun(directory, { atMs: number * 300_000, most: 100, random: 0.5 });

  it('change with each run, so that fifty runs check each of 5,000 once', () => {
    const runs = Array.from({ length: 50 }, (_, number) => at(1000 + number).whole.map(({ id }) => id));

    expect(new Set(runs.flat()).size).toBe(5000);
  });

  it('are not asked twice, and no other is left out', () => {
    const { whole, endpointsOnly } = at(7);

    expect(new Set([...whole, ...endpointsOnly].map(({ id }) => id)).size).toBe(5000);
    expect(whole.length + endpointsOnly.length).toBe(5000);
  });

  it('are all of a small stage, in order in every run', () => {
    for (const count of [99, 100]) {
      const small = planRun(directory.slice(0, count), { atMs: 300_000, most: 100, random: 0.5 });

      expect(small.whole.map(({ id }) => id)).toEqual(
        directory
          .slice(0, count)
          .map(({ id }) => id)
          .toSorted(),
      );
      expect(small.endpointsOnly).toEqual([]);
    }
  });

  it('leave the others in an order that begins anywhere, so that time is never short for the same ones', () => {
    const first = (random: number) => planRun(directory, { atMs: 0, most: 100, random }).endpointsOnly[0]?.id;

    expect([first(0), first(0.5), first(0.999_999)]).toEqual(['payer-0100', 'payer-2550', 'payer-4999']);
  });
});
