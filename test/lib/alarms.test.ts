import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { localStage } from '../../config/local.ts';
import { requestMetrics } from '../../functions/shared/metrics.ts';
import { GatewayAlarms } from '../../lib/alarms.ts';
import { GatewayDashboard } from '../../lib/dashboard.ts';

interface AlarmProperties {
  readonly AlarmDescription: string;
  readonly AlarmActions?: unknown[];
  readonly OKActions?: unknown[];
  readonly Namespace?: string;
  readonly MetricName?: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
  readonly Metrics?: readonly { readonly MetricStat?: { readonly Metric: AlarmProperties } }[];
  readonly TreatMissingData: string;
}

interface Directive {
  readonly Namespace: string;
  readonly Dimensions: readonly (readonly string[])[];
  readonly Metrics: readonly { readonly Name: string }[];
}

/** All but `refreshRepeated`: a lost answer is no fault, and the theft behind a repeat rings as `reuseDetected`. */
const signals = ['payerDown', 'refreshFailed', 'reuseDetected', 'auditNotWritten', 'secretMissing'] as const;

const synthesised = (): Template => {
  const stack = new Stack(new App(), 'Test');
  const key = new Key(stack, 'Key');
  const lambda = (id: string): LambdaFunction =>
    new LambdaFunction(stack, id, {
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: Code.fromInline('exports.handler = async () => {};'),
    });
  const table = new Table(stack, 'Grants', { partitionKey: { name: 'grantId', type: AttributeType.STRING } });
  const watched = {
    apiName: 'p2p-gateway-local',
    functions: { token: lambda('Token'), audit: lambda('Audit') },
    tables: { grants: table },
  };
  const config = {
    ...localStage(),
    alarmAddresses: ['on-call@example.org'],
    runbookUrl: 'https://runbook.example.org/',
  };
  new GatewayAlarms(stack, 'Alarms', { config, key, ...watched });
  new GatewayDashboard(stack, 'Dashboard', { stage: 'local', ...watched });
  return Template.fromStack(stack);
};

const template = synthesised();
const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
  ({ Properties }) => Properties as AlarmProperties,
);
const own = alarms
  .flatMap((alarm) => [alarm, ...(alarm.Metrics ?? []).flatMap(({ MetricStat }) => MetricStat?.Metric ?? [])])
  .filter(({ Namespace }) => Namespace === 'p2p-gateway/local');

describe('alarms', () => {
  it('reach a person: each has the topic as its alarm and its OK action, and the address is subscribed', () => {
    for (const { AlarmActions = [], OKActions = [] } of alarms) {
      expect([AlarmActions.length, OKActions.length]).toEqual([1, 1]);
    }
    template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'on-call@example.org' });
  });

  it('link to a section that the runbook has', () => {
    const runbook = readFileSync(join(import.meta.dirname, '../../docs/operate.md'), 'utf8');
    const sections = alarms.map(
      ({ AlarmDescription }) => AlarmDescription.split('https://runbook.example.org/#')[1] ?? '',
    );
    for (const section of sections) expect(runbook).toMatch(new RegExp(`^#+ ${section}$`, 'm'));
    expect(new Set(sections).size).toBe(10);
  });

  it('can be published to the encrypted topic', () => {
    template.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() });
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
          }),
        ]),
      },
    });
  });

  it('watch every signal but a repeated refresh, and a payer that is down by its name', () => {
    const watched = new Set(own.map(({ MetricName }) => MetricName));
    for (const signal of signals) expect(watched).toContain(signal);
    const down = own.filter(({ MetricName }) => MetricName === 'payerDown').map(({ Dimensions }) => Dimensions);
    expect(down).toEqual([[{ Name: 'payer', Value: 'demo-health-plan' }], [{ Name: 'payer', Value: 'northwind' }]]);
  });

  it('look at metrics in the namespace and under the dimensions that functions write', () => {
    const { _aws } = requestMetrics('local', 0, {
      step: 'fetch',
      payer: 'northwind',
      ms: 1,
      payerMs: 1,
      bytes: 1,
      signals: [...signals],
    }) as { _aws: { CloudWatchMetrics: Directive[] } };
    const written = _aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
      Metrics.flatMap(({ Name }) => Dimensions.map((names) => [Namespace, Name, [...names].sort()])),
    );
    for (const { Namespace, MetricName, Dimensions = [] } of own) {
      expect(written).toContainEqual([Namespace, MetricName, Dimensions.map(({ Name }) => Name).sort()]);
    }
  });

  it('take silence as well, but for the canary, whose silence is what is wrong', () => {
    const breaching = alarms.filter(({ TreatMissingData }) => TreatMissingData === 'breaching');
    expect(breaching.map(({ AlarmDescription }) => AlarmDescription)).toEqual([
      expect.stringContaining('canary-failed') as string,
    ]);
  });
});

describe('the dashboard', () => {
  it('shows steps and payers by search, so that a new payer needs no new graph', () => {
    const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
    const body = JSON.stringify(dashboard);
    expect(body).toContain('p2p-gateway/local');
    expect(body).toContain('payer,step,outcome');
    expect(body).not.toContain('northwind');
  });
});
