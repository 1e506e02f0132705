import type { StageConfig } from '../stage.ts';
import { endpointCalls } from './endpoint-calls.ts';

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
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
  'sqs:SendMessage',
];

/** What a network of the stack's own needs: its flow log, and the CDK's function that closes the default security group. */
const ownNetworkActions = [
  'ec2:AuthorizeSecurityGroupEgress',
  'ec2:AuthorizeSecurityGroupIngress',
  'ec2:RevokeSecurityGroupEgress',
  'ec2:RevokeSecurityGroupIngress',
  'logs:DescribeLogStreams',
];

/** What API Gateway asks of the role by which it writes its log: AWS's policy `AmazonAPIGatewayPushToCloudWatchLogs`. */
export const apiGatewayLogActions = [
  'logs:CreateLogGroup',
  'logs:CreateLogStream',
  'logs:DescribeLogGroups',
  'logs:DescribeLogStreams',
  'logs:FilterLogEvents',
  'logs:GetLogEvents',
  'logs:PutLogEvents',
];

/**
 * What a permissions boundary must allow the stack's roles, each once and sorted. Without those of a network of the stack's own
 * or of API Gateway's role the deployment fails; without another, what needs it fails when it runs.
 */
export const boundaryActions = ({
  apiGatewayLogRole,
  existing,
  network,
}: Pick<StageConfig, 'apiGatewayLogRole' | 'existing' | 'network'>): readonly string[] =>
  [
    ...new Set([
      ...Object.values(endpointCalls).flat(),
      ...doneForFunctions,
      ...doneByLambda,
      ...(existing?.vpc === undefined && network === 'none' ? [] : networkInterfaceActions),
      ...(network === 'none' ? [] : ownNetworkActions),
      ...(apiGatewayLogRole ? apiGatewayLogActions : []),
    ]),
  ].toSorted();
