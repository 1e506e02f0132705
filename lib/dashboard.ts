import {
  Dashboard,
  GraphWidget,
  Stats,
  TextWidget,
  type IMetric,
  type IWidget,
  type Metric,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { signals } from '../functions/shared/errors.ts';
import { gatewayMetrics, period, type GatewayMetrics } from './metrics.ts';
import { apiMetric, tableMetric, type Watched } from './watched.ts';

export interface GatewayDashboardProps {
  readonly watched: Watched;
}

/** One page: results by step for members and partners, results by payer, and the state of the gateway itself. */
export class GatewayDashboard extends Construct {
  constructor(scope: Construct, id: string, { watched }: GatewayDashboardProps) {
    super(scope, id);
    const metrics = gatewayMetrics(watched.stage);
    const rows = [...bySteps(metrics), ...byPayers(metrics), ...ownHealth(metrics, watched)];
    new Dashboard(this, 'Dashboard', { dashboardName: `p2p-gateway-${watched.stage}`, widgets: rows });
  }
}

const heading = (markdown: string): IWidget[] => [new TextWidget({ markdown: `## ${markdown}`, width: 24, height: 1 })];

const graph = (title: string, left: IMetric[], width = 8): GraphWidget =>
  new GraphWidget({ title, left, width, height: 6, period, leftYAxis: { min: 0 } });

const bySteps = ({ search }: GatewayMetrics): IWidget[][] => [
  heading('By step'),
  [
    graph('Requests by step and outcome', [search(['step', 'outcome'], 'MetricName="requests"', 'Sum')]),
    graph('Median, ms', [search(['step'], 'MetricName="ms"', 'p50')]),
    graph('p99, ms', [search(['step'], 'MetricName="ms"', 'p99')]),
  ],
];

const byPayers = ({ search, signal }: GatewayMetrics): IWidget[][] => {
  const requests = (filter: string) => search(['payer', 'step', 'outcome'], `MetricName="requests" ${filter}`, 'Sum');
  return [
    heading('By payer'),
    [
      graph('Reads', [requests('step="fetch"')]),
      graph('Logins', [requests('step="callback"')]),
      graph('Failed, every step', [requests('outcome="failed"')]),
    ],
    [
      graph("Payer's own time, p99, ms", [search(['payer'], 'MetricName="payerMs"', 'p99')]),
      graph('Bytes of health data', [search(['payer'], 'MetricName="bytes"', 'Sum')]),
      graph(
        'Signals',
        signals.map((name) => signal(name)),
      ),
    ],
  ];
};

const ownHealth = (metrics: GatewayMetrics, watched: Watched): IWidget[][] => {
  const { functions, tables } = watched;
  const each = (metric: (lambda: LambdaFunction) => Metric): Metric[] =>
    Object.entries(functions).map(([label, lambda]) => metric(lambda).with({ label }));
  const eachTable = (metricName: string): Metric[] =>
    Object.entries(tables).map(([label, table]) => tableMetric(table, metricName).with({ label }));
  return [
    heading('The gateway itself'),
    [
      graph(
        'API: requests, 4xx, 5xx',
        ['Count', '4XXError', '5XXError'].map((name) => apiMetric(watched, name)),
      ),
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
      graph('Capacity consumed: reads', eachTable('ConsumedReadCapacityUnits')),
      graph('Capacity consumed: writes', eachTable('ConsumedWriteCapacityUnits')),
      graph('Audit: age of the oldest waiting event, ms', [
        functions.audit.metric('IteratorAge', { statistic: Stats.MAXIMUM, period }),
      ]),
      graph('Audit: reads whose end is unknown', [metrics.auditEndUnknown()]),
    ],
  ];
};
