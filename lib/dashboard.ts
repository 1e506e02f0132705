import {
  Dashboard,
  GraphWidget,
  LogQueryVisualizationType,
  LogQueryWidget,
  Stats,
  TextWidget,
  type IMetric,
  type IWidget,
  type Metric,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { signals } from '../functions/shared/errors.ts';
import { reasonsQuery, totalsQuery } from '../functions/shared/metrics/figures-query.ts';
import { gatewayMetrics, period, type GatewayMetrics } from './metrics.ts';
import { apiMetric, requestFunctions, tableMetric, type Watched } from './watched.ts';

export interface GatewayDashboardProps {
  readonly watched: Watched;
}

/**
 * One page: results by step for members and partners, results by payer and by partner, and the state of the gateway
 * itself. It is as large with two payers as with thousands.
 */
export class GatewayDashboard extends Construct {
  constructor(scope: Construct, id: string, { watched }: GatewayDashboardProps) {
    super(scope, id);
    const metrics = gatewayMetrics(watched.stage);
    const rows = [
      ...bySteps(metrics),
      ...payersAndSignals(metrics),
      ...byWhom(watched),
      ...ownHealth(metrics, watched),
      ...exportsAndEvents(metrics, watched),
    ];
    new Dashboard(this, 'Dashboard', { dashboardName: `p2p-gateway-${watched.stage}`, widgets: rows });
  }
}

/** The number of rows in a table, and of series in a graph by payer. */
const mostRows = 20;

const heading = (markdown: string): IWidget[] => [new TextWidget({ markdown: `## ${markdown}`, width: 24, height: 1 })];

const graph = (title: string, left: IMetric[], width = 8): GraphWidget =>
  new GraphWidget({ title, left, width, height: 6, period, leftYAxis: { min: 0 } });

const bySteps = ({ search }: GatewayMetrics): IWidget[][] => [
  heading('By step'),
  [
    graph('Requests by step and outcome', [search(['step', 'outcome'], 'requests', 'Sum')]),
    graph('Median, ms', [search(['step'], 'ms', 'p50')]),
    graph('p99, ms', [search(['step'], 'ms', 'p99')]),
  ],
];

/** Only failures have a payer among their metrics; the tables below have the others. */
const payersAndSignals = ({ worstPayers, payerDuration, bytes, signal }: GatewayMetrics): IWidget[][] => [
  heading('Payers'),
  [
    graph(`Failed, every step: the ${mostRows} payers with the most`, [worstPayers(mostRows)]),
    graph("Payers' own time, ms", [payerDuration('p50'), payerDuration('p99')]),
    graph('Bytes of health data', [bytes()]),
  ],
  [
    graph(
      'Signals',
      signals.map((name) => signal(name)),
      24,
    ),
  ],
];

/**
 * Tables from the log: as many rows with two payers as with thousands. CloudWatch reads the log whenever one is
 * shown.
 */
const byWhom = ({ functions }: Watched): IWidget[][] => {
  const logGroupNames = requestFunctions.map((name) => functions[name].logGroup.logGroupName);
  const table = (title: string, queryString: string, width = 24): LogQueryWidget =>
    new LogQueryWidget({ title, logGroupNames, queryString, view: LogQueryVisualizationType.TABLE, width, height: 8 });
  const top = (query: string, by: string): string => `${query} | sort ${by} desc | limit ${mostRows}`;
  return [
    heading(`The ${mostRows} largest, from the log`),
    [table('Payers', top(totalsQuery('payer'), 'requests'))],
    [table('Partners', top(totalsQuery('partner'), 'requests'))],
    [
      table('Refused and failed, by payer', top(reasonsQuery('payer'), 'times'), 12),
      table('Refused and failed, by partner', top(reasonsQuery('partner'), 'times'), 12),
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

const exportsAndEvents = ({ signal }: GatewayMetrics, { exportFunctions, exportTables }: Watched): IWidget[][] => {
  const { exportJob, sweep, deliver, followUp } = exportFunctions;
  const durable = { exportJob, sweep, deliver };
  const each = (functions: Readonly<Record<string, LambdaFunction>>, name: string, statistic: string): Metric[] =>
    Object.entries(functions).map(([label, lambda]) => lambda.metric(name, { statistic, period, label }));
  return [
    heading('Exports and events'),
    [
      graph('Exports: ended with nothing, waiting for their partner', [
        signal('exportFailed'),
        signal('exportWaiting'),
      ]),
      graph('Executions that run', each(durable, 'ApproximateRunningDurableExecutions', Stats.MAXIMUM)),
      graph('Executions that failed or timed out', [
        ...each(durable, 'DurableExecutionFailed', Stats.SUM),
        ...each(durable, 'DurableExecutionTimedOut', Stats.SUM),
      ]),
    ],
    [
      graph('Function errors and throttles', [
        ...each(exportFunctions, 'Errors', Stats.SUM),
        ...each(exportFunctions, 'Throttles', Stats.SUM),
      ]),
      graph('Follow-up: age of the oldest waiting change, ms', [
        followUp.metric('IteratorAge', { statistic: Stats.MAXIMUM, period }),
      ]),
      graph(
        'Capacity consumed by exports',
        exportTables.flatMap((table) => [
          tableMetric(table, 'ConsumedReadCapacityUnits'),
          tableMetric(table, 'ConsumedWriteCapacityUnits'),
        ]),
      ),
    ],
  ];
};
