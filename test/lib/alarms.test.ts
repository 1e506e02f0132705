import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context, DynamoDBStreamEvent } from 'aws-lambda';
import { auditHandler } from '../../functions/audit/handler.ts';
import { canaryHandler } from '../../functions/canary/handler.ts';
import { writeEnd } from '../../functions/export-job/job/log.ts';
import { followUpHandler } from '../../functions/follow-up/handler.ts';
import { reasonsQuery, totalsQuery } from '../../functions/shared/metrics/figures-query.ts';
import { requestMetrics } from '../../functions/shared/metrics/metrics.ts';
import { timesOfCut } from '../../functions/shared/record/stream-answer.ts';
import { entriesOf, newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import { tableRegistry } from '../../functions/shared/registry/table-registry.ts';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { streamRecord } from '../functions/audit/records.ts';
import { metricsOf, metric as valuesOf } from '../support/embedded-metrics.ts';
import { decide } from '../support/evaluate-policy.ts';
import { fetchGateway, fhir, read } from '../support/fetch-gateway.ts';
import { localData, testDeps } from '../support/gateway.ts';
import { gateway } from '../support/login.ts';
import {
  at,
  nameOf,
  ofType,
  pathOf,
  plainly,
  property,
  stageTemplate,
  stageTemplates,
  statementsOf,
  type Resource,
  type StageTemplate,
} from '../support/stage-template.ts';
import { words } from '../support/words.ts';

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
  /** `datapoints of periods comparison threshold`. */
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
    rings: words(`DatapointsToAlarm EvaluationPeriods ComparisonOperator Threshold`)
      .map((name) => String(properties[name]))
      .join(' ')
      .replace(' ', ' of ')
      .replace('GreaterThanOrEqualToThreshold', '>='),
    missing: String(properties['TreatMissingData']),
    runbook,
  };
};

const once = '1 of 1 >= 1';

const row = (runbook: string, rings: string, ...looksAt: readonly string[]): Row => ({
  looksAt,
  rings,
  missing: 'notBreaching',
  runbook,
});
const lambda = (name: string, path: string, statistic = 'Sum'): string =>
  `AWS/Lambda ${name} {FunctionName=${path}/Function} ${statistic}/300`;
/**
 * A constant beside metrics that may have no data, so that no period lacks a value. `FILL` fills gaps; AWS does not document that it makes a
 * value for a series with no data. Alarms about DynamoDB's metrics "always ignore missing data even if you choose a different option"
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html), and would ring on.
 */
const never = 'TIME_SERIES(0)';
const fills = (metrics: readonly string[], letter = 'm'): string =>
  [never, ...metrics.map((_metric, index) => `FILL(${letter}${index}, 0)`)].join(' + ');
const numbered = (metrics: readonly string[], letter = 'm'): string[] =>
  metrics.map((metric, index) => `${letter}${index} = ${metric}`);
const sum = (...metrics: readonly string[]): string[] => [fills(metrics), ...numbered(metrics)];
const throttled = (...paths: readonly string[]): string[] => sum(...paths.map((path) => lambda('Throttles', path)));
const tablesThrottled = (...names: readonly string[]): string[] => {
  const metrics = names.flatMap((name) =>
    ['Read', 'Write'].map((way) => `AWS/DynamoDB ${way}ThrottleEvents {TableName=Tables/${name}} Sum/300`),
  );
  return sum(...metrics);
};

/** A table's stream that nothing reads, whether Lambda reports no poll of an idle one as 0 or not at all. */
const unread = (runbook: string, room: string, table: string): Row =>
  row(
    runbook,
    once,
    `IF(${never} + FILL(writes, 0) > 0 AND ${never} + FILL(polls, 0) < 1, 1, 0)`,
    `writes = AWS/DynamoDB ConsumedWriteCapacityUnits {TableName=Tables/${table}} Sum/3600`,
    `polls = AWS/Lambda PolledEventCount {EventSourceMappingUUID=${room}/${table}Source} SampleCount/3600`,
  );

/** Of a stage with an edge. CloudFront's metrics have these two dimensions, and Region is always Global. */
const ofEdge = (): Readonly<Record<string, Row>> => {
  const cloudFront = (name: string, statistic = 'Sum') =>
    `AWS/CloudFront ${name} {DistributionId=Edge/Distribution Region=Global} ${statistic}/300`;
  return {
    EdgeErrors: row(
      'edge-errors',
      '2 of 3 >= 5',
      'IF(rate * requests >= 500, rate, 0)',
      `rate = ${cloudFront('5xxErrorRate', 'Average')}`,
      `requests = ${cloudFront('Requests')}`,
    ),
    EdgeFunctionErrors: row(
      'edge-errors',
      '1 of 3 >= 1',
      ...sum(
        ...['LambdaExecutionError', 'LambdaValidationError', 'LambdaLimitExceededErrors'].map((name) =>
          cloudFront(name),
        ),
      ),
    ),
  };
};

/** All alarms of a stage, as CloudWatch gets them. */
const expected = (stage: string): Readonly<Record<string, Row>> => {
  const own = (metric: string, seconds = 300): string => `p2p-gateway/${stage} ${metric} Sum/${seconds}`;
  const signal = (name: string, seconds?: number): string => own(`${name} {}`, seconds);
  const ended = (outcome: string) => (step: string) => `requests {outcome=${outcome} step=${step}}`;
  const [ok, failed] = [ended('ok'), ended('failed')];
  const api = (name: string): string => `AWS/ApiGateway ${name} {ApiName=p2p-gateway-${stage} Stage=${stage}} Sum/300`;
  const p99 = (step: string): string => `${step} = p2p-gateway/${stage} ms {step=${step}} p99/300`;
  /** Errors of functions, and of a streaming one those that are not answers which it cut on purpose. */
  const errors = (streaming: string, path: string, others: readonly string[]): string[] => [
    `${fills(others)} + IF(${never} + FILL(${streaming}, 0) > ${never} + FILL(cut, 0), ${never} + FILL(${streaming}, 0) - FILL(cut, 0), 0)`,
    ...numbered(others.map((other) => lambda('Errors', other))),
    `${streaming} = ${lambda('Errors', path)}`,
    `cut = ${own(`answersCut {function=${streaming}}`)}`,
  ];
  /** An hour at 14.4 times the pace that uses up a month's allowance, or six hours at 6 times (Google's SRE workbook). */
  const burns = (name: string, allowed: number, bad: readonly string[], good: readonly string[]) => {
    const burn = (seconds: number, times: number): Row =>
      row(
        'objectives',
        `1 of 1 >= ${Number((times * allowed).toFixed(2))}`,
        `IF(${fills(bad, 'b')} >= 5, 100 * (${fills(bad, 'b')}) / (${fills(bad, 'b')} + ${fills(good, 'g')}), 0)`,
        ...numbered(
          bad.map((metric) => own(metric, seconds)),
          'b',
        ),
        ...numbered(
          good.map((metric) => own(metric, seconds)),
          'g',
        ),
      );
    return { [`${name}FastBurn`]: burn(3600, 14.4), [`${name}SlowBurn`]: burn(21_600, 6) };
  };
  const steps = ['authorize', 'redeem', 'refresh'];
  const answering = ['Authorize', 'Callback', 'Connections', 'Token'].map((name) => `Functions/${name}`);
  const jobs = ['Exports/ExportJob', 'Exports/Sweep', 'Events/Deliver'];
  return {
    AuditBehind: row('audit-behind', '1 of 1 >= 900000', lambda('IteratorAge', 'Audit/Audit', 'Maximum')),
    AuditFunctionErrors: row('audit-not-written', '1 of 2 >= 1', lambda('Errors', 'Audit/Audit')),
    AuditTimesDiffer: row('audit-times-differ', once, signal('auditTimesDiffer')),
    AuditNotWritten: row('audit-not-written', once, signal('auditNotWritten')),
    'AuditStopped-AuditEvents': unread('audit-behind', 'Audit', 'AuditEvents'),
    'AuditStopped-Grants': unread('audit-behind', 'Audit', 'Grants'),
    'AuditStopped-Registry': unread('audit-behind', 'Audit', 'Registry'),
    // "Metrics that specify only the RuleName dimension refer to the default event bus":
    // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
    ClosingSilent: row(
      'audit-behind',
      '3 of 4 >= 1',
      `IF(${never} + FILL(canary, 0) > 0 AND ${never} + FILL(closings, 0) <= ${never} + FILL(failed, 0), 1, 0)`,
      `canary = ${lambda('Invocations', 'Canary/Canary')}`,
      'closings = AWS/Events Invocations {RuleName=Audit/CloseReads} Sum/300',
      'failed = AWS/Events FailedInvocations {RuleName=Audit/CloseReads} Sum/300',
    ),
    CanarySilent: {
      ...row('canary-failed', '3 of 4 LessThanThreshold 1', own('canaryWell {}')),
      missing: 'breaching',
    },
    ...(stage === 'demo' ? {} : ofEdge()),
    DeliveryFailed: row('delivery-failed', once, signal('deliveryFailed')),
    EventsGivenUp: row(
      'events-given-up',
      once,
      ...sum(
        ...jobs.map(
          (path) => `AWS/SQS ApproximateNumberOfMessagesVisible {QueueName=${path}DeadLetters.QueueName} Maximum/300`,
        ),
        // "the number of times that Lambda attempts to send an event to a dead-letter queue (DLQ) but fails":
        // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
        ...jobs.map((path) => lambda('DeadLetterErrors', path)),
      ),
    ),
    ExecutionsFailed: row(
      'exports-failed',
      once,
      ...sum(...jobs.flatMap((path) => ['Failed', 'TimedOut'].map((end) => lambda(`DurableExecution${end}`, path)))),
    ),
    ExportErrors: row('exports-failed', '2 of 6 >= 1', ...errors('export', 'Exports/Export', jobs)),
    ExportTableThrottles: row('throttles', '2 of 3 >= 1', ...tablesThrottled('Exports')),
    ExportThrottles: row(
      'throttles',
      '2 of 3 >= 1',
      ...throttled('Exports/Export', 'Exports/ExportJob', 'Events/FollowUp', 'Exports/Sweep', 'Events/Deliver'),
    ),
    ExportsFailed: row('exports-failed', '1 of 1 >= 3', signal('exportFailed', 900)),
    ...burns('SignIns', 0.1, steps.map(failed), steps.map(ok)),
    ...burns('Reads', 1, [failed('fetch')], [ok('fetch')]),
    ...burns('Exports', 5, ['exportFailed {}'], ['exports {outcome=completed}', 'exports {outcome=partial}']),
    FollowUpBehind: row('follow-up-behind', '1 of 1 >= 300000', lambda('IteratorAge', 'Events/FollowUp', 'Maximum')),
    FollowUpErrors: row(
      'follow-up-behind',
      '2 of 3 >= 1',
      ...sum(signal('followUpFailed'), lambda('Errors', 'Events/FollowUp')),
    ),
    'FollowUpStopped-Exports': unread('follow-up-behind', 'Events', 'Exports'),
    'FollowUpStopped-Grants': unread('follow-up-behind', 'Events', 'Grants'),
    FunctionErrors: row(
      'server-errors',
      '1 of 5 >= 1',
      ...errors('fetch', 'Functions/Fetch', [...answering, 'Functions/Discovery', 'Audit/Audit', 'Canary/Canary']),
    ),
    FunctionThrottles: row(
      'throttles',
      '2 of 3 >= 1',
      ...throttled(...answering, 'Functions/Fetch', 'Functions/Discovery', 'Audit/Audit', 'Canary/Canary'),
    ),
    LimitsDown: row('limits-down', '2 of 3 >= 5', signal('limitsDown')),
    ManyPayers: row('many-payers', '2 of 3 >= 100', own(failed('canary'))),
    PayerDown: row(
      'payer-down',
      '2 of 3 >= 3',
      `SELECT SUM(payerDown) FROM SCHEMA("p2p-gateway/${stage}", payer) GROUP BY payer ORDER BY SUM() DESC /300`,
    ),
    PayerDrift: row('payer-drift', once, signal('payerDrift')),
    RefreshFailures: row('refresh-failures', '1 of 1 >= 5', signal('refreshFailed', 900)),
    RegistryDamaged: row('registry-damaged', once, signal('registryDamaged')),
    RegistryDown: row('registry-down', '2 of 3 >= 5', signal('registryDown')),
    ReuseDetected: row('reuse-detected', once, signal('reuseDetected')),
    CodesRefused: row('codes-refused', '1 of 1 >= 5', signal('codeRefused', 3600)),
    SecretMissing: row('secret-missing', once, signal('secretMissing')),
    ServerErrors: row(
      'server-errors',
      '2 of 3 >= 5',
      'IF(errors >= 5, 100 * errors / requests, 0)',
      `errors = ${api('5XXError')}`,
      `requests = ${api('Count')}`,
    ),
    SlowAnswers: row('slow-answers', '3 of 3 >= 2000', 'MAX([authorize, redeem, refresh])', ...steps.map(p99)),
    IndexThrottles: row(
      'throttles',
      '2 of 3 >= 1',
      ...sum(
        ...['Member TableName=Tables/Grants', 'OpenReads TableName=Tables/AuditEvents'].flatMap((of) =>
          ['Read', 'Write'].map((way) => `AWS/DynamoDB ${way}ThrottleEvents {GlobalSecondaryIndexName=${of}} Sum/300`),
        ),
      ),
    ),
    TableThrottles: row(
      'throttles',
      '2 of 3 >= 1',
      ...tablesThrottled('LoginAttempts', 'Grants', 'AuditEvents', 'Limits', 'Registry'),
    ),
  };
};

const alarmsOf = (template: StageTemplate) => ofType(template, 'AWS::CloudWatch::Alarm');
const severityOf = (alarm: Resource): string => String(property(alarm, 'AlarmDescription')).split(':')[0]!;
const page = readFileSync(join(import.meta.dirname, '../../docs/alarms.md'), 'utf8');

describe.each(await stageTemplates(plainly))('the alarms of %s', (stage, template) => {
  const prefix = new RegExp(`^p2p-gateway-${stage}-`);
  const alarms = alarmsOf(template).map(
    (alarm) => [String(property(alarm, 'AlarmName')).replace(prefix, ''), alarm] as const,
  );

  it('are exactly these, each with its metric, its threshold and what missing data means', () => {
    const named = alarmsOf(template).map((alarm) => [property(alarm, 'AlarmName'), rowOf(template, alarm)]);
    const rows = Object.entries(expected(stage)).map(([name, one]) => [`p2p-gateway-${stage}-${name}`, one]);
    expect(Object.fromEntries(named)).toEqual(Object.fromEntries(rows));
  });

  it('have a value in each period where they are about DynamoDB, whose missing data CloudWatch ignores', () => {
    const about = alarms.map(([name, alarm]) => [name, JSON.stringify(alarm.Properties)] as const);
    const ofTables = about.filter(([, text]) => text.includes('AWS/DynamoDB'));

    expect(ofTables.length).toBeGreaterThan(5);
    expect(ofTables.filter(([, text]) => !text.includes(never)).map(([name]) => name)).toEqual([]);
  });

  it('fill a series only beside a constant, so that one without a single data point counts as 0', () => {
    const filling = alarms.map(([name, alarm]) => [name, JSON.stringify(alarm.Properties)] as const);
    const withConstant = /TIME_SERIES\(0\)(?: [+-] FILL\(\w+, 0\))+/g;

    expect(filling.filter(([, text]) => text.includes('FILL(')).length).toBeGreaterThan(15);
    expect(
      filling.filter(([, text]) => text.replaceAll(withConstant, '').includes('FILL(')).map(([name]) => name),
    ).toEqual([]);
  });

  it('notify the topic of their severity when they fire and when they recover, and nothing disables them', () => {
    const tickets = stage === 'demo' ? 'Alarms/Topic' : 'Alarms/Tickets';
    expect(ofType(template, 'AWS::SNS::Topic').map(pathOf)).toEqual([...new Set(['Alarms/Topic', tickets])]);
    for (const [name, alarm] of alarms) {
      const { AlarmActions, OKActions, ActionsEnabled = true, InsufficientDataActions } = alarm.Properties ?? {};
      const topics = [AlarmActions, OKActions].map((to) => (to as unknown[]).map((one) => nameOf(template, one)));
      const topic = { Page: 'Alarms/Topic', Ticket: tickets }[severityOf(alarm)];
      expect([name, ...topics, ActionsEnabled, InsufficientDataActions]).toEqual([
        name,
        [topic],
        [topic],
        true,
        undefined,
      ]);
    }
    const outputs = ['AlarmTopic', 'TicketTopic'].map((name) => nameOf(template, template.Outputs[name]?.Value));
    expect(outputs).toEqual(['Alarms/Topic', tickets]);
  });

  it.each(['Page', 'Ticket'])('of severity %s are those that docs/alarms.md lists under it', (severity) => {
    const text = page.replaceAll(/\n +/g, ' ');
    const [, names = ''] = new RegExp(`^- \\*\\*${severity}\\*\\*.*?: (.*)$`, 'm').exec(text) ?? [];
    const found = alarms.filter(([, alarm]) => severityOf(alarm) === severity);
    const short = found.map(([name]) => name.replace(/Stopped-.*/, 'Stopped-…'));
    const listed = [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    const ofStage = listed.filter((name) => stage !== 'demo' || !(name in ofEdge()));
    expect(ofStage.sort()).toEqual([...new Set(short)].sort());
  });

  it('are mailed to the addresses of the configuration, and to no one else', () => {
    const subscribed = ofType(template, 'AWS::SNS::Subscription').map(({ Properties = {} }) =>
      ['Protocol', 'Endpoint', 'TopicArn'].map((name) => nameOf(template, Properties[name])),
    );
    const configured = [
      ['email', 'gateway-oncall@plan.example.org', 'Alarms/Topic'],
      ['email', 'gateway-team@plan.example.org', 'Alarms/Tickets'],
    ];
    expect(subscribed).toEqual(stage === 'demo' ? [] : configured);
  });

  it('look at the throttles of every index, which those of its table do not have', () => {
    const indexes = ofType(template, 'AWS::DynamoDB::Table').flatMap((table) =>
      ((property(table, 'GlobalSecondaryIndexes') ?? []) as { IndexName: string }[]).map(({ IndexName }) => IndexName),
    );
    const metrics = alarms.flatMap(([, alarm]) => rowOf(template, alarm).looksAt).join('\n');
    expect(indexes.length).toBeGreaterThan(0);
    for (const index of indexes) {
      expect(metrics).toMatch(new RegExp(`ReadThrottleEvents .*GlobalSecondaryIndexName=${index}\\b`));
      expect(metrics).toMatch(new RegExp(`WriteThrottleEvents .*GlobalSecondaryIndexName=${index}\\b`));
    }
  });

  it('look at every schedule, which otherwise might end unnoticed', () => {
    const schedules = ofType(template, 'AWS::Events::Rule').filter(
      (rule) => property(rule, 'ScheduleExpression') !== undefined,
    );
    const silent = alarms
      .filter(([name]) => name.endsWith('Silent'))
      .map(([, alarm]) => rowOf(template, alarm).looksAt.join('\n'));
    const unwatched = schedules.filter((rule) => {
      const [{ Arn }] = property(rule, 'Targets') as [{ Arn: unknown }];
      const watched = [
        ...(nameOf(template, Arn) === 'Canary/Canary/Function' ? ['canaryWell {}'] : []),
        `AWS/Events Invocations {RuleName=${pathOf(rule)}}`,
      ];
      return !watched.some((metric) => silent.some((looksAt) => looksAt.includes(metric)));
    });
    expect([schedules.length, unwatched.map(pathOf)]).toEqual([2, []]);
  });

  it('have a description, and link to an existing section of the runbook', () => {
    const base = stage === 'demo' ? 'docs/alarms.md' : 'https://runbooks.plan.example.org/alarms.md';
    for (const [, alarm] of alarms) {
      const description: string = property(alarm, 'AlarmDescription');
      const [, says = '', section] = /^(.*) Runbook: (?:.*)#([\w-]+)$/.exec(description) ?? [];
      expect(says.length).toBeGreaterThan(20);
      expect(description).toContain(` Runbook: ${base}#${section}`);
      expect(page).toMatch(new RegExp(`^#+ ${section}$`, 'm'));
    }
  });
});

describe.each(await stageTemplates())('CloudWatch, for an alarm of %s', (stage, template) => {
  /** What the topic and the key allow CloudWatch when it publishes for an alarm: all three must be allowed. */
  const publish = ({
    principal = 'cloudwatch.amazonaws.com',
    account = '{account}',
    alarm = 'ServerErrors',
    of = `p2p-gateway-${stage}-`,
    tls = 'true',
  } = {}): string[] => {
    const context = {
      'aws:SourceAccount': account,
      'aws:SourceArn': `arn:{partition}:cloudwatch:{region}:${account}:alarm:${of}${alarm}`,
      'aws:SecureTransport': tls,
    };
    const topic = ofType(template, 'AWS::SNS::TopicPolicy')
      .filter((policy) => JSON.stringify(property(policy, 'Topics')).includes('AlarmsTopic'))
      .flatMap((policy) => statementsOf(policy));
    const keyPath = nameOf(template, property(at(template, 'Alarms/Topic'), 'KmsMasterKeyId'));
    const key = statementsOf(at(template, keyPath), 'KeyPolicy');
    return [
      decide(template, topic, { principal, action: 'sns:Publish', resource: 'Alarms/Topic', context }),
      decide(template, key, { principal, action: 'kms:Decrypt', context }),
      decide(template, key, { principal, action: 'kms:GenerateDataKey', context }),
    ];
  };

  it('may publish to the topic, and may encrypt with its key', () => {
    const decisions = Object.keys(expected(stage)).flatMap((alarm) => publish({ alarm }));
    expect(new Set(decisions)).toEqual(new Set(['allowed']));
  });

  it('may do neither for an alarm of another account, for another alarm of this account, or in the clear', () => {
    expect(publish({ account: '999999999999' })).toEqual(['not allowed', 'not allowed', 'not allowed']);
    expect(publish({ of: 'someone-elses' })[0]).toBe('not allowed');
    expect(publish({ tls: 'false' })[0]).toBe('denied');
  });

  it.each(['events.amazonaws.com', 's3.amazonaws.com', 'Functions/Fetch/Role'])(
    'is the only service that may: %s may not',
    (principal) => {
      expect(publish({ principal })).toEqual(['not allowed', 'not allowed', 'not allowed']);
    },
  );
});

/** `name {dimension names}` of each metric that a log line makes. */
const namesIn = (line: string): string[] =>
  metricsOf(line).map(
    ({ namespace, name, dimensions }) => `${namespace} ${name} {${Object.keys(dimensions).sort().join(' ')}}`,
  );

/** What functions write when everything that alarms watch for happens. */
const writtenByFunctions = async (): Promise<ReadonlySet<string>> => {
  const { deps, lines, dynamo } = testDeps();
  const { clock, registry } = deps;
  const writeLog = (line: string) => lines.push(line);
  const limits = { client: dynamo.client, name: 'Limits' };
  const http = async (): Promise<Response> => new Response('', { status: 500 });
  const context = { awsRequestId: 'x', getRemainingTimeInMillis: () => 60_000 } as Context;
  await canaryHandler({ ...deps, limits, http, connect: async () => ({}) })({}, context);

  const login = gateway();
  await login.redeem(await login.login());

  const reads = fetchGateway();
  const { token } = await reads.grant();
  const cut = new ReadableStream({
    start: (controller) => {
      controller.enqueue(Buffer.from('{"resourceType":"Bundle",'));
      controller.error(new Error('cut'));
    },
  });
  reads.payer.http = async () => new Response(cut, { headers: fhir({}).headers });
  await read(reads.deps, 'Observation', token).catch(() => undefined);

  const bucket = { client: { send: () => Promise.reject(new Error('no')) } as never, name: 'bucket' };
  const entry = newEntryItem('payer#x', { id: 'x' }, { changedAt: 1, changedBy: 'x', reason: '' });
  const event: DynamoDBStreamEvent = {
    Records: [
      { eventName: 'INSERT', dynamodb: { Keys: { eventId: { S: 'x' } } } },
      streamRecord(undefined, entry, 1000),
    ],
  };
  const audit = auditHandler({ clock, stage: 'local', bucket, table: bucket, writeLog });
  await audit(event, { awsRequestId: 'audit-1' }).catch(() => undefined);

  // Some signals are hard to cause; the record writes all of them in the same way.
  const record = { step: 'refresh', outcome: 'failed', payer: 'northwind', ms: 1 } as const;
  const signals = words(`
    refreshFailed payerDrift reuseDetected secretMissing codeRefused limitsDown registryDown registryDamaged
    exportFailed deliveryFailed
  `) as never;
  lines.push(JSON.stringify({ ...record, ...requestMetrics('local', 0, { ...record, signals }) }));

  const end = { status: 'completed', resources: 1, why: undefined } as const;
  writeEnd({ clock, registry, writeLog }, { payer: 'northwind', startedAt: 0 } as never, end);

  const functions = { exportJob: '', sweep: '', deliver: '' };
  const followUp = followUpHandler({
    clock,
    registry,
    stage: 'local',
    writeLog,
    lambda: {} as never,
    exports: bucket,
    functions,
  });
  await followUp({ Records: [{ eventSourceARN: 'arn:aws:dynamodb:r:1:table/x/stream/1', dynamodb: {} }] });
  return new Set([...lines, ...login.lines, ...reads.lines].flatMap(namesIn));
};

describe('the custom metrics that alarms watch', () => {
  it('are metrics that functions write: namespace, name and dimensions', async () => {
    const template = await stageTemplate('demo');
    const written = await writtenByFunctions();
    const looksAt = alarmsOf(template).flatMap((alarm) => rowOf(template, alarm).looksAt);
    const metric = (name: string | undefined, dimensions: readonly string[]): string[] =>
      name === undefined ? [] : [`p2p-gateway/local ${name} {${dimensions.join(' ')}}`];
    const plain = looksAt.flatMap((line) => {
      const [, name, dimensions = ''] = /p2p-gateway\/demo (\w+) \{(.*)\}/.exec(line) ?? [];
      return metric(
        name,
        dimensions.split(' ').map((one) => one.split('=')[0]!),
      );
    });
    const grouped = looksAt.flatMap((line) => {
      const [, name, dimensions = ''] = /SUM\((\w+)\) FROM SCHEMA\("p2p-gateway\/demo", ([\w, ]+)\)/.exec(line) ?? [];
      return metric(name, dimensions.split(', ').sort());
    });

    expect(plain.length).toBeGreaterThan(5);
    expect(grouped).toHaveLength(1);
    expect([...plain, ...grouped].filter((one) => !written.has(one))).toEqual([]);
  });
});

/** The stage in a table, as its first deployment fills it. */
const filledStage = ({ partners, ...rest }: RegistryData = localData()) => {
  const data: RegistryData = { ...rest, partners: partners.map((one) => ({ ...one, consent: 'gateway' })) };
  const test = testDeps({ registry: data });
  const items = test.dynamo.items('Registry');
  const by = { changedAt: 1, changedBy: 'x', reason: '' };
  for (const [id, entry] of entriesOf(data)) items.set(id, newEntryItem(id, entry, by));
  const writeLog = (line: string): void => void test.lines.push(line);
  const table = { client: test.dynamo.client, name: 'Registry' };
  const registry = tableRegistry({ ...test.deps, ...data, table, writeLog });
  let status = 404;
  const http = async (input: string | URL): Promise<Response> => {
    const { pathname } = new URL(input);
    const endpoint = pathname.replace(/^\/r4\/([\w-]+)\/.*/, 'http://localhost:3000/oauth2/authorize/$1');
    if (pathname.endsWith('smart-configuration')) return Response.json({ authorization_endpoint: endpoint });
    return new Response('', { status: pathname.startsWith('/oauth2/authorize/') ? 200 : status });
  };
  const limits = { client: test.dynamo.client, name: 'Limits' };
  const context = { awsRequestId: 'x', getRemainingTimeInMillis: () => 60_000 } as Context;
  return {
    items,
    lines: test.lines,
    deletes: (keys: RegExp): void =>
      [...items.keys()].filter((key) => keys.test(key)).forEach((key) => items.delete(key)),
    pauses: (keys: RegExp): void => {
      const stop = { M: { at: { N: '1' }, by: { S: 'x' }, reason: { S: 'x' } } };
      for (const [key, item] of items) if (keys.test(key)) items.set(key, { ...item, stop });
    },
    fails: (): void => void (status = 500),
    goesDown: (): void => test.dynamo.standIn('GetItem', () => Promise.reject(new Error('down'))),
    /** Runs the canary once in each period, and returns what CloudWatch has of each. */
    periods: async (count: number): Promise<readonly (readonly string[])[]> => {
      const periods: (readonly string[])[] = [];
      for (let run = 0; run < count; run += 1) {
        test.lines.length = 0;
        const deps = { ...test.deps, writeLog, registry, limits, http, connect: async () => ({}) };
        await canaryHandler(deps)({}, context).catch(() => undefined);
        periods.push([...test.lines]);
        test.passSeconds(300);
      }
      return periods;
    },
  };
};
type Filled = ReturnType<typeof filledStage>;

describe('the alarms about the canary and the registry', () => {
  /** Whether an alarm about one metric of ours rings, given the log lines of each period. */
  const rings = async (name: string, periods: readonly (readonly string[])[]): Promise<boolean> => {
    const template = await stageTemplate('demo');
    const alarm = alarmsOf(template).find((one) => property(one, 'AlarmName') === `p2p-gateway-demo-${name}`)!;
    const { looksAt, rings: when, missing } = rowOf(template, alarm);
    const [, watched] = /^p2p-gateway\/demo (\w+) \{\} Sum\/300$/.exec(looksAt.join()) ?? [];
    const [, enough, of, comparison, threshold] = /^(\d) of (\d) (\S+) (\d+)$/.exec(when)!;
    const isBreaching = (lines: readonly string[]): boolean => {
      const values = lines.flatMap((line) => Object.values(valuesOf(line, watched!)));
      if (values.length === 0) return missing === 'breaching';
      const total = values.reduce((one, other) => one + other, 0);
      return comparison === '>=' ? total >= Number(threshold) : total < Number(threshold);
    };
    return periods.slice(-Number(of)).filter(isBreaching).length >= Number(enough);
  };
  const everyPayer = /^payer#/;

  it.each<[string, (stage: Filled) => unknown]>([
    ['the payers pass', () => undefined],
    ['an operator has paused every payer', ({ pauses }) => pauses(everyPayer)],
    ['one payer passes, and the others are paused', ({ pauses }) => pauses(/^payer#northwind/)],
  ])('are silent while %s', async (_, prepare) => {
    const stage = filledStage();
    prepare(stage);
    const periods = await stage.periods(4);

    expect([await rings('CanarySilent', periods), await rings('RegistryDamaged', periods)]).toEqual([false, false]);
  });

  it('are silent in a stage that was filled without payers', async () => {
    const periods = await filledStage({ ...localData(), payers: [] }).periods(4);

    expect([await rings('CanarySilent', periods), await rings('RegistryDamaged', periods)]).toEqual([false, false]);
  });

  it.each<[string, (stage: Filled) => unknown, isDamaged: boolean]>([
    ['every item of the registry was deleted', ({ items }) => items.clear(), true],
    ['the payers were deleted, and the directory was not', ({ deletes }) => deletes(everyPayer), true],
    ['the directory was deleted', ({ deletes }) => deletes(/^directory#/), true],
    ['the partners that the directory names were deleted', ({ deletes }) => deletes(/^partner#/), true],
    ['no payer works', ({ fails }) => fails(), false],
    ['the registry cannot be read', ({ goesDown }) => goesDown(), false],
  ])('page within fifteen minutes once %s', async (_, prepare, isDamaged) => {
    const stage = filledStage();
    const before = await stage.periods(1);
    prepare(stage);
    const periods = await stage.periods(3);

    expect(await rings('CanarySilent', [...before, ...periods])).toBe(true);
    expect(await rings('RegistryDamaged', periods.slice(0, 1))).toBe(isDamaged);
  });

  it('page within fifteen minutes once the log lines no longer arrive, paused payers or not', async () => {
    for (const paused of [/^$/, everyPayer]) {
      const stage = filledStage();
      stage.pauses(paused);

      expect(await rings('CanarySilent', [...(await stage.periods(1)), [], [], []])).toBe(true);
    }
  });

  it('tell of one payer whose item was deleted, though the others pass', async () => {
    const stage = filledStage();
    stage.deletes(/^payer#northwind$/);
    const periods = await stage.periods(4);

    expect([await rings('CanarySilent', periods), await rings('RegistryDamaged', periods)]).toEqual([false, true]);
    expect(periods[0]!.map((line) => (JSON.parse(line) as { detail?: string }).detail)).toContain(
      'registry: payer#northwind is missing',
    );
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
    for (const { looksAt, rings } of alarmsOf(template).map((alarm) => rowOf(template, alarm))) {
      const [, datapoints = 0, periods = 0] = /^(\d+) of (\d+)/.exec(rings)!.map(Number);
      const errors = looksAt.join('\n').matchAll(/AWS\/Lambda Errors \{FunctionName=([\w/]+)\} Sum\/(\d+)/g);
      for (const [, path, period] of errors) {
        played += 1;
        const [seconds, late] = [Number(period), timeouts.get(path!)! + publishedAfterSeconds];
        for (let second = 0; second < seconds; second += 1) {
          const begun = Array.from({ length: datapoints }, (_, index) => index * seconds + second);
          // CloudWatch evaluates the last whole periods.
          const newest = Math.floor((Math.max(...begun) + late) / seconds) - 1;
          const seen = begun.filter((began) => Math.floor(began / seconds) > newest - periods);
          if (seen.length < datapoints) deaf.push(`${rings} ${path} ${second}`);
        }
      }
    }

    expect([played, deaf]).toEqual([14, []]);
  });
});

describe('an alarm on errors of a function that streams', () => {
  it('does not ring for an answer that was cut, in a period from whatever minute, however long the function loads before', () => {
    const minute = 60_000;
    const rung: string[] = [];
    for (let beganMs = 10 * minute; beganMs < 11 * minute; beganMs += 500) {
      for (const loading of [0, 1, 400, 2000, 9999, 10_000]) {
        const [error, cuts] = [beganMs, timesOfCut(beganMs + loading)];
        // CloudWatch evaluates the last five whole minutes, each minute.
        for (let from = 5 * minute; from <= 12 * minute; from += minute) {
          const isIn = (timeMs: number) => timeMs >= from && timeMs < from + 5 * minute;
          if ([error].filter(isIn).length > cuts.filter(isIn).length) rung.push(`${beganMs} ${loading} ${from}`);
        }
      }
    }
    expect(rung).toEqual([]);
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
    const functions = words('Authorize Callback Connections Token Fetch Discovery').map((name) => `Functions${name}`);
    expect(sources).toEqual([functions, functions, functions, functions]);
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
