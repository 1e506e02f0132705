import type { Signal } from '../../../../functions/shared/errors.ts';
import {
  embeddedMetrics,
  requestMetrics,
  type Counted,
  type Outcome,
  type Step,
} from '../../../../functions/shared/record/metrics.ts';
import { metric, metricsOf } from '../../../support/embedded-metrics.ts';

const outcomesOf: Readonly<Record<Step, readonly Outcome[]>> = {
  authorize: ['ok', 'refused', 'failed'],
  callback: ['ok', 'refused', 'failed'],
  redeem: ['ok', 'refused', 'failed'],
  refresh: ['ok', 'refused', 'failed'],
  revoke: ['ok', 'refused', 'failed'],
  introspect: ['ok', 'refused', 'failed'],
  fetch: ['ok', 'refused', 'failed'],
  discovery: ['ok', 'refused', 'failed'],
  canary: ['ok', 'failed'],
};
const allSignals = Object.keys({
  payerDown: true,
  refreshFailed: true,
  refreshRepeated: true,
  reuseDetected: true,
  auditNotWritten: true,
  secretMissing: true,
  answerTooLarge: true,
  limitsDown: true,
  breakerOpened: true,
  registryDown: true,
  registryDamaged: true,
} satisfies Record<Signal, true>) as Signal[];

/** The part of a request's log line that concerns metrics. */
const line = (counted: Counted, outcome: Outcome = 'ok'): string =>
  JSON.stringify({ ...counted, outcome, ...requestMetrics('demo', 1_780_315_200_000, counted) });

const read: Counted = { step: 'fetch', payer: 'northwind', ms: 31.5, payerMs: 20, bytes: 2048 };

describe('the metrics of a request', () => {
  it('are counted by step and outcome, and for the payer too', () => {
    expect(metric(line(read, 'refused'), 'requests')).toEqual({
      'step=fetch outcome=refused': 1,
      'payer=northwind step=fetch outcome=refused': 1,
    });
  });

  it('have its duration, its payer’s duration, and its bytes', () => {
    expect(metric(line(read), 'ms')).toEqual({ 'step=fetch': 31.5 });
    expect(metric(line(read), 'payerMs')).toEqual({ 'payer=northwind': 20 });
    expect(metric(line(read), 'bytes')).toEqual({ 'payer=northwind': 2048 });
  });

  it('count each signal over all payers and for its payer', () => {
    const text = line({ ...read, signals: ['payerDown', 'refreshFailed'] });

    expect(metric(text, 'payerDown')).toEqual({ '': 1, 'payer=northwind': 1 });
    expect(metric(text, 'refreshFailed')).toEqual({ '': 1, 'payer=northwind': 1 });
    expect(metric(line({ step: 'redeem', ms: 1, signals: ['reuseDetected'] }), 'reuseDetected')).toEqual({ '': 1 });
  });

  it('omit what is unknown: no value, no dimension', () => {
    const text = line({ step: 'authorize', ms: 1 });

    expect(metric(text, 'requests')).toEqual({ 'step=authorize outcome=ok': 1 });
    expect(metricsOf(text).map(({ name }) => name)).toEqual(['requests', 'ms']);
    expect(metricsOf(line({ ...read, payer: '' })).flatMap(({ dimensions }) => Object.keys(dimensions))).not.toContain(
      'payer',
    );
  });

  it('are only signals for a request without a step', () => {
    expect(requestMetrics('demo', 0, { ms: 1, payer: 'northwind' })).toEqual({});
    expect(metricsOf(line({ ms: 1, signals: ['secretMissing'] })).map(({ name }) => name)).toEqual(['secretMissing']);
  });

  it('are under the stage, with their units and the time', () => {
    const metrics = metricsOf(line({ ...read, signals: ['payerDown'] }));

    expect(new Set(metrics.map(({ namespace }) => namespace))).toEqual(new Set(['p2p-gateway/demo']));
    expect(Object.fromEntries(metrics.map(({ name, unit }) => [name, unit]))).toEqual({
      requests: 'Count',
      ms: 'Milliseconds',
      payerMs: 'Milliseconds',
      bytes: 'Bytes',
      payerDown: 'Count',
    });
    expect(JSON.parse(line(read))).toMatchObject({ _aws: { Timestamp: 1_780_315_200_000 } });
  });

  it('are at most 36 for a payer and 43 for the stage, which is what CloudWatch bills', () => {
    const billed = new Set<string>();
    for (const [step, outcomes] of Object.entries(outcomesOf) as [Step, Outcome[]][]) {
      for (const outcome of outcomes) {
        for (const { name, dimensions } of metricsOf(line({ ...read, step, signals: allSignals }, outcome))) {
          billed.add(JSON.stringify([name, dimensions]));
        }
      }
    }

    const ofPayer = [...billed].filter((one) => one.includes('"payer":'));
    expect(ofPayer).toHaveLength(36);
    expect(billed.size - ofPayer.length).toBe(43);
  });
});

describe('metrics of other functions', () => {
  it('need no dimension, and without a value there are none', () => {
    const counted = embeddedMetrics('demo', 7, [
      { dimensions: [[]], metrics: { written: [3, 'Count'], lagMs: [undefined, 'Milliseconds'] } },
      { dimensions: [], metrics: { nowhere: [1, 'Count'] } },
    ]);

    expect(metricsOf(JSON.stringify(counted))).toEqual([
      { namespace: 'p2p-gateway/demo', name: 'written', unit: 'Count', value: 3, dimensions: {} },
    ]);
    expect(Object.keys(counted)).toEqual(['_aws', 'written']);
  });
});
