/** What the gateway promises each month, and the alarms that tell when the promise is at risk. `docs/objectives.md` explains. */
import { Duration } from 'aws-cdk-lib';
import { MathExpression, type Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { totalOf, type AlarmDefinition } from './alarm-definition.ts';
import type { GatewayMetrics } from './metrics.ts';

interface Objective {
  /** The beginning of its alarms' names. */
  readonly id: string;
  /** What is promised, for the person on call. */
  readonly what: string;
  /** The share that must succeed, in percent, over thirty days. */
  readonly percent: number;
  readonly good: (metrics: GatewayMetrics, each: Duration) => readonly Metric[];
  readonly bad: (metrics: GatewayMetrics, each: Duration) => readonly Metric[];
}

/** The steps of a sign-in without a request to a payer: only the gateway decides how long they take. */
export const ownSteps = ['authorize', 'redeem', 'refresh'] as const;

const objectives: readonly Objective[] = [
  {
    id: 'SignIns',
    what: 'sign-ins and token calls',
    percent: 99.9,
    good: ({ requests }, each) => ownSteps.map((step) => requests({ step, outcome: 'ok' }, each)),
    bad: ({ requests }, each) => ownSteps.map((step) => requests({ step, outcome: 'failed' }, each)),
  },
  {
    id: 'Reads',
    what: "reads, payers' failures included",
    percent: 99,
    good: ({ requests }, each) => [requests({ step: 'fetch', outcome: 'ok' }, each)],
    bad: ({ requests }, each) => [requests({ step: 'fetch', outcome: 'failed' }, each)],
  },
  {
    id: 'Exports',
    what: "exports, payers' failures included",
    percent: 95,
    good: ({ exportsEnded }, each) => [exportsEnded('completed', each), exportsEnded('partial', each)],
    bad: ({ signal }, each) => [signal('exportFailed', each)],
  },
];

/**
 * How fast the month's allowance is used up: at 14.4 times the even pace an hour takes 2 % of it, at 6 times six hours take
 * 5 % (https://sre.google/workbook/alerting-on-slos/).
 */
const burns = [
  { id: 'Fast', severity: 'page', hours: 1, times: 14.4 },
  { id: 'Slow', severity: 'ticket', hours: 6, times: 6 },
] as const;

/** Fewer failures than these say nothing about a share. */
const fewestFailures = 5;

const failedPercent = ({ good, bad }: Objective, metrics: GatewayMetrics, each: Duration): MathExpression => {
  const named = (letter: string, all: readonly Metric[]) =>
    Object.fromEntries(all.map((metric, index) => [`${letter}${index}`, metric]));
  const [failed, succeeded] = [named('b', bad(metrics, each)), named('g', good(metrics, each))];
  const sum = (of: object): string => totalOf(...Object.keys(of));
  const all = `${sum(failed)} + ${sum(succeeded)}`;
  return new MathExpression({
    expression: `IF(${sum(failed)} >= ${fewestFailures}, 100 * (${sum(failed)}) / (${all}), 0)`,
    usingMetrics: { ...failed, ...succeeded },
    label: 'failed, percent',
    period: each,
  });
};

/** Two alarms for each objective: one that pages, one that makes a ticket. */
export const objectiveAlarms = (metrics: GatewayMetrics): AlarmDefinition[] =>
  objectives.flatMap((objective) =>
    burns.map(({ id, severity, hours, times }): AlarmDefinition => ({
      id: `${objective.id}${id}Burn`,
      severity,
      metric: failedPercent(objective, metrics, Duration.hours(hours)),
      says: `Failures of ${objective.what} use up the month's allowance ${times} times too fast, over ${hours === 1 ? 'an hour' : `${hours} hours`}.`,
      runbook: 'objectives',
      threshold: Number((times * (100 - objective.percent)).toFixed(2)),
    })),
  );
