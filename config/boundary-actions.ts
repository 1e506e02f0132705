import { endpointCalls } from './endpoint-calls.ts';
import type { StageConfig } from './stage.ts';

/** What Lambda does with a function's role: its log, its traces, and in a VPC its network interfaces. */
const doneByLambda = ['logs:CreateLogStream', 'logs:PutLogEvents', 'xray:PutTelemetryRecords', 'xray:PutTraceSegments'];
/** What Lambda does with a function's role in a VPC. */
export const networkInterfaceActions = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

/** What AWS does for a function with its role: reads streams, uses keys for tables, and keeps events that it gave up. */
const doneForFunctions = [
  'dynamodb:DescribeStream',
  'dynamodb:GetRecords',
  'dynamodb:GetShardIterator',
  'dynamodb:ListStreams',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
  'sqs:SendMessage',
];

/** What a permissions boundary must allow functions. Without one of these they fail when they run, not when they are deployed. */
export const boundaryActions = ({ existing, network }: Pick<StageConfig, 'existing' | 'network'>): readonly string[] =>
  [
    ...Object.values(endpointCalls).flat(),
    ...doneForFunctions,
    ...doneByLambda,
    ...(existing?.vpc === undefined && network === 'none' ? [] : networkInterfaceActions),
  ].toSorted();
