import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context, DynamoDBStreamEvent } from 'aws-lambda';
import { auditHandler } from '../../functions/audit/handler.ts';
import { canaryHandler } from '../../functions/canary/handler.ts';
import { writeEnd } from '../../functions/export-job/job/log.ts';
import { followUpHandler } from '../../functions/follow-up/handler.ts';
import { reasonsQuery, totalsQuery } from '../../functions/shared/metrics/figures-query.ts';
import { requestMetrics } from '../../functions/shared/metrics/metrics.ts';
import { newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import { streamRecord } from '../functions/audit/records.ts';
import { metricsOf } from '../support/embedded-metrics.ts';
import { decide } from '../support/evaluate-policy.ts';
import { fetchGateway, fhir, read } from '../support/fetch-gateway.ts';
import { testDeps } from '../support/gateway.ts';
import { gateway } from '../support/login.ts';
import {
  at,
  nameOf,
  ofType,
  pathOf,
  property,
  stages,
  stageTemplate,
  statementsOf,
  type Resource,
  type StageTemplate,
} from '../support/stage-template.ts';

interface MetricProperties {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
}

interface Query {
  readonly Id: string;
  readonly Expression?: string;
  readonly Period?: number;
  readonly ReturnData?: boolean;
  readonly MetricStat?: { readonly Metric: MetricProperties; readonly Stat: string; readonly Period: number };
}

interface Row {
  /** `namespace name {dimensions} statistic/period`; for an expression, each line is `id = …`. */
  readonly looksAt: readonly string[];
  /** `datapoints of periods: comparison threshold`. */
  readonly rings: string;
  readonly missing: string;
  readonly runbook: string;
}

const dimensionsIn = (template: StageTemplate, { Dimensions = [] }: MetricProperties): string =>
  Dimensions.map(({ Name, Value }) => `${Name}=${nameOf(template, Value)}`)
    .sort()
    .join(' ');

const metricLine = (template: StageTemplate, metric: MetricProperties, statistic: unknown, period: unknown): string =>
  `${metric.Namespace} ${metric.MetricName} {${dimensionsIn(template, metric)}} ${String(statistic)}/${String(period)}`;

const queryLine = (template: StageTemplate, { Id, Expression, Period, ReturnData, MetricStat }: Query): string => {
  if (ReturnData === false)
    return `${Id} = ${metricLine(template, MetricStat?.Metric as never, MetricStat?.Stat, MetricStat?.Period)}`;
  return `${Expression}${Period === undefined ? '' : ` /${Period}`}`;
};

const rowOf = (template: StageTemplate, alarm: Resource): Row => {
  const properties = alarm.Properties as unknown as MetricProperties & Record<string, unknown>;
  const queries = (properties['Metrics'] ?? []) as Query[];
  const [, runbook = ''] = String(properties['AlarmDescription']).split('#');
  return {
    looksAt:
      queries.length > 0
        ? queries.map((query) => queryLine(template, query))
        : [metricLine(template, properties, properties['Statistic'], properties['Period'])],
    rings: `${String(properties['DatapointsToAlarm'])} of ${String(properties['EvaluationPeriods'])}: ${String(properties['ComparisonOperator'])} ${String(properties['Threshold'])}`,
    missing: String(properties['TreatMissingData']),
    runbook,
  };
};

const atLeast = 'GreaterThanOrEqualToThreshold';
const lambda = (name: string, path: string): string => `AWS/Lambda ${name} {FunctionName=${path}} Sum/300`;
const sum = (...metrics: readonly string[]): string[] => [
  metrics.map((_metric, index) => `FILL(m${index}, 0)`).join(' + '),
  ...metrics.map((metric, index) => `m${index} = ${metric}`),
];
const table = (name: string, path: string): string => `AWS/DynamoDB ${name} {TableName=${path}} Sum/300`;

/** A table's stream that nothing reads, whether Lambda reports no poll of an idle one as 0 or not at all. */
const unread = (source: string, path: string) => ({
  looksAt: [
    'IF(FILL(writes, 0) > 0 AND FILL(polls, 0) < 1, 1, 0)',
    `writes = AWS/DynamoDB ConsumedWriteCapacityUnits {TableName=${path}} Sum/3600`,
    `polls = AWS/Lambda PolledEventCount {EventSourceMappingUUID=${source}} SampleCount/3600`,
  ],
  rings: `1 of 1: ${atLeast} 1`,
});

/** All alarms of a stage, as CloudWatch gets them. */
const expected = (stage: string): Readonly<Record<string, Row>> => {
  const own = `p2p-gateway/${stage}`;
  const quiet = { missing: 'notBreaching' };
  const api = (name: string): string => `AWS/ApiGateway ${name} {ApiName=p2p-gateway-${stage} Stage=${stage}} Sum/300`;
  const ended = (outcome: string) => (step: string) => `requests {outcome=${outcome} step=${step}}`;
  /** An hour at 14.4 times the pace that uses up a month's allowance, or six hours at 6 times (Google's SRE workbook). */
  const burns = (
    name: string,
    allowed: number,
    bad: readonly string[],
    good: readonly string[],
  ): Record<string, Row> => {
    const sumOf = (letter: string, of: readonly string[]) =>
      of.map((_, index) => `FILL(${letter}${index}, 0)`).join(' + ');
    const each = (letter: string, of: readonly string[], seconds: number) =>
      of.map((metric, index) => `${letter}${index} = ${own} ${metric} Sum/${seconds}`);
    const failed = sumOf('b', bad);
    const row = (seconds: number, times: number): Row => ({
      looksAt: [
        `IF(${failed} >= 5, 100 * (${failed}) / (${failed} + ${sumOf('g', good)}), 0)`,
        ...each('b', bad, seconds),
        ...each('g', good, seconds),
      ],
      rings: `1 of 1: ${atLeast} ${Number((times * allowed).toFixed(2))}`,
      runbook: 'objectives',
      ...quiet,
    });
    return { [`${name}FastBurn`]: row(3600, 14.4), [`${name}SlowBurn`]: row(21_600, 6) };
  };
  const p99 = (step: string): string => `${step} = ${own} ms {step=${step}} p99/300`;
  return {
    AuditBehind: {
      looksAt: ['AWS/Lambda IteratorAge {FunctionName=Audit/Audit/Function} Maximum/300'],
      rings: `1 of 1: ${atLeast} 900000`,
      runbook: 'audit-behind',
      ...quiet,
    },
    AuditFunctionErrors: {
      looksAt: [lambda('Errors', 'Audit/Audit/Function')],
      rings: `1 of 2: ${atLeast} 1`,
      runbook: 'audit-not-written',
      ...quiet,
    },
    AuditTimesDiffer: {
      looksAt: [`${own} auditTimesDiffer {} Sum/300`],
      rings: `1 of 1: ${atLeast} 1`,
      runbook: 'audit-times-differ',
      ...quiet,
    },
    AuditNotWritten: {
      looksAt: [`${own} auditNotWritten {} Sum/300`],
      rings: `1 of 1: ${atLeast} 1`,
      runbook: 'audit-not-written',
      ...quiet,
    },
    'AuditStopped-AuditEvents': {
      ...unread('Audit/AuditEventsSource', 'Tables/AuditEvents'),
      runbook: 'audit-behind',
      ...quiet,
    },
    'AuditStopped-Grants': { ...unread('Audit/GrantsSource', 'Tables/Grants'), runbook: 'audit-behind', ...quiet },
    'AuditStopped-Registry': {
      ...unread('Audit/RegistrySource', 'Tables/Registry'),
      runbook: 'audit-behind',
      ...quiet,
    },
    CanarySilent: {
      looksAt: [
        'IF(FILL(ok, 0) > 0 OR (FILL(failed, 0) < 1 AND FILL(runs, 0) > FILL(errors, 0)), 1, 0)',
        `ok = ${own} requests {outcome=ok step=canary} Sum/300`,
        `failed = ${own} requests {outcome=failed step=canary} Sum/300`,
        `runs = ${lambda('Invocations', 'Canary/Canary/Function')}`,
        `errors = ${lambda('Errors', 'Canary/Canary/Function')}`,
      ],
      rings: '3 of 4: LessThanThreshold 1',
      missing: 'breaching',
      runbook: 'canary-failed',
    },
    DeliveryFailed: {
      looksAt: [`${own} deliveryFailed {} Sum/300`],
      rings: `1 of 1: ${atLeast} 1`,
      runbook: 'delivery-failed',
      ...quiet,
    },
    EventsGivenUp: {
      looksAt: sum(
        ...['Exports/ExportJobDeadLetters', 'Exports/SweepDeadLetters', 'Events/DeliverDeadLetters'].map(
          (path) => `AWS/SQS ApproximateNumberOfMessagesVisible {QueueName=${path}.QueueName} Maximum/300`,
        ),
        // "the number of times that Lambda attempts to send an event to a dead-letter queue (DLQ) but fails":
        // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
        ...['Exports/ExportJob/Function', 'Exports/Sweep/Function', 'Events/Deliver/Function'].map((path) =>
          lambda('DeadLetterErrors', path),
        ),
      ),
      rings: `1 of 1: ${atLeast} 1`,
      runbook: 'events-given-up',
      ...quiet,
    },
    ExecutionsFailed: {
      looksAt: sum(
        ...['Exports/ExportJob/Function', 'Exports/Sweep/Function', 'Events/Deliver/Function'].flatMap((path) => [
          lambda('DurableExecutionFailed', path),
          lambda('DurableExecutionTimedOut', path),
        ]),
      ),
      rings: `1 of 1: ${atLeast} 1`,
      runbook: 'exports-failed',
      ...quiet,
    },
    ExportErrors: {
      looksAt: [
        'FILL(m0, 0) + FILL(m1, 0) + FILL(m2, 0) + IF(FILL(export, 0) > FILL(cut, 0), FILL(export, 0) - FILL(cut, 0), 0)',
        `m0 = ${lambda('Errors', 'Exports/ExportJob/Function')}`,
        `m1 = ${lambda('Errors', 'Exports/Sweep/Function')}`,
        `m2 = ${lambda('Errors', 'Events/Deliver/Function')}`,
        `export = ${lambda('Errors', 'Exports/Export/Function')}`,
        `cut = ${own} answersCut {function=export} Sum/300`,
      ],
      rings: `2 of 6: ${atLeast} 1`,
      runbook: 'exports-failed',
      ...quiet,
    },
    ExportTableThrottles: {
      looksAt: sum(table('ReadThrottleEvents', 'Tables/Exports'), table('WriteThrottleEvents', 'Tables/Exports')),
      rings: `2 of 3: ${atLeast} 1`,
      runbook: 'throttles',
      ...quiet,
    },
    ExportThrottles: {
      looksAt: sum(
        lambda('Throttles', 'Exports/Export/Function'),
        lambda('Throttles', 'Exports/ExportJob/Function'),
        lambda('Throttles', 'Events/FollowUp/Function'),
        lambda('Throttles', 'Exports/Sweep/Function'),
        lambda('Throttles', 'Events/Deliver/Function'),
      ),
      rings: `2 of 3: ${atLeast} 1`,
      runbook: 'throttles',
      ...quiet,
    },
    ExportsFailed: {
      looksAt: [`${own} exportFailed {} Sum/900`],
      rings: `1 of 1: ${atLeast} 3`,
      runbook: 'exports-failed',
      ...quiet,
    },
    ...burns(
      'SignIns',
      0.1,
      ['authorize', 'redeem', 'refresh'].map(ended('failed')),
      ['authorize', 'redeem', 'refresh'].map(ended('ok')),
    ),
    ...burns('Reads', 1, [ended('failed')('fetch')], [ended('ok')('fetch')]),
    ...burns('Exports', 5, ['exportFailed {}'], ['exports {outcome=completed}', 'exports {outcome=partial}']),
    FollowUpBehind: {
      looksAt: ['AWS/Lambda IteratorAge {FunctionName=Events/FollowUp/Function} Maximum/300'],
      rings: `1 of 1: ${atLeast} 300000`,
      runbook: 'follow-up-behind',
      ...quiet,
    },
    FollowUpErrors: {
      looksAt: sum(`${own} followUpFailed {} Sum/300`, lambda('Errors', 'Events/FollowUp/Function')),
      rings: `2 of 3: ${atLeast} 1`,
      runbook: 'follow-up-behind',
      ...quiet,
    },
    'FollowUpStopped-Exports': {
      ...unread('Events/ExportsSource', 'Tables/Exports'),
      runbook: 'follow-up-behind',
      ...quiet,
    },
    'FollowUpStopped-Grants': {
      ...unread('Events/GrantsSource', 'Tables/Grants'),
      runbook: 'follow-up-behind',
      ...quiet,
    },
    FunctionErrors: {
      looksAt: [
        'FILL(m0, 0) + FILL(m1, 0) + FILL(m2, 0) + FILL(m3, 0) + FILL(m4, 0) + FILL(m5, 0) + FILL(m6, 0) + ' +
          'IF(FILL(fetch, 0) > FILL(cut, 0), FILL(fetch, 0) - FILL(cut, 0), 0)',
        `m0 = ${lambda('Errors', 'Functions/Authorize/Function')}`,
        `m1 = ${lambda('Errors', 'Functions/Callback/Function')}`,
        `m2 = ${lambda('Errors', 'Functions/Connections/Function')}`,
        `m3 = ${lambda('Errors', 'Functions/Token/Function')}`,
        `m4 = ${lambda('Errors', 'Functions/Discovery/Function')}`,
        `m5 = ${lambda('Errors', 'Audit/Audit/Function')}`,
        `m6 = ${lambda('Errors', 'Canary/Canary/Function')}`,
        `fetch = ${lambda('Errors', 'Functions/Fetch/Function')}`,
        `cut = ${own} answersCut {function=fetch} Sum/300`,
      ],
      rings: `1 of 5: ${atLeast} 1`,
      runbook: 'server-errors',
      ...quiet,
    },
    FunctionThrottles: {
      looksAt: [
        'FILL(m0, 0) + FILL(m1, 0) + FILL(m2, 0) + FILL(m3, 0) + FILL(m4, 0) + FILL(m5, 0) + FILL(m6, 0) + FILL(m7, 0)',
        `m0 = ${lambda('Throttles', 'Functions/Authorize/Function')}`,
        `m1 = ${lambda('Throttles', 'Functions/Callback/Function')}`,
        `m2 = ${lambda('Throttles', 'Functions/Connections/Function')}`,
        `m3 = ${lambda('Throttles', 'Functions/Token/Function')}`,
        `m4 = ${lambda('Throttles', 'Functions/Fetch/Function')}`,
        `m5 = ${lambda('Throttles', 'Functions/Discovery/Function')}`,
        `m6 = ${lambda('Throttles', 'Audit/Audit/Function')}`,
        `m7 = ${lambda('Throttles', 'Canary/Canary/Function')}`,
      ],
      rings: `2 of 3: ${atLeast} 1`,
      runbook: 'throttles',
      ...quiet,
    },
    LimitsDown: {
      looksAt: [`${own} limitsDown {} Sum/300`],
      rings: `2 of 3: ${atLeast} 5`,
      runbook: 'limits-down',
      ...quiet,
    },
    ManyPayers: {
      looksAt: [`${own} requests {outcome=failed step=canary} Sum/300`],
      rings: `2 of 3: ${atLeast} 100`,
      runbook: 'many-payers',
      ...quiet,
    },
    PayerDown: {
      looksAt: [`SELECT SUM(payerDown) FROM SCHEMA("${own}", payer) GROUP BY payer ORDER BY SUM() DESC /300`],
      rings: `2 of 3: ${atLeast} 3`,
      runbook: 'payer-down',
      ...quiet,
    },
    PayerDrift: {
      looksAt: [`${own} payerDrift {} Sum/300`],
      rings: `1 of 1: ${atLeast} 1`,
      runbook: 'payer-drift',
      ...quiet,
    },
    RefreshFailures: {
      looksAt: [`${own} refreshFailed {} Sum/900`],
      rings: `1 of 1: ${atLeast} 5`,
      runbook: 'refresh-failures',
      ...quiet,
    },
    RegistryDamaged: {
      looksAt: [`${own} registryDamaged {} Sum/300`],
      rings: `1 of 1: ${atLeast} 1`,
      runbook: 'registry-damaged',
      ...quiet,
    },
    RegistryDown: {
      looksAt: [`${own} registryDown {} Sum/300`],
      rings: `2 of 3: ${atLeast} 5`,
      runbook: 'registry-down',
      ...quiet,
    },
    ReuseDetected: {
      looksAt: [`${own} reuseDetected {} Sum/300`],
      rings: `1 of 1: ${atLeast} 1`,
      runbook: 'reuse-detected',
      ...quiet,
    },
    CodesRefused: {
      looksAt: [`${own} codeRefused {} Sum/3600`],
      rings: `1 of 1: ${atLeast} 5`,
      runbook: 'codes-refused',
      ...quiet,
    },
    SecretMissing: {
      looksAt: [`${own} secretMissing {} Sum/300`],
      rings: `1 of 1: ${atLeast} 1`,
      runbook: 'secret-missing',
      ...quiet,
    },
    ServerErrors: {
      looksAt: [
        'IF(errors >= 5, 100 * errors / requests, 0)',
        `errors = ${api('5XXError')}`,
        `requests = ${api('Count')}`,
      ],
      rings: `2 of 3: ${atLeast} 5`,
      runbook: 'server-errors',
      ...quiet,
    },
    SlowAnswers: {
      looksAt: ['MAX([authorize, redeem, refresh])', p99('authorize'), p99('redeem'), p99('refresh')],
      rings: `3 of 3: ${atLeast} 2000`,
      runbook: 'slow-answers',
      ...quiet,
    },
    TableThrottles: {
      looksAt: [
        'FILL(m0, 0) + FILL(m1, 0) + FILL(m2, 0) + FILL(m3, 0) + FILL(m4, 0) + FILL(m5, 0) + FILL(m6, 0) + FILL(m7, 0) + FILL(m8, 0) + FILL(m9, 0)',
        `m0 = ${table('ReadThrottleEvents', 'Tables/LoginAttempts')}`,
        `m1 = ${table('WriteThrottleEvents', 'Tables/LoginAttempts')}`,
        `m2 = ${table('ReadThrottleEvents', 'Tables/Grants')}`,
        `m3 = ${table('WriteThrottleEvents', 'Tables/Grants')}`,
        `m4 = ${table('ReadThrottleEvents', 'Tables/AuditEvents')}`,
        `m5 = ${table('WriteThrottleEvents', 'Tables/AuditEvents')}`,
        `m6 = ${table('ReadThrottleEvents', 'Tables/Limits')}`,
        `m7 = ${table('WriteThrottleEvents', 'Tables/Limits')}`,
        `m8 = ${table('ReadThrottleEvents', 'Tables/Registry')}`,
        `m9 = ${table('WriteThrottleEvents', 'Tables/Registry')}`,
      ],
      rings: `2 of 3: ${atLeast} 1`,
      runbook: 'throttles',
      ...quiet,
    },
  };
};

describe.each(stages)('the alarms of %s', (stage) => {
  let template: StageTemplate;
  let alarms: ReadonlyMap<string, Resource>;
  beforeAll(async () => {
    template = await stageTemplate(stage);
    alarms = new Map(
      ofType(template, 'AWS::CloudWatch::Alarm').map((alarm) => [String(property(alarm, 'AlarmName')), alarm]),
    );
  });

  it('are exactly these, each with its metric, its threshold and what missing data means', () => {
    const rows = [...alarms].map(([name, alarm]) => [name, rowOf(template, alarm)]);
    const named = Object.entries(expected(stage)).map(([name, row]) => [`p2p-gateway-${stage}-${name}`, row]);
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(named));
  });

  const severityOf = (alarm: Resource): string => String(property(alarm, 'AlarmDescription')).split(':')[0]!;

  it('notify the topic of their severity when they fire and when they recover, and nothing disables them', () => {
    const tickets = stage === 'demo' ? 'Alarms/Topic' : 'Alarms/Tickets';
    expect(ofType(template, 'AWS::SNS::Topic').map(pathOf)).toEqual([...new Set(['Alarms/Topic', tickets])]);
    for (const alarm of alarms.values()) {
      const { Properties = {} } = alarm;
      const topic = { Page: 'Alarms/Topic', Ticket: tickets }[severityOf(alarm)];
      for (const actions of ['AlarmActions', 'OKActions']) {
        expect((Properties[actions] as unknown[]).map((action) => nameOf(template, action))).toEqual([topic]);
      }
      expect(Properties['ActionsEnabled'] ?? true).toBe(true);
      expect(Properties).not.toHaveProperty('InsufficientDataActions');
    }
    expect(nameOf(template, template.Outputs['AlarmTopic']?.Value)).toBe('Alarms/Topic');
    expect(nameOf(template, template.Outputs['TicketTopic']?.Value)).toBe(tickets);
  });

  it('have the severity that docs/alarms.md lists them under', () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/alarms.md'), 'utf8').replaceAll(/\n +/g, ' ');
    for (const severity of ['Page', 'Ticket']) {
      const [, names = ''] = new RegExp(`^- \\*\\*${severity}\\*\\*.*?: (.*)$`, 'm').exec(text) ?? [];
      const found = [...alarms].filter(([, alarm]) => severityOf(alarm) === severity);
      const short = found.map(([name]) =>
        name.slice(`p2p-gateway-${stage}-`.length).replace(/Stopped-.*/, 'Stopped-…'),
      );
      expect([...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name).sort()).toEqual([...new Set(short)].sort());
    }
  });

  it('are mailed to the addresses of the configuration, and to no one else', () => {
    const subscribed = ofType(template, 'AWS::SNS::Subscription').map(({ Properties = {} }) => [
      Properties['Protocol'],
      Properties['Endpoint'],
      nameOf(template, Properties['TopicArn']),
    ]);
    expect(subscribed).toEqual(
      stage === 'demo'
        ? []
        : [
            ['email', 'gateway-oncall@plan.example.org', 'Alarms/Topic'],
            ['email', 'gateway-team@plan.example.org', 'Alarms/Tickets'],
          ],
    );
  });

  it('have a description, and link to an existing section of the runbook', () => {
    const runbook = readFileSync(join(import.meta.dirname, '../../docs/alarms.md'), 'utf8');
    const base = stage === 'demo' ? 'docs/alarms.md' : 'https://runbooks.plan.example.org/alarms.md';
    for (const alarm of alarms.values()) {
      const [, says = '', section] = /^(.*) Runbook: (?:.*)#([\w-]+)$/.exec(property(alarm, 'AlarmDescription')) ?? [];
      expect(says.length).toBeGreaterThan(20);
      expect(property(alarm, 'AlarmDescription')).toContain(` Runbook: ${base}#${section}`);
      expect(runbook).toMatch(new RegExp(`^#+ ${section}$`, 'm'));
    }
  });
});

describe.each(stages)('CloudWatch, for an alarm of %s', (stage) => {
  let template: StageTemplate;
  beforeAll(async () => {
    template = await stageTemplate(stage);
  });

  const ofTopic = () =>
    ofType(template, 'AWS::SNS::TopicPolicy')
      .filter((policy) => JSON.stringify(property(policy, 'Topics')).includes('AlarmsTopic'))
      .flatMap((policy) => statementsOf(policy));
  const ofKey = () =>
    statementsOf(at(template, nameOf(template, property(at(template, 'Alarms/Topic'), 'KmsMasterKeyId'))), 'KeyPolicy');

  /** What the topic and the key allow CloudWatch when it publishes for an alarm: all three must be allowed. */
  const publish = ({
    principal = 'cloudwatch.amazonaws.com',
    account = '{account}',
    alarm = `p2p-gateway-${stage}-ServerErrors`,
    tls = 'true',
  } = {}): string[] => {
    const context = {
      'aws:SourceAccount': account,
      'aws:SourceArn': `arn:{partition}:cloudwatch:{region}:${account}:alarm:${alarm}`,
      'aws:SecureTransport': tls,
    };
    const resource = 'Alarms/Topic';
    return [
      decide(template, ofTopic(), { principal, action: 'sns:Publish', resource, context }),
      ...['kms:Decrypt', 'kms:GenerateDataKey'].map((action) =>
        decide(template, ofKey(), { principal, action, context }),
      ),
    ];
  };

  it('may publish to the topic, and may encrypt with its key', () => {
    for (const alarm of Object.keys(expected(stage))) {
      expect(publish({ alarm: `p2p-gateway-${stage}-${alarm}` })).toEqual(['allowed', 'allowed', 'allowed']);
    }
  });

  it('may do neither for an alarm of another account, for another alarm of this account, or in the clear', () => {
    expect(publish({ account: '999999999999' })).toEqual(['not allowed', 'not allowed', 'not allowed']);
    expect(publish({ alarm: 'someone-elses' })[0]).toBe('not allowed');
    expect(publish({ tls: 'false' })[0]).toBe('denied');
  });

  it('is the only service that may', () => {
    for (const principal of ['events.amazonaws.com', 's3.amazonaws.com', 'Functions/Fetch/Role']) {
      expect(publish({ principal })).toEqual(['not allowed', 'not allowed', 'not allowed']);
    }
  });
});

/** `name {dimension names}` of each metric that a log line makes. */
const namesIn = (line: string): string[] =>
  metricsOf(line).map(
    ({ namespace, name, dimensions }) => `${namespace} ${name} {${Object.keys(dimensions).sort().join(' ')}}`,
  );

/** What functions write when everything that alarms watch for happens. */
const writtenByFunctions = async (): Promise<ReadonlySet<string>> => {
  const { deps, lines, dynamo } = testDeps();
  const limits = { client: dynamo.client, name: 'Limits' };
  const http = async (): Promise<Response> => new Response('', { status: 500 });
  const context = { awsRequestId: 'x', getRemainingTimeInMillis: () => 60_000 } as Context;
  await canaryHandler({ ...deps, limits, http, connect: async () => ({}) })({}, context);

  const login = gateway();
  const code = await login.login();
  await login.redeem(code);

  const reads = fetchGateway();
  const { token } = await reads.grant();
  reads.payer.http = async () =>
    new Response(
      new ReadableStream({
        start: (controller) => {
          controller.enqueue(Buffer.from('{"resourceType":"Bundle",'));
          controller.error(new Error('cut'));
        },
      }),
      { headers: fhir({}).headers },
    );
  await read(reads.deps, 'Observation', token).catch(() => undefined);

  const audit: string[] = [];
  const bucket = { client: { send: () => Promise.reject(new Error('no')) } as never, name: 'bucket' };
  const event: DynamoDBStreamEvent = {
    Records: [
      { eventName: 'INSERT', dynamodb: { Keys: { eventId: { S: 'x' } } } },
      streamRecord(undefined, newEntryItem('payer#x', { id: 'x' }, { changedAt: 1, changedBy: 'x', reason: '' }), 1000),
    ],
  };
  const auditDeps = {
    clock: deps.clock,
    stage: 'local',
    bucket,
    table: bucket,
    writeLog: (line: string) => audit.push(line),
  };
  await auditHandler(auditDeps)(event, { awsRequestId: 'audit-1' }).catch(() => undefined);

  // Some signals are hard to cause; the record writes all of them in the same way.
  const record = { step: 'refresh', outcome: 'failed', payer: 'northwind', ms: 1 } as const;
  const signals = [
    'refreshFailed',
    'payerDrift',
    'reuseDetected',
    'secretMissing',
    'codeRefused',
    'limitsDown',
    'registryDown',
    'registryDamaged',
    'exportFailed',
    'deliveryFailed',
  ] as const;
  const others = JSON.stringify({ ...record, ...requestMetrics('local', 0, { ...record, signals }) });

  const ends: string[] = [];
  const ending = { clock: deps.clock, registry: deps.registry, writeLog: (line: string) => ends.push(line) };
  writeEnd(ending, { payer: 'northwind', startedAt: 0 } as never, {
    status: 'completed',
    resources: 1,
    why: undefined,
  });

  const follows: string[] = [];
  await followUpHandler({
    clock: deps.clock,
    registry: deps.registry,
    stage: 'local',
    writeLog: (line) => follows.push(line),
    lambda: {} as never,
    exports: bucket,
    functions: { exportJob: '', sweep: '', deliver: '' },
  })({ Records: [{ eventSourceARN: 'arn:aws:dynamodb:r:1:table/x/stream/1', dynamodb: {} }] });
  return new Set([...lines, ...login.lines, ...reads.lines, ...audit, ...ends, ...follows, others].flatMap(namesIn));
};

describe('the custom metrics that alarms watch', () => {
  it('are metrics that functions write: namespace, name and dimensions', async () => {
    const template = await stageTemplate('demo');
    const written = await writtenByFunctions();
    const looksAt = ofType(template, 'AWS::CloudWatch::Alarm').flatMap((alarm) => rowOf(template, alarm).looksAt);
    const plain = looksAt.flatMap((line) => {
      const [, name, dimensions = ''] = /p2p-gateway\/demo (\w+) \{(.*)\}/.exec(line) ?? [];
      const names = dimensions.split(' ').map((one) => one.split('=')[0]);
      return name === undefined ? [] : [`p2p-gateway/local ${name} {${names.join(' ')}}`];
    });
    const grouped = looksAt.flatMap((line) => {
      const [, name, dimensions = ''] = /SUM\((\w+)\) FROM SCHEMA\("p2p-gateway\/demo", ([\w, ]+)\)/.exec(line) ?? [];
      return name === undefined ? [] : [`p2p-gateway/local ${name} {${dimensions.split(', ').sort().join(' ')}}`];
    });

    expect(plain.length).toBeGreaterThan(5);
    expect(grouped).toHaveLength(1);
    expect([...plain, ...grouped].filter((one) => !written.has(one))).toEqual([]);
  });
});

describe('an alarm on errors of functions', () => {
  /** Lambda stamps an error with the second at which the invocation began, and publishes it after the end. */
  const publishedAfterSeconds = 180;

  it('rings for invocations that ran into their time limit, at whatever second they began', async () => {
    const template = await stageTemplate('demo');
    const timeouts = new Map(
      ofType(template, 'AWS::Lambda::Function').map((one) => [pathOf(one), Number(property(one, 'Timeout'))]),
    );
    const deaf: string[] = [];
    let played = 0;
    for (const alarm of ofType(template, 'AWS::CloudWatch::Alarm')) {
      const { looksAt, rings } = rowOf(template, alarm);
      const [, datapoints, periods] = /^(\d+) of (\d+)/.exec(rings)!.map(Number) as [number, number, number];
      const errors = looksAt.join('\n').matchAll(/AWS\/Lambda Errors \{FunctionName=([\w/]+)\} Sum\/(\d+)/g);
      for (const [, path, period] of errors) {
        played += 1;
        const [seconds, late] = [Number(period), timeouts.get(path!)! + publishedAfterSeconds];
        for (let second = 0; second < seconds; second += 1) {
          const begun = Array.from({ length: datapoints }, (_, index) => index * seconds + second);
          const published = Math.max(...begun) + late;
          // CloudWatch evaluates the last whole periods.
          const newest = Math.floor(published / seconds) - 1;
          const seen = begun.filter((began) => Math.floor(began / seconds) > newest - periods);
          if (seen.length < datapoints) deaf.push(`${rings} ${path} ${second}`);
        }
      }
    }

    expect(played).toBe(15);
    expect(deaf).toEqual([]);
  });
});

interface Widget {
  readonly type: string;
  readonly properties: { readonly query?: string; readonly metrics?: readonly unknown[] };
}

/** The dashboard as CloudWatch gets it, each reference replaced by the logical id that it is for. */
const widgetsOf = (template: StageTemplate): readonly Widget[] => {
  const [dashboard] = ofType(template, 'AWS::CloudWatch::Dashboard');
  const body = property(dashboard, 'DashboardBody') as { readonly 'Fn::Join': [string, unknown[]] };
  const text = body['Fn::Join'][1]
    .map((part) => (typeof part === 'string' ? part : (part as { Ref: string }).Ref))
    .join('');
  return (JSON.parse(text) as { widgets: Widget[] }).widgets;
};

describe('the dashboard', () => {
  let widgets: readonly Widget[];
  beforeAll(async () => {
    widgets = widgetsOf(await stageTemplate('production-example'));
  });

  it('names no payer and no partner, so that it is as large with two as with thousands', () => {
    expect(JSON.stringify(widgets)).toContain('p2p-gateway/production-example');
    expect(JSON.stringify(widgets)).not.toMatch(/northwind|lakeside|member-portal/);
  });

  it('asks the logs of the functions that answer requests, in four tables of twenty rows', () => {
    const queries = widgets.flatMap(({ properties: { query } }) => query ?? []);
    const sources = queries.map((query) => [...query.matchAll(/SOURCE '([A-Za-z]+)Logs\w+'/g)].map(([, name]) => name));
    const functions = ['Authorize', 'Callback', 'Connections', 'Token', 'Fetch', 'Discovery'].map(
      (name) => `Functions${name}`,
    );
    expect(sources).toEqual(Array.from({ length: 4 }, () => functions));
    expect(queries.map((query) => query.replace(/^(?:SOURCE '\w+' \| )+/, ''))).toEqual([
      `${totalsQuery('payer')} | sort requests desc | limit 20`,
      `${totalsQuery('partner')} | sort requests desc | limit 20`,
      `${reasonsQuery('payer')} | sort times desc | limit 20`,
      `${reasonsQuery('partner')} | sort times desc | limit 20`,
    ]);
  });

  it('draws the payers with the most failures, twenty at most', () => {
    const drawn = JSON.stringify(widgets.map(({ properties: { metrics } }) => metrics)).replaceAll('\\', '');
    expect(drawn).toContain(
      'SELECT SUM(requests) FROM SCHEMA("p2p-gateway/production-example", outcome, payer, step) ' +
        "WHERE outcome = 'failed' GROUP BY payer ORDER BY SUM() DESC LIMIT 20",
    );
    expect(drawn.match(/GROUP BY payer/g)).toHaveLength(2);
    expect(drawn).not.toMatch(/SEARCH\('[^']*payer/);
  });
});
