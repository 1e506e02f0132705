import { Duration, Stack, Validations } from 'aws-cdk-lib';
import type { CfnTable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { EventSourceMapping, FilterCriteria, FilterRule, MetricType, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { GatewayFunction } from './gateway-function.ts';
import { allow } from './statements.ts';

const streamOf = (table: Table): string => {
  if (table.tableStreamArn === undefined) throw new Error(`${table.node.path} has no stream`);
  return table.tableStreamArn;
};

/**
 * The permissions that an event source mapping needs
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/iam-policy-example-lamda-process-dynamodb-streams.html).
 */
export const readStreams = (tables: readonly Table[]) => [
  allow(['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], tables.map(streamOf)),
  allow(
    ['dynamodb:ListStreams'],
    tables.map(({ tableArn }) => `${tableArn}/stream/*`),
  ),
];

/** Accepts, for cdk-nag, the wildcard in {@link readStreams}. */
export const acknowledgeStreams = (reader: GatewayFunction, tables: readonly Table[]): void => {
  for (const table of tables) {
    const id = Stack.of(table).getLogicalId(table.node.defaultChild as CfnTable);
    Validations.of(reader).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${id}.Arn>/stream/*]`,
      reason:
        'ListStreams is called for a table and checked against all of its streams. It returns their names and no record.',
    });
  }
};

interface StreamSource {
  readonly reader: GatewayFunction;
  readonly table: Table;
  /** The kinds of records to read: `INSERT`, `MODIFY`, `REMOVE`. */
  readonly kinds: readonly string[];
  readonly maxBatchingWindow: Duration;
  /**
   * Whether the reader names the first record that failed, so that the batch is repeated from that one on.
   * @default false: a batch fails as a whole
   */
  readonly namesFailures?: boolean;
}

/**
 * Reads from the oldest record on, so that none is missed when the mapping is replaced. A batch that fails is split in
 * half and retried until it succeeds, or until the stream drops it after a day.
 */
export const streamSource = (
  scope: Construct,
  id: string,
  { reader, table, kinds, maxBatchingWindow, namesFailures = false }: StreamSource,
): EventSourceMapping =>
  new EventSourceMapping(scope, id, {
    target: reader.lambda,
    eventSourceArn: streamOf(table),
    startingPosition: StartingPosition.TRIM_HORIZON,
    batchSize: 100,
    maxBatchingWindow,
    bisectBatchOnError: true,
    reportBatchItemFailures: namesFailures,
    // Lambda counts every poll, with 0 when there is no record. An alarm tells from it that the stream is being read.
    metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
    filters: [FilterCriteria.filter({ eventName: FilterRule.or(...kinds) })],
  });
