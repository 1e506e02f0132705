/** The alarms, and when each fires. `docs/alarms.md` says what to do about each. */
import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { signals, type Signal } from '../functions/shared/errors.ts';
import { payerDownThreshold, signalsByPayer } from '../functions/shared/metrics/metrics.ts';
import {
  ageOfOldest,
  crashesOf,
  sumOf,
  throttlesOf,
  totalOf,
  unreadStream,
  type AlarmDefinition,
} from './alarm-definition.ts';
import { aboutExports } from './export-alarms.ts';
import { gatewayMetrics, period, type GatewayMetrics } from './metrics.ts';
import { objectiveAlarms, ownSteps } from './objectives.ts';
import { apiMetric, edgeMetric, type Watched } from './watched.ts';

type Concern = 'payers' | 'grants' | 'audit' | 'tables' | 'exports';

interface SignalAlarm extends Omit<AlarmDefinition, 'metric'> {
  readonly about: Concern;
  /**
   * Over which time.
   * @default five minutes; for each payer by itself if the signal is counted so
   */
  readonly counted?: Duration;
}

/** Each signal's alarm, or why it has none: the dashboard shows it all the same. */
const signalAlarms: Readonly<Record<Signal, SignalAlarm | { readonly silent: string }>> = {
  payerDown: {
    about: 'payers',
    id: 'PayerDown',
    severity: 'ticket',
    says: 'The payers named in the alarm are unusable: they time out, fail, give unreadable answers or fail the canary.',
    runbook: 'payer-down',
    threshold: payerDownThreshold,
    breaching: [2, 3],
  },
  payerDrift: {
    about: 'payers',
    id: 'PayerDrift',
    severity: 'ticket',
    says: 'A payer has changed what its profile relies on, such as an endpoint or a certificate; the log says what.',
    runbook: 'payer-drift',
  },
  refreshFailed: {
    about: 'grants',
    id: 'RefreshFailures',
    severity: 'page',
    says: 'Payer tokens cannot be refreshed; grants may be ending.',
    runbook: 'refresh-failures',
    threshold: 5,
    counted: Duration.minutes(15),
  },
  refreshRepeated: {
    silent:
      'The client lost an answer or refreshed in parallel, and got the same tokens again, or none for another scope.',
  },
  reuseDetected: {
    about: 'grants',
    id: 'ReuseDetected',
    severity: 'ticket',
    says: 'A used refresh token or code came again, and its grant was revoked: a stolen token, or a broken client.',
    runbook: 'reuse-detected',
  },
  auditNotWritten: {
    about: 'audit',
    id: 'AuditNotWritten',
    severity: 'page',
    says: 'An audit event could not be written; reads are refused while their opening event cannot be.',
    runbook: 'audit-not-written',
  },
  auditTimesDiffer: {
    about: 'audit',
    id: 'AuditTimesDiffer',
    severity: 'ticket',
    says: "An item's own time is minutes away from when it was written: a clock is wrong, or someone changed the table without the tools.",
    runbook: 'audit-times-differ',
  },
  secretMissing: {
    about: 'payers',
    id: 'SecretMissing',
    severity: 'page',
    says: "A payer's secret is empty, unreadable, of the wrong kind or refused; its members cannot connect.",
    runbook: 'secret-missing',
  },
  codeRefused: {
    about: 'payers',
    id: 'CodesRefused',
    severity: 'ticket',
    says: 'Payers reject authorization codes: our secret is wrong, or someone sends made-up codes.',
    runbook: 'codes-refused',
    threshold: 5,
    counted: Duration.hours(1),
  },
  answerTooLarge: { silent: 'The payer works; its partner has to ask in parts, which no one on call can do for it.' },
  limitsDown: {
    about: 'tables',
    id: 'LimitsDown',
    severity: 'ticket',
    says: "Partners' rate limits cannot be counted; reads go on, and each environment limits by itself.",
    runbook: 'limits-down',
    threshold: 5,
    breaching: [2, 3],
  },
  breakerOpened: { silent: 'Reads that a breaker refuses count as payerDown, whose alarm names the payer.' },
  registryDown: {
    about: 'tables',
    id: 'RegistryDown',
    severity: 'page',
    says: 'The registry cannot be read; functions use their last copy for five minutes, then refuse requests.',
    runbook: 'registry-down',
    threshold: 5,
    breaching: [2, 3],
  },
  registryDamaged: {
    about: 'tables',
    id: 'RegistryDamaged',
    severity: 'ticket',
    says: 'An item of the registry was changed or deleted by hand, and is damaged or missing; the log names it.',
    runbook: 'registry-damaged',
  },
  exportFailed: {
    about: 'exports',
    id: 'ExportsFailed',
    severity: 'ticket',
    says: 'Exports fail without returning any data.',
    runbook: 'exports-failed',
    threshold: 3,
    counted: Duration.minutes(15),
  },
  exportWaiting: { silent: 'The partner has to poll: its token lets the job go on, and no one on call has one.' },
  deliveryFailed: {
    about: 'exports',
    id: 'DeliveryFailed',
    severity: 'ticket',
    says: "An event was not delivered to a partner's webhook within three days, and is not tried again.",
    runbook: 'delivery-failed',
  },
};

const isByPayer = (signal: Signal): signal is (typeof signalsByPayer)[number] =>
  (signalsByPayer as readonly Signal[]).includes(signal);

const ofSignals = (metrics: GatewayMetrics, concern: Concern): AlarmDefinition[] =>
  signals.flatMap((signal) => {
    const alarm = signalAlarms[signal];
    if ('silent' in alarm || alarm.about !== concern) return [];
    const { about: _, counted, ...definition } = alarm;
    const metric = isByPayer(signal) ? metrics.signalByPayer(signal) : metrics.signal(signal, counted);
    return [{ ...definition, metric }];
  });

/** CloudWatch names at most this many series of an alarm. */
const mostNamed = 100;

const aboutPayers = (metrics: GatewayMetrics): AlarmDefinition[] => [
  ...ofSignals(metrics, 'payers'),
  {
    // The canary checks each payer once in five minutes, so its failures are the number of payers. A query cannot count
    // them: it adds up values, and at 500 series it stops
    // (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-limits.html).
    id: 'ManyPayers',
    severity: 'page',
    metric: metrics.requests({ step: 'canary', outcome: 'failed' }),
    says: `At least ${mostNamed} payers fail the canary, more than an alarm can name. Suspect one cause, first of all ours.`,
    runbook: 'many-payers',
    threshold: mostNamed,
    breaching: [2, 3],
  },
  {
    id: 'CanarySilent',
    severity: 'page',
    metric: metrics.canaryWell(),
    says: 'For fifteen minutes no payer passed the canary, it did not run, its lines were lost, or the registry was emptied. Paused payers are ignored.',
    runbook: 'canary-failed',
    // A run's results may be counted in the next five minutes.
    breaching: [3, 4],
    when: 'belowOrSilent',
  },
];

/**
 * 1 for five minutes in which the canary's schedule ran and this one did not: in a stage that has just been made neither has
 * run yet, and the canary's is made later. If neither runs, the alarm about the canary rings.
 */
const closingIsSilent = ({ functions: { canary }, closing }: Watched): MathExpression => {
  const ofRule = (metricName: string): Metric =>
    new Metric({
      namespace: 'AWS/Events',
      metricName,
      dimensionsMap: { RuleName: closing.ruleName },
      statistic: Stats.SUM,
      period,
    });
  return new MathExpression({
    expression: `IF(${totalOf('canary')} > 0 AND ${totalOf('closings')} <= ${totalOf('failed')}, 1, 0)`,
    usingMetrics: {
      canary: canary.metricInvocations({ period }),
      closings: ofRule('Invocations'),
      failed: ofRule('FailedInvocations'),
    },
    label: 'silent',
    period,
  });
};

const aboutAudit = (metrics: GatewayMetrics, watched: Watched): AlarmDefinition[] => {
  const { functions, auditSources } = watched;
  return [
    ...ofSignals(metrics, 'audit'),
    {
      id: 'ClosingSilent',
      severity: 'ticket',
      metric: closingIsSilent(watched),
      says: 'The schedule that closes reads without an end has not run for fifteen minutes: the audit does not say how they ended.',
      runbook: 'audit-behind',
      // EventBridge may count a run late, or not at all.
      breaching: [3, 4],
    },
    {
      id: 'AuditFunctionErrors',
      severity: 'page',
      metric: functions.audit.metricErrors({ period }),
      says: 'Audit events wait in the streams, since the bucket cannot be written, and are lost after 24 hours; or reads whose end is unknown are not closed.',
      runbook: 'audit-not-written',
      breaching: [1, 2],
    },
    {
      id: 'AuditBehind',
      severity: 'page',
      metric: ageOfOldest(functions.audit),
      says: 'Audit events reach the bucket more than fifteen minutes late; after 24 hours they are lost.',
      runbook: 'audit-behind',
      threshold: Duration.minutes(15).toMilliseconds(),
    },
    ...Object.entries(auditSources).map(([name, { source, table }]): AlarmDefinition => ({
      id: `AuditStopped-${name}`,
      severity: 'page',
      metric: unreadStream(source, table),
      says: `Nothing reads the stream of ${name}; events that wait in it for 24 hours are lost.`,
      runbook: 'audit-behind',
    })),
  ];
};

const aboutFunctions = (metrics: GatewayMetrics, watched: Watched): AlarmDefinition[] => {
  const { fetch, ...others } = watched.functions;
  return [
    {
      id: 'ServerErrors',
      severity: 'page',
      metric: new MathExpression({
        expression: 'IF(errors >= 5, 100 * errors / requests, 0)',
        usingMetrics: { errors: apiMetric(watched, '5XXError'), requests: apiMetric(watched, 'Count') },
        label: '5xx answers, percent',
        period,
      }),
      says: 'At least 5 % of answers are 5xx.',
      runbook: 'server-errors',
      threshold: 5,
      breaching: [2, 3],
    },
    {
      id: 'FunctionErrors',
      severity: 'ticket',
      metric: crashesOf(metrics, Object.values(others), ['fetch', fetch]),
      says: 'A function crashed, timed out or could not start. This excludes answers that a payer cut off.',
      runbook: 'server-errors',
      // A read may last fourteen minutes.
      breaching: [1, 5],
    },
    {
      id: 'SlowAnswers',
      severity: 'ticket',
      metric: new MathExpression({
        expression: `MAX([${ownSteps.join(', ')}])`,
        usingMetrics: Object.fromEntries(ownSteps.map((step) => [step, metrics.duration(step, 'p99')])),
        label: 'p99 of steps that no payer takes part in, ms',
        period,
      }),
      says: 'Steps that no payer takes part in take more than two seconds (p99).',
      runbook: 'slow-answers',
      threshold: 2000,
      breaching: [3, 3],
    },
    {
      id: 'FunctionThrottles',
      severity: 'page',
      metric: sumOf(Object.values(watched.functions).map((lambda) => lambda.metricThrottles({ period }))),
      says: 'Lambda refuses to start functions: the concurrency is used up.',
      runbook: 'throttles',
      breaching: [2, 3],
    },
  ];
};

/** What CloudFront counts when a function at the edge crashes, gives an unusable answer or is throttled. Lambda's counts are in other regions. */
const edgeFailures = ['LambdaExecutionError', 'LambdaValidationError', 'LambdaLimitExceededErrors'] as const;

/** What callers get from CloudFront. API Gateway counts none of CloudFront's own answers. */
const aboutEdge = ({ distribution }: Watched): AlarmDefinition[] =>
  distribution === undefined
    ? []
    : [
        {
          id: 'EdgeErrors',
          severity: 'page',
          metric: new MathExpression({
            expression: 'IF(rate * requests >= 500, rate, 0)',
            usingMetrics: {
              rate: edgeMetric(distribution, '5xxErrorRate', Stats.AVERAGE),
              requests: edgeMetric(distribution, 'Requests'),
            },
            label: "CloudFront's 5xx answers, percent",
            period,
          }),
          says: "At least 5 % of CloudFront's answers are 5xx, its own or the API's.",
          runbook: 'edge-errors',
          threshold: 5,
          breaching: [2, 3],
        },
        {
          id: 'EdgeFunctionErrors',
          severity: 'ticket',
          metric: sumOf(edgeFailures.map((name) => edgeMetric(distribution, name))),
          says: 'The function at the edge crashed, was throttled or gave an answer that CloudFront cannot use.',
          runbook: 'edge-errors',
          // CloudFront's counts come minutes late.
          breaching: [1, 3],
        },
      ];

const aboutTables = (metrics: GatewayMetrics, { tables, indexes }: Watched): AlarmDefinition[] => [
  ...ofSignals(metrics, 'tables'),
  {
    id: 'TableThrottles',
    severity: 'ticket',
    metric: throttlesOf(Object.values(tables).map((table) => ({ table }))),
    says: 'DynamoDB throttles reads or writes.',
    runbook: 'throttles',
    breaching: [2, 3],
  },
  {
    id: 'IndexThrottles',
    severity: 'ticket',
    metric: throttlesOf(indexes),
    says: 'DynamoDB throttles an index, and with it writes to its table.',
    runbook: 'throttles',
    breaching: [2, 3],
  },
];

/** Every alarm of a stage. */
export const alarmsFor = (watched: Watched): readonly AlarmDefinition[] => {
  const metrics = gatewayMetrics(watched.stage);
  return [
    ...aboutPayers(metrics),
    ...ofSignals(metrics, 'grants'),
    ...aboutAudit(metrics, watched),
    ...aboutFunctions(metrics, watched),
    ...aboutEdge(watched),
    ...aboutTables(metrics, watched),
    ...ofSignals(metrics, 'exports'),
    ...aboutExports(watched),
    ...objectiveAlarms(metrics),
  ];
};
