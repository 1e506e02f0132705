import { stageCounts } from '../../../../bin/cost/fixed.ts';
import type { Signal } from '../../../../functions/shared/errors.ts';
import {
  embeddedMetrics,
  requestMetrics,
  type Counted,
  type Outcome,
  type Step,
} from '../../../../functions/shared/metrics/metrics.ts';
import { metric, metricsOf } from '../../../support/embedded-metrics.ts';

const outcomesOf: Readonly<Record<Step, readonly Outcome[]>> = {
  authorize: ['ok', 'refused', 'failed'],
  callback: ['ok', 'refused', 'failed'],
  connections: ['ok', 'refused', 'failed'],
  redeem: ['ok', 'refused', 'failed'],
  refresh: ['ok', 'refused', 'failed'],
  identity: ['ok', 'refused', 'failed'],
  system: ['ok', 'refused', 'failed'],
  revoke: ['ok', 'refused', 'failed'],
  introspect: ['ok', 'refused', 'failed'],
  fetch: ['ok', 'refused', 'failed'],
  export: ['ok', 'refused', 'failed'],
  discovery: ['ok', 'refused', 'failed'],
  canary: ['ok', 'failed'],
};
const allSignals = Object.keys({
  payerDown: true,
  payerDrift: true,
  refreshFailed: true,
  refreshRepeated: true,
  reuseDetected: true,
  auditNotWritten: true,
  secretMissing: true,
  codeRefused: true,
  auditTimesDiffer: true,
  answerTooLarge: true,
  limitsDown: true,
  breakerOpened: true,
  registryDown: true,
  registryDamaged: true,
  exportFailed: true,
  exportWaiting: true,
  deliveryFailed: true,
} satisfies Record<Signal, true>) as Signal[];

/** The part of a request's log line that concerns metrics. */
const line = (counted: Omit<Counted, 'outcome'>, outcome: Outcome = 'ok'): string =>
  JSON.stringify({ ...counted, outcome, ...requestMetrics('demo', 1_780_315_200_000, { ...counted, outcome }) });

const read = { step: 'fetch', payer: 'northwind', ms: 31.5, payerMs: 20, bytes: 2048 } as const;

/** The names of all dimensions in a line. */
const dimensionsIn = (text: string): string[] => metricsOf(text).flatMap(({ dimensions }) => Object.keys(dimensions));

describe('the metrics of a request', () => {
  it.each<Outcome>(['ok', 'refused'])('have no payer if it ended %s, so payers that work cost nothing', (outcome) => {
    const text = line({ ...read, signals: ['refreshRepeated', 'refreshFailed'] }, outcome);

    expect(metric(text, 'requests')).toEqual({ [`step=fetch outcome=${outcome}`]: 1 });
    expect(dimensionsIn(text)).not.toContain('payer');
  });

  it('are counted for the payer too if it failed', () => {
    expect(metric(line(read, 'failed'), 'requests')).toEqual({
      'step=fetch outcome=failed': 1,
      'payer=northwind step=fetch outcome=failed': 1,
    });
  });

  it('have its duration by step, and its payer’s duration and its bytes over all payers', () => {
    expect(metric(line(read), 'ms')).toEqual({ 'step=fetch': 31.5 });
    expect(metric(line(read), 'payerMs')).toEqual({ '': 20 });
    expect(metric(line(read), 'bytes')).toEqual({ '': 2048 });
  });

  it('count each signal over all payers, and for its payer if its alarm names payers', () => {
    const text = line({ ...read, signals: ['payerDown', 'refreshFailed'] });

    expect(metric(text, 'payerDown')).toEqual({ '': 1, 'payer=northwind': 1 });
    expect(metric(text, 'refreshFailed')).toEqual({ '': 1 });
    expect(metric(line({ step: 'redeem', ms: 1, signals: ['payerDown'] }), 'payerDown')).toEqual({ '': 1 });
  });

  it('count a signal as often as it says', () => {
    const text = line({ ...read, signals: ['payerDown'], payerDownCount: 3 }, 'failed');

    expect(metric(text, 'payerDown')).toEqual({ '': 3, 'payer=northwind': 3 });
    expect(metric(text, 'requests')['step=fetch outcome=failed']).toBe(1);
  });

  it('omit what is unknown: no value, no dimension', () => {
    const text = line({ step: 'authorize', ms: 1 });

    expect(metric(text, 'requests')).toEqual({ 'step=authorize outcome=ok': 1 });
    expect(metricsOf(text).map(({ name }) => name)).toEqual(['requests', 'ms']);
    expect(dimensionsIn(line({ ...read, payer: '', signals: ['payerDown'] }, 'failed'))).not.toContain('payer');
  });

  it('are only signals for a request without a step', () => {
    expect(requestMetrics('demo', 0, { ms: 1, payer: 'northwind', outcome: 'failed' })).toEqual({});
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

  it('are at most 14 for a payer, none while it works, and for the stage what the bill counts', () => {
    const billed = new Set<string>();
    const whileItWorks = new Set<string>();
    for (const [step, outcomes] of Object.entries(outcomesOf) as [Step, Outcome[]][]) {
      for (const outcome of outcomes) {
        const signals = outcome === 'failed' ? allSignals : allSignals.filter((signal) => signal !== 'payerDown');
        for (const { name, dimensions } of metricsOf(line({ ...read, step, signals }, outcome))) {
          const one = JSON.stringify([name, dimensions]);
          billed.add(one);
          if (outcome !== 'failed') whileItWorks.add(one);
        }
      }
    }

    const ofPayers = (all: ReadonlySet<string>): string[] => [...all].filter((one) => one.includes('"payer":'));
    expect(ofPayers(billed)).toHaveLength(14);
    expect(ofPayers(whileItWorks)).toEqual([]);
    expect(billed.size - ofPayers(billed).length).toBe(stageCounts.requestMetrics);
  });
});

describe('metrics of other functions', () => {
  it('need no dimension, and without a value there are none', () => {
    const counted = embeddedMetrics('demo', 7, [
      { dimensions: [[]], metrics: { auditEvents: 3, auditLagMs: undefined } },
      { dimensions: [], metrics: { followUpFailed: 1 } },
    ]);

    expect(metricsOf(JSON.stringify(counted))).toEqual([
      { namespace: 'p2p-gateway/demo', name: 'auditEvents', unit: 'Count', value: 3, dimensions: {} },
    ]);
    expect(Object.keys(counted)).toEqual(['_aws', 'auditEvents']);
  });
});
