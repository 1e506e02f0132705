import { measure, type Candidate, type Kind } from '../../bench/measure.ts';
import { footText, hasFailed, type Section } from '../../bench/report.ts';

it('floors and peers are warmed and measured by as many operations as the gateway', async () => {
  const made = new Map<Kind, number[]>();
  const counting = (kind: Kind): Candidate => ({
    name: kind,
    kind,
    start: () => async (operations) => {
      made.set(kind, [...(made.get(kind) ?? []), operations]);
      return { wallMs: 1, cpuMs: 1 };
    },
  });
  const plan = { rounds: 4, operations: 20, warmUpOperations: 3000 };
  const { series } = await measure((['ours', 'floor', 'peer'] as const).map(counting), plan);

  const sum = (values: readonly number[] = []): number => values.reduce((total, value) => total + value, 0);
  const warming = (kind: Kind): number => sum(made.get(kind)?.slice(0, -plan.rounds));
  expect([warming('ours'), warming('floor'), warming('peer')]).toEqual([3000, 3000, 3000]);
  expect([...made.values()].map((rounds) => rounds.slice(-plan.rounds))).toEqual([
    [20, 20, 20, 20],
    [20, 20, 20, 20],
    [20, 20, 20, 20],
  ]);
  expect(series.map(({ samples }) => samples.length)).toEqual([4, 4, 4]);
});

describe('a peer that fails is named, and makes the run red,', () => {
  const broken = () => Promise.reject(new Error('it broke'));
  const works = async () => ({ wallMs: 1, cpuMs: 1 });
  it.each([
    ['when it starts', broken],
    ['when it is warmed', async () => broken],
    ['in a round', async () => async (operations: number) => (operations === 1 ? broken() : works())],
  ])('%s', async (_when, start) => {
    const { series, missing } = await measure(
      [
        { name: 'authorize', kind: 'ours', start: () => works },
        { name: 'grant', kind: 'peer', start },
      ],
      { rounds: 2, operations: 1, warmUpOperations: 2 },
    );
    const section: Section = { name: 'authorize', what: '', rows: [], missing, budgets: [], notes: [] };

    expect(series.map(({ name }) => name)).toEqual(['authorize']);
    expect(footText({ sections: [section], seconds: 1 })).toContain('✗ authorize: grant failed: Error: it broke');
    expect(hasFailed([section])).toBe(true);
    expect(hasFailed([{ ...section, missing: [] }])).toBe(false);
  });
});
