import { nodeOptionsOf } from '../bundles.ts';
import { startFleet } from '../fleet.ts';
import { measure, type Candidate } from '../measure.ts';
import { atLeast, atMost, inWords, ratios, rowsOf, seriesOf } from '../report.ts';
import { quantile, spreadOf } from '../statistics.ts';
import type { Step } from './step.ts';

/** Concurrent processes. On a machine with few cores, more would only wait. */
const width = 8;
const floor = 'bare proxy: the same calls';

/** Many reads at once, each in its own environment, as in Lambda. None may delay the others. */
export const parallel: Step = {
  name: 'parallel',
  run: async (world) => {
    const latencies: number[][] = [];
    const alike = { width, nodeOptions: await nodeOptionsOf(world, 'fetch') };
    const candidates: Candidate[] = [
      { name: 'fetch', kind: 'ours', start: () => startFleet(world, 'ours', { ...alike, latencies }) },
      { name: floor, kind: 'floor', start: () => startFleet(world, 'floor', { ...alike, latencies: [] }) },
    ];
    const plan = {
      rounds: world.quick ? 1 : 10,
      operations: width * (world.quick ? 2 : 40),
      warmUpOperations: width * (world.quick ? 1 : 1000),
    };
    const measured = await measure(candidates, plan);
    const throughput = spreadOf(ratios(seriesOf(measured, floor), seriesOf(measured, 'fetch'), 'wallMs'));
    // The rounds before these warmed the processes.
    const measuredLatencies = latencies.slice(-plan.rounds).flat();
    const [p50, p99] = [quantile(measuredLatencies, 0.5), quantile(measuredLatencies, 0.99)];
    return {
      name: 'parallel',
      what: `reads of 2 KB in ${width} concurrent processes, each with one call at a time`,
      plan: measured.plan,
      rows: rowsOf(measured),
      missing: measured.missing,
      budgets: [
        atLeast({
          name: 'throughput to a bare proxy',
          value: throughput.median,
          limit: 0.75,
          aim: 0.85,
          unit: ' ×',
          detail: inWords(throughput),
        }),
        atMost({
          name: 'p99 to p50',
          value: p99 / p50,
          limit: 4,
          unit: ' ×',
          detail: `${(p99 / p50).toFixed(2)} × (p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms)`,
        }),
      ],
      notes: ['One dynalite and one payer serve both, on the same cores, and also limit the throughput.'],
    };
  },
};
