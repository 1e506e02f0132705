import { type Candidate, measure, sideBySide } from '../measure.ts';
import { startFloor } from '../recording.ts';
import { atLeast, atMost, inWords, ratios, rowsOf, seriesOf } from '../report.ts';
import { reading } from '../requests.ts';
import { quantile, spreadOf } from '../statistics.ts';
import type { Step } from './step.ts';
import { readCalls, remakeRead } from './fetch.ts';
import { startOurs } from './request-step.ts';

const width = 64;

/** Many reads at once in one process: nothing may hold the others up. */
export const parallel: Step = {
  name: 'parallel',
  run: async (world) => {
    const latencies: number[] = [];
    const candidates: Candidate[] = [
      {
        name: 'fetch',
        kind: 'ours',
        start: () => startOurs(world, 'parallel', reading, sideBySide(width, latencies)),
      },
      {
        name: 'bare proxy: the same calls',
        kind: 'floor',
        start: () => startFloor(world, reading, readCalls, remakeRead, sideBySide(width, [])),
      },
    ];
    const plan = {
      rounds: world.quick ? 4 : 10,
      operations: width * (world.quick ? 3 : 10),
      warmUpOperations: width * (world.quick ? 2 : 4),
    };
    const measured = await measure(candidates, plan);
    const throughput = spreadOf(
      ratios(seriesOf(measured, 'bare proxy: the same calls'), seriesOf(measured, 'fetch'), 'wallMs'),
    );
    const measuredLatencies = latencies.slice(plan.warmUpOperations);
    const [p50, p99] = [quantile(measuredLatencies, 0.5), quantile(measuredLatencies, 0.99)];
    return {
      name: 'parallel',
      what: `${width} reads of 2 KB at a time in one process`,
      plan: measured.plan,
      rows: rowsOf(measured),
      missing: measured.missing,
      budgets: [
        atLeast({
          name: 'throughput to a bare proxy',
          value: throughput.median,
          limit: 0.8,
          unit: ' ×',
          detail: inWords(throughput),
        }),
        atMost({
          name: 'p99 to p50',
          value: p99 / p50,
          limit: 3,
          unit: ' ×',
          detail: `${(p99 / p50).toFixed(2)} × (p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms)`,
        }),
      ],
      notes: ['One dynalite serves both, on cores that it shares: it, too, limits the throughput.'],
    };
  },
};
