import { atMost, type Machine, type Report } from '../../bench/report.ts';
import { lastRuns, tableText } from '../../bench/table.ts';

const machine: Machine = {
  commit: 'c0ffee',
  node: 'v24.0.0',
  system: 'linux',
  cpu: 'Some CPU',
  cores: 2,
  memoryGb: 24,
  load: 0.5,
};

const run = (at: string, value: number, change: Partial<Report> = {}): Report => ({
  at,
  quick: false,
  seconds: 1500,
  machine,
  sections: [
    {
      name: 'authorize',
      what: '',
      rows: [],
      missing: [],
      budgets: [atMost({ name: 'wall time', value, limit: 1.2, unit: ' ×' })],
      figures: [{ name: 'beside it', measured: `${value}`, value }],
      notes: [],
    },
  ],
  ...change,
});

it('the last three full runs of the machine that ran last are compared, the misses marked', () => {
  const runs = lastRuns([
    run('2026-01-05', 1.5),
    run('2026-01-01', 1),
    run('2026-01-02', 1.1),
    run('2026-01-03', 1.2, { machine: { ...machine, cpu: 'Another CPU' } }),
    run('2026-01-04', 1.3),
    run('2026-01-06', 1.6, { quick: true }),
  ]);

  expect(runs.map(({ at }) => at)).toEqual(['2026-01-02', '2026-01-04', '2026-01-05']);
  expect(tableText(runs).split('\n').slice(-4)).toEqual([
    '| what | 2026-01-02 | 2026-01-04 | 2026-01-05 | budget |',
    '| --- | --- | --- | --- | --- |',
    '| authorize: wall time | 1.10 × | **missed** 1.30 × | **missed** 1.50 × | ≤ 1.2 × |',
    '| authorize: beside it | 1.1 | 1.3 | 1.5 | none |',
  ]);
});

it('what one of the runs did not measure is a dash, and a limit that was moved is named', () => {
  const before = run('2026-01-01', 1.1, {
    sections: [
      {
        name: 'authorize',
        what: '',
        rows: [],
        missing: [{ name: 'grant', reason: 'it broke' }],
        budgets: [atMost({ name: 'wall time', value: 1.3, limit: 1.25, unit: ' ×' })],
        notes: [],
      },
    ],
  });
  const text = tableText([before, run('2026-01-02', 1.1)]);

  expect(text).toContain('| authorize: wall time | **missed** 1.30 × (≤ 1.25 ×) | 1.10 × | ≤ 1.2 × |');
  expect(text).toContain('| authorize: beside it | – | 1.1 | none |');
  expect(text).toContain('2026-01-01: authorize: grant failed: it broke');
});
