/** Alarms about exports of whole records, and about the events that partners get. */
import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { ageOfOldest, crashesOf, sumOf, throttlesOf, unreadStream, type AlarmDefinition } from './alarm-definition.ts';
import { gatewayMetrics, period } from './metrics.ts';
import type { Watched } from './watched.ts';

/** Executions that ended without a result. Lambda does not retry them. */
const failuresOf = (functions: readonly LambdaFunction[]) =>
  functions.flatMap((lambda) =>
    ['DurableExecutionFailed', 'DurableExecutionTimedOut'].map((name) =>
      lambda.metric(name, { statistic: 'Sum', period }),
    ),
  );

const aboutFollowUp = ({ stage, exportFunctions: { followUp }, followUpSources }: Watched): AlarmDefinition[] => [
  {
    id: 'FollowUpErrors',
    severity: 'ticket',
    metric: sumOf([gatewayMetrics(stage).followUpFailed(), followUp.metricErrors({ period })]),
    says: 'Changes of grants and exports are not followed up: exports do not start, and partners do not hear of events.',
    runbook: 'follow-up-behind',
    breaching: [2, 3],
  },
  {
    id: 'FollowUpBehind',
    severity: 'page',
    metric: ageOfOldest(followUp),
    says: 'Exports start, and events are sent, more than five minutes late.',
    runbook: 'follow-up-behind',
    threshold: Duration.minutes(5).toMilliseconds(),
  },
  ...Object.entries(followUpSources).map(([name, { source, table }]): AlarmDefinition => ({
    id: `FollowUpStopped-${name}`,
    severity: 'page',
    metric: unreadStream(source, table),
    says: `Nothing follows up the stream of ${name}; what waits in it for 24 hours is lost.`,
    runbook: 'follow-up-behind',
  })),
];

/** All of these alarms, except those about a signal in the log. */
export const aboutExports = (watched: Watched): AlarmDefinition[] => {
  const { exportFunctions, exportTables, deadLetters } = watched;
  const { export: streams, exportJob, sweep, deliver } = exportFunctions;
  const durable = [exportJob, sweep, deliver];
  return [
    {
      id: 'ExecutionsFailed',
      severity: 'ticket',
      // A delivery that no partner took ends well, and has its own alarm.
      metric: sumOf(failuresOf(durable)),
      says: "An export's job, a sweep or a delivery failed: an export is stuck, objects stay until the bucket's lifecycle deletes them, or a partner is not told of an event.",
      runbook: 'exports-failed',
    },
    {
      id: 'EventsGivenUp',
      severity: 'ticket',
      // The messages in the queues, so that the alarm rings until someone empties them, or until SQS stops reporting an idle queue
      // (docs/alarms.md); and the events that Lambda could not put into a queue.
      metric: sumOf([
        ...deadLetters.map((queue) =>
          queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period }),
        ),
        ...durable.map((lambda) => lambda.metric('DeadLetterErrors', { statistic: 'Sum', period })),
      ]),
      says: 'Lambda gave up on events: jobs, sweeps or deliveries that never started, or failed. Queues keep them for 14 days.',
      runbook: 'events-given-up',
    },
    {
      id: 'ExportErrors',
      severity: 'ticket',
      metric: crashesOf(gatewayMetrics(watched.stage), durable, ['export', streams]),
      says: 'A function of exports or events crashed, timed out or could not start. Downloads that were cut are not among them.',
      runbook: 'exports-failed',
      // An invocation may last fifteen minutes.
      breaching: [2, 6],
    },
    {
      id: 'ExportThrottles',
      severity: 'ticket',
      metric: sumOf(Object.values(exportFunctions).map((lambda) => lambda.metricThrottles({ period }))),
      says: 'Lambda refuses to start functions of exports or events: the concurrency is used up.',
      runbook: 'throttles',
      breaching: [2, 3],
    },
    {
      id: 'ExportTableThrottles',
      severity: 'ticket',
      metric: throttlesOf(exportTables.map((table) => ({ table }))),
      says: 'DynamoDB throttles reads or writes of exports.',
      runbook: 'throttles',
      breaching: [2, 3],
    },
    ...aboutFollowUp(watched),
  ];
};
