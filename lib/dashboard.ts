import { Duration } from 'aws-cdk-lib';
import {
  Dashboard,
  GraphWidget,
  Metric,
  SearchExpression,
  Stats,
  TextWidget,
  type IMetric,
  type IWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { gatewayMetrics } from './metrics.ts';

export interface GatewayDashboardProps {
  readonly stage: string;
  readonly apiName: string;
  /** Every function by name. */
  readonly functions: Readonly<Record<string, LambdaFunction>> & { readonly audit: LambdaFunction };
  readonly tables: Readonly<Record<string, Table>>;
}

const period = Duration.minutes(5);
const signals = [
  'payerDown',
  'refreshFailed',
  'refreshRepeated',
  'reuseDetected',
  'auditNotWritten',
  'secretMissing',
  'answerTooLarge',
  'limitsDown',
] as const;

/** One page: how members and partners fare by step, how each payer does, and what the gateway itself stands on. */
export class GatewayDashboard extends Construct {
  constructor(scope: Construct, id: string, props: GatewayDashboardProps) {
    super(scope, id);
    const rows = [...bySteps(props), ...byPayers(props), ...ownHealth(props)];
    new Dashboard(this, 'Dashboard', { dashboardName: `p2p-gateway-${props.stage}`, widgets: rows });
  }
}

const heading = (markdown: string): IWidget[] => [new TextWidget({ markdown: `## ${markdown}`, width: 24, height: 1 })];

const graph = (title: string, left: IMetric[], width = 8): GraphWidget =>
  new GraphWidget({ title, left, width, height: 6, period, leftYAxis: { min: 0 } });

/** All metrics of a name with these dimensions, whatever their values: a new payer needs no new graph. */
const search = (stage: string, dimensions: string, filter: string, statistic: string): SearchExpression =>
  new SearchExpression({
    expression: `SEARCH('{"${gatewayMetrics(stage).namespace}",${dimensions}} ${filter}', '${statistic}', ${period.toSeconds()})`,
    label: '',
    period,
  });

const bySteps = ({ stage }: GatewayDashboardProps): IWidget[][] => [
  heading('By step'),
  [
    graph('Requests by step and outcome', [search(stage, 'step,outcome', 'MetricName="requests"', 'Sum')]),
    graph('Median, ms', [search(stage, 'step', 'MetricName="ms"', 'p50')]),
    graph('p99, ms', [search(stage, 'step', 'MetricName="ms"', 'p99')]),
  ],
];

const byPayers = ({ stage }: GatewayDashboardProps): IWidget[][] => {
  const requests = (filter: string): SearchExpression =>
    search(stage, 'payer,step,outcome', `MetricName="requests" ${filter}`, 'Sum');
  return [
    heading('By payer'),
    [
      graph('Reads', [requests('step="fetch"')]),
      graph('Logins', [requests('step="callback"')]),
      graph('Failed, every step', [requests('outcome="failed"')]),
    ],
    [
      graph("Payer's own time, p99, ms", [search(stage, 'payer', 'MetricName="payerMs"', 'p99')]),
      graph('Bytes of health data', [search(stage, 'payer', 'MetricName="bytes"', 'Sum')]),
      graph(
        'Signals',
        signals.map((signal) => gatewayMetrics(stage).signal(signal)),
      ),
    ],
  ];
};

const ownHealth = ({ stage, apiName, functions, tables }: GatewayDashboardProps): IWidget[][] => {
  const api = (metricName: string, statistic: string): Metric =>
    new Metric({
      namespace: 'AWS/ApiGateway',
      metricName,
      dimensionsMap: { ApiName: apiName, Stage: stage },
      statistic,
      period,
    });
  const each = (metric: (lambda: LambdaFunction) => Metric): Metric[] =>
    Object.entries(functions).map(([label, lambda]) => metric(lambda).with({ label }));
  const table = (metricName: string): Metric[] =>
    Object.entries(tables).map(([label, { tableName: TableName }]) =>
      new Metric({
        namespace: 'AWS/DynamoDB',
        metricName,
        dimensionsMap: { TableName },
        statistic: Stats.SUM,
        period,
      }).with({ label }),
    );
  return [
    heading('The gateway itself'),
    [
      graph('API: requests, 4xx, 5xx', [api('Count', 'Sum'), api('4XXError', 'Sum'), api('5XXError', 'Sum')]),
      graph('Function errors and throttles', [
        ...each((lambda) => lambda.metricErrors({ period })),
        ...each((lambda) => lambda.metricThrottles({ period })),
      ]),
      graph(
        'Concurrent executions',
        each((lambda) => lambda.metric('ConcurrentExecutions', { statistic: Stats.MAXIMUM, period })),
      ),
    ],
    [
      graph('Capacity consumed: reads', table('ConsumedReadCapacityUnits')),
      graph('Capacity consumed: writes', table('ConsumedWriteCapacityUnits')),
      graph('Audit: age of the oldest waiting event, ms', [
        functions.audit.metric('IteratorAge', { statistic: Stats.MAXIMUM, period }),
      ]),
      graph('Audit: reads whose end is unknown', [
        new Metric({
          namespace: gatewayMetrics(stage).namespace,
          metricName: 'auditEndUnknown',
          statistic: Stats.SUM,
          period,
        }),
      ]),
    ],
  ];
};
