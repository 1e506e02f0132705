import { Stack, Validations } from 'aws-cdk-lib';
import { Effect, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { registryData } from '../config/load.ts';
import type { StageConfig } from '../config/stage.ts';
import { bundle } from './bundle.ts';
import type { FunctionNetwork } from './network.ts';
import { allow } from './statements.ts';

export interface GatewayRuntimeProps {
  readonly config: StageConfig;
  /** Encrypts the functions' logs. */
  readonly key: IKey;
  /** Where functions run; `undefined`: outside any VPC. */
  readonly network: FunctionNetwork | undefined;
}

const functionFolders = ['authorize', 'callback', 'token', 'fetch', 'discovery', 'audit', 'canary'] as const;

/** A folder under `functions/` that becomes a function of the stack. */
export type FunctionFolder = (typeof functionFolders)[number];

const networkInterfaceActions = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

/**
 * Lambda makes a VPC's network interfaces with the function's role. What the function's own code calls bears the
 * function's ARN, and is denied
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions).
 */
const networkInterfaces = (): PolicyStatement[] => [
  allow(networkInterfaceActions, ['*']),
  new PolicyStatement({
    effect: Effect.DENY,
    actions: networkInterfaceActions,
    resources: ['*'],
    conditions: { Null: { 'lambda:SourceFunctionArn': 'false' } },
  }),
];

const withoutDeadLetters = {
  id: 'HIPAA.Security-LambdaDLQ',
  reason:
    'API Gateway waits for its answer, so a failed call is told to the caller. The streams keep what the audit function ' +
    'could not write and give it again, and the canary comes again in five minutes.',
};

const withoutReservation = {
  id: 'HIPAA.Security-LambdaConcurrency',
  reason:
    "API Gateway's throttling bounds what reaches the functions. What a stage reserves beyond comes off the account's " +
    'limit, so who knows that limit configures it for each function; a new account has none to spare, nor does the edge.',
};

const outsideVpc = {
  id: 'HIPAA.Security-LambdaInsideVPC',
  reason:
    'Functions listen to nothing, and call payers on the internet and AWS over TLS. A stage that wants fixed addresses ' +
    'towards payers, or flow logs, configures a network.',
};

/** What all functions of a stage have in common. */
export class GatewayRuntime extends Construct {
  readonly config: StageConfig;
  readonly key: IKey;
  readonly network: FunctionNetwork | undefined;
  /** What Lambda does for a function that AWS lets nobody narrow to a resource. No other right of one has the resource `*`. */
  readonly policy: ManagedPolicy;
  /** Where each function's code is. */
  readonly code: Readonly<Record<FunctionFolder, string>>;

  constructor(scope: Construct, id: string, props: GatewayRuntimeProps) {
    super(scope, id);
    this.config = props.config;
    this.key = props.key;
    this.network = props.network;
    this.code = bundle(this, functionFolders, registryData(props.config));
    this.policy = new ManagedPolicy(this, 'Policy', {
      description: 'What Lambda does for every function of the stage',
      statements: [
        allow(['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], ['*']),
        ...(props.network === undefined ? [] : networkInterfaces()),
      ],
    });
    this.acknowledge();
  }

  private acknowledge(): void {
    Validations.of(this.policy).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason:
        "X-Ray's two writing actions, and in a VPC Lambda's on network interfaces, exist for all resources only. Functions " +
        'have them by this one policy, and their code may not use those on network interfaces.',
    });
    // Once for all functions: they differ in nothing that these rules look at.
    Validations.of(Stack.of(this)).acknowledge(
      withoutDeadLetters,
      withoutReservation,
      ...(this.network === undefined ? [outsideVpc] : []),
    );
  }
}
