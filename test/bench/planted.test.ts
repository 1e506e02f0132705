import { readFileSync } from 'node:fs';
import { busyFor, slowed } from '../../bench/plant.ts';
import { keptTrial, namedSlower, type KeptTrial } from '../../bench/planted.ts';

const { runs } = JSON.parse(readFileSync(keptTrial, 'utf8')) as KeptTrial;
const [first, ...others] = runs;

it('of two measured runs with nothing planted, the second names no step as slower', () => {
  expect([...namedSlower(others[0]!, first!)]).toEqual([]);
});

it.each(others.flatMap((run) => (run.planted === undefined ? [] : [[run.planted.step, run.planted, run] as const])))(
  'of a measured run with work planted in %s, the report names that step and no other',
  (step, { within = [] }, run) => {
    expect([...namedSlower(run, first!)].toSorted()).toEqual([step, ...within].toSorted());
  },
);

it('what is planted takes as long as it says', () => {
  const work = busyFor(0.5);
  const taken = Array.from({ length: 100 }, () => {
    const startedAt = performance.now();
    work();
    return performance.now() - startedAt;
  });

  // The fastest: another process may have had the core in the others.
  expect(Math.min(...taken)).toBeGreaterThan(0.4);
  expect(Math.min(...taken)).toBeLessThan(1);
});

it('is planted in one function, whose answer is the same', () => {
  const answer = (_event: unknown): string => 'answer';
  const gateway = { authorize: answer, callback: answer, token: answer, fetch: answer };
  const { token, ...rest } = slowed(gateway, { to: 'token', ms: 0.01 });

  expect(token({})).toBe('answer');
  expect(token).not.toBe(answer);
  expect(Object.values(rest)).toEqual([answer, answer, answer]);
});
