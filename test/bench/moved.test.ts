import { measure, type Candidate } from '../../bench/measure.ts';
import { leastNamed, movedSince, movedText, ratiosOf } from '../../bench/moved.ts';
import { rowsOf, type Section } from '../../bench/report.ts';

/** Two rounds of each candidate, of which the gateway's take these times that of their floor. */
const measuredAt = async (name: string, times: Readonly<Record<string, number>>): Promise<Section> => {
  const rounds = (wallMs: number) => () => {
    let round = 0;
    // Some noise: 2 % from round to round.
    return async () => ({ wallMs: wallMs * (1 + 0.02 * (round += 1)), cpuMs: wallMs });
  };
  const candidates = Object.entries(times).flatMap(([of, slow]): Candidate[] => [
    { name: of, kind: 'ours', start: rounds(slow) },
    { name: `${of}'s floor`, kind: 'floor', of, start: rounds(1) },
  ]);
  const measured = await measure(candidates, { rounds: 2, operations: 1, warmUpOperations: 0 });
  return { name, what: '', rows: rowsOf(measured), missing: [], budgets: [], notes: [] };
};

it('a step that became slower is named, and no other, also in a part that has several', async () => {
  const before = await measuredAt('first-calls', { token: 1.3, fetch: 1.5 });
  const now = await measuredAt('first-calls', { token: 1.3, fetch: 1.9 });

  expect(movedText([now], { at: '2026-01-01T00:00:00Z', sections: [before] }).split('\n')).toEqual([
    '2 ratios moved by more than their quartiles since the run of 2026-01-01',
    "  slower: first-calls: fetch to fetch's floor, wall time: 1.90 [1.90–1.90], was 1.50 [1.50–1.50]",
    "  slower: first-calls: fetch to fetch's floor, CPU time: 1.90 [1.90–1.90], was 1.50 [1.50–1.50]",
  ]);
});

it('a step is named from the slowness that the report says, and not before', () => {
  const of = (times: number): Section => ({
    name: 'token',
    what: '',
    rows: [
      {
        name: 'floor',
        kind: 'floor',
        wallMs: { low: 1, median: 1, high: 1 },
        ours: { wall: { low: 1.2 * times, median: 1.3 * times, high: 1.5 * times } },
      },
    ],
    missing: [],
    budgets: [],
    notes: [],
  });
  const least = leastNamed(ratiosOf(of(1))).get('token')!;

  expect(least).toBeCloseTo(0.25);
  expect(movedSince(ratiosOf(of(1 + least + 0.01)), ratiosOf(of(1)))).toHaveLength(1);
  expect(movedSince(ratiosOf(of(1 + least - 0.01)), ratiosOf(of(1)))).toEqual([]);
});
