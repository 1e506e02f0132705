import { Aws, Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
  type IMetric,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { EventSourceMapping, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { gatewayMetrics, type GatewayMetrics } from './metrics.ts';
import { allow } from './statements.ts';

export interface GatewayAlarmsProps {
  readonly config: Pick<StageConfig, 'stage' | 'alarmAddresses' | 'runbookUrl'>;
  /** Encrypts the topic. */
  readonly key: Key;
  readonly apiName: string;
  /** Every function by name. */
  readonly functions: Readonly<Record<string, LambdaFunction>> & Readonly<Record<'audit' | 'fetch', LambdaFunction>>;
  /** Every table by name. */
  readonly tables: Readonly<Record<string, Table>>;
  /** What reads the streams for the audit, by the name of the table. */
  readonly auditSources: Readonly<Record<string, EventSourceMapping>>;
}

/** The sections of `docs/operate.md` that alarms link to. */
type RunbookSection =
  | 'payer-down'
  | 'refresh-failures'
  | 'reuse-detected'
  | 'server-errors'
  | 'slow-answers'
  | 'throttles'
  | 'audit-not-written'
  | 'audit-behind'
  | 'secret-missing'
  | 'limits-down'
  | 'canary-failed';

interface AlarmOptions {
  readonly metric: IMetric;
  /** What has happened, in a sentence for whoever is woken. */
  readonly says: string;
  readonly runbook: RunbookSection;
  /** @default 1 */
  readonly threshold?: number;
  /** Out of how many periods how many must breach. @default [1, 1] */
  readonly breaching?: readonly [datapoints: number, periods: number];
  /** @default the metric at or above the threshold; silence is well */
  readonly when?: 'atLeast' | 'belowOrSilent';
}

const fiveMinutes = Duration.minutes(5);
const sum = (namespace: string, metricName: string, dimensionsMap: Record<string, string>): Metric =>
  new Metric({ namespace, metricName, dimensionsMap, statistic: Stats.SUM, period: fiveMinutes });

/** Alarms that a person can act on; each names its section of the runbook. */
export class GatewayAlarms extends Construct {
  readonly topic: Topic;
  /** What every alarm's name begins with. */
  private readonly prefix: string;
  private readonly runbookUrl: string;

  constructor(scope: Construct, id: string, props: GatewayAlarmsProps) {
    super(scope, id);
    const { config, key } = props;
    this.runbookUrl = config.runbookUrl;
    this.prefix = `p2p-gateway-${config.stage}-`;
    this.topic = new Topic(this, 'Topic', { masterKey: key, enforceSSL: true });
    this.letAlarmsPublish(key);
    for (const address of config.alarmAddresses) this.topic.addSubscription(new EmailSubscription(address));

    const metrics = gatewayMetrics(config.stage);
    this.payers(metrics);
    this.grants(metrics);
    this.audit(metrics, props);
    this.service(metrics, props);
  }

  /**
   * CloudWatch publishes with its own name. The topic's policy, which exists to enforce TLS, replaces the
   * default one of SNS, and the key's lets nobody but the account's roles use it: an alarm that either of them refuses
   * stays silent. Both name the account, so that no other account's alarms come through
   * (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services).
   */
  private letAlarmsPublish(key: Key): void {
    const cloudWatch = new ServicePrincipal('cloudwatch.amazonaws.com');
    const ofThisAccount = { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } };
    const alarms = `arn:${Aws.PARTITION}:cloudwatch:${Aws.REGION}:${Aws.ACCOUNT_ID}:alarm:${this.prefix}*`;
    const publish = allow(['sns:Publish'], [this.topic.topicArn], {
      ...ofThisAccount,
      ArnLike: { 'aws:SourceArn': alarms },
    });
    publish.sid = 'AlarmsOfThisStage';
    publish.addPrincipals(cloudWatch);
    this.topic.addToResourcePolicy(publish);
    const use = allow(['kms:Decrypt', 'kms:GenerateDataKey'], ['*'], ofThisAccount);
    use.sid = 'AlarmsOfThisAccount';
    use.addPrincipals(cloudWatch);
    key.addToResourcePolicy(use);
  }

  private alarm(id: string, { metric, says, runbook, threshold, breaching = [1, 1], when }: AlarmOptions): void {
    const low = when === 'belowOrSilent';
    const alarm = new Alarm(this, id, {
      alarmName: `${this.prefix}${id}`,
      metric,
      alarmDescription: `${says} Runbook: ${this.runbookUrl}#${runbook}`,
      threshold: threshold ?? 1,
      datapointsToAlarm: breaching[0],
      evaluationPeriods: breaching[1],
      comparisonOperator: low
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: low ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
  }

  private payers(metrics: GatewayMetrics): void {
    this.alarm('PayerDown', {
      metric: metrics.signalByPayer('payerDown'),
      says: 'The payers that the alarm names cannot be used: they time out, fail or answer what cannot be read.',
      runbook: 'payer-down',
      threshold: 3,
      breaching: [2, 3],
    });
    this.alarm('SecretMissing', {
      metric: metrics.signal('secretMissing'),
      says: "A payer's secret is empty, unreadable, of the wrong kind or refused; its members cannot connect.",
      runbook: 'secret-missing',
    });
    this.alarm('CanaryFailed', {
      metric: metrics.requestsByPayer({ step: 'canary', outcome: 'failed' }),
      says: 'For the payers that the alarm names discovery, authorize, sign-in page, token endpoint or FHIR API fails.',
      runbook: 'canary-failed',
      breaching: [3, 3],
    });
    this.alarm('CanarySilent', {
      metric: metrics.requests({ step: 'canary', outcome: 'ok' }),
      says: 'The canary has found no payer well for fifteen minutes, or does not run.',
      runbook: 'canary-failed',
      breaching: [3, 3],
      when: 'belowOrSilent',
    });
  }

  private grants(metrics: GatewayMetrics): void {
    this.alarm('RefreshFailures', {
      metric: metrics.signal('refreshFailed', undefined, Duration.minutes(15)),
      says: 'Payer tokens cannot be refreshed; grants may be ending.',
      runbook: 'refresh-failures',
      threshold: 5,
    });
    this.alarm('ReuseDetected', {
      metric: metrics.signal('reuseDetected'),
      says: 'A used refresh token or code came again, and its grant was revoked: a stolen token, or a broken client.',
      runbook: 'reuse-detected',
    });
  }

  private audit(metrics: GatewayMetrics, { functions, auditSources }: GatewayAlarmsProps): void {
    this.alarm('AuditNotWritten', {
      metric: metrics.signal('auditNotWritten'),
      says: 'An audit event could not be written; reads are refused while their opening event cannot be.',
      runbook: 'audit-not-written',
    });
    this.alarm('AuditFunctionErrors', {
      metric: functions.audit.metricErrors({ period: fiveMinutes }),
      says: 'Audit events wait in the streams, since the bucket cannot be written; after 24 hours they are lost.',
      runbook: 'audit-not-written',
    });
    this.alarm('AuditBehind', {
      metric: functions.audit.metric('IteratorAge', { statistic: Stats.MAXIMUM, period: fiveMinutes }),
      says: 'Audit events reach the bucket more than fifteen minutes late; after 24 hours they are lost.',
      runbook: 'audit-behind',
      threshold: Duration.minutes(15).toMilliseconds(),
    });
    for (const [table, { eventSourceMappingId }] of Object.entries(auditSources)) {
      this.alarm(`AuditStopped-${table}`, {
        // How often Lambda asked the stream, with or without an answer. A mapping that is disabled asks no more.
        metric: new Metric({
          namespace: 'AWS/Lambda',
          metricName: 'PolledEventCount',
          dimensionsMap: { EventSourceMappingUUID: eventSourceMappingId },
          statistic: Stats.SAMPLE_COUNT,
          period: fiveMinutes,
        }),
        says: `Nothing reads the stream of ${table}; events that wait in it for 24 hours are lost.`,
        runbook: 'audit-behind',
        breaching: [3, 3],
        when: 'belowOrSilent',
      });
    }
  }

  private service(metrics: GatewayMetrics, { config, apiName, functions, tables }: GatewayAlarmsProps): void {
    const api = { ApiName: apiName, Stage: config.stage };
    this.alarm('ServerErrors', {
      metric: new MathExpression({
        expression: 'IF(errors >= 5, 100 * errors / requests, 0)',
        usingMetrics: {
          errors: sum('AWS/ApiGateway', '5XXError', api),
          requests: sum('AWS/ApiGateway', 'Count', api),
        },
        label: '5xx answers, percent',
        period: fiveMinutes,
      }),
      says: 'More than 5 % of answers are 5xx.',
      runbook: 'server-errors',
      threshold: 5,
      breaching: [2, 3],
    });
    this.alarm('FunctionErrors', {
      metric: crashes(metrics, functions),
      says: 'A function crashed, timed out or could not start. Answers that a payer cut are not among them.',
      runbook: 'server-errors',
    });
    this.alarm('SlowAnswers', {
      metric: new MathExpression({
        expression: 'MAX([authorize, redeem, refresh])',
        usingMetrics: Object.fromEntries(
          ['authorize', 'redeem', 'refresh'].map((step) => [step, metrics.duration(step, 'p99')]),
        ),
        label: 'p99 of steps that no payer takes part in, ms',
        period: fiveMinutes,
      }),
      says: 'Steps that no payer takes part in take more than two seconds (p99).',
      runbook: 'slow-answers',
      threshold: 2000,
      breaching: [3, 3],
    });
    this.alarm('FunctionThrottles', {
      metric: total(Object.values(functions).map((lambda) => lambda.metricThrottles({ period: fiveMinutes }))),
      says: 'Lambda refuses to start functions: the concurrency is used up.',
      runbook: 'throttles',
      breaching: [2, 3],
    });
    const throttled = Object.values(tables).flatMap(({ tableName: TableName }) =>
      ['ReadThrottleEvents', 'WriteThrottleEvents'].map((name) => sum('AWS/DynamoDB', name, { TableName })),
    );
    this.alarm('LimitsDown', {
      metric: metrics.signal('limitsDown'),
      says: "Partners' rate limits cannot be counted; reads go on, and each environment limits by itself.",
      runbook: 'limits-down',
      threshold: 5,
      breaching: [2, 3],
    });
    this.alarm('TableThrottles', {
      metric: total(throttled),
      says: 'DynamoDB throttles reads or writes.',
      runbook: 'throttles',
      breaching: [2, 3],
    });
  }
}

type Functions = GatewayAlarmsProps['functions'];

/**
 * Errors of all functions. Lambda counts an answer of fetch that was cut as one; they are taken off, though never more
 * than fetch has: they hide no other function's.
 */
const crashes = (metrics: GatewayMetrics, { fetch, ...others }: Functions): MathExpression => {
  const errors = total(Object.values(others).map((lambda) => lambda.metricErrors({ period: fiveMinutes })));
  return new MathExpression({
    expression: `${errors.expression} + IF(FILL(fetch, 0) > FILL(cut, 0), FILL(fetch, 0) - FILL(cut, 0), 0)`,
    usingMetrics: {
      ...errors.usingMetrics,
      fetch: fetch.metricErrors({ period: fiveMinutes }),
      cut: metrics.answersCut(),
    },
    label: 'crashes',
    period: fiveMinutes,
  });
};

/** The sum of up to ten metrics, which is as many as an alarm may have; a missing one counts as none. */
const total = (metrics: readonly Metric[]): MathExpression => {
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
  return new MathExpression({
    expression: Object.keys(usingMetrics)
      .map((name) => `FILL(${name}, 0)`)
      .join(' + '),
    usingMetrics,
    label: 'total',
    period: fiveMinutes,
  });
};
