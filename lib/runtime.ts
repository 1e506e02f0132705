import { Stack, Validations } from 'aws-cdk-lib';
import { Effect, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { networkInterfaceActions } from '../config/account/boundary-actions.ts';
import { pageSettings, registryData } from '../config/checks/load.ts';
import type { StageConfig } from '../config/stage.ts';
import { pageSettingsFile } from '../functions/shared/pages/settings.ts';
import { bundle } from './bundle.ts';
import type { FunctionNetwork } from './functions-group.ts';
import { allow } from './statements.ts';

export interface GatewayRuntimeProps {
  readonly config: StageConfig;
  /** Encrypts the functions' logs. */
  readonly key: IKey;
  /**
   * Where functions run.
   * @default outside any VPC
   */
  readonly network?: FunctionNetwork | undefined;
}

const functionFolders = [
  'authorize',
  'callback',
  'connections',
  'token',
  'fetch',
  'discovery',
  'audit',
  'canary',
  'fill-registry',
  'export',
  'export-job',
  'follow-up',
  'sweep',
  'deliver',
] as const;

/** A folder under `functions/` that becomes a Lambda function of the stack. */
export type FunctionFolder = (typeof functionFolders)[number];

/**
 * Lambda manages the network interfaces in a VPC with the function's role. Calls by the function's own code carry the
 * function's ARN, and are denied
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
    'The durable functions, whose events would be lost, have one each. Of the others, API Gateway waits for the answer, so ' +
    'the caller learns of a failed call; the streams keep what the audit could not write and the follow-up could not start, ' +
    'and deliver it again; schedules call the canary and the audit again within minutes; a deployment fails with its filling.',
};

const deadEnds = {
  id: 'AwsSolutions-SQS3',
  reason: 'The only queues are dead-letter queues of functions themselves. No program takes messages from them.',
};

const withoutReservation = {
  id: 'HIPAA.Security-LambdaConcurrency',
  reason:
    "API Gateway's throttling limits what reaches the functions. Reserved concurrency is taken from the account's limit, so " +
    'it is configured per function by someone who knows that limit; a new account has none to spare, nor does the edge.',
};

const outsideVpc = {
  id: 'HIPAA.Security-LambdaInsideVPC',
  reason:
    'Functions accept no connections, and call payers on the internet and AWS over TLS. A stage that needs fixed addresses ' +
    'for payers, or flow logs, configures a network.',
};

/** What all functions of a stage share. */
export class GatewayRuntime extends Construct {
  readonly config: StageConfig;
  /** Encrypts the functions' logs. */
  readonly key: IKey;
  /** Where functions run; `undefined` outside any VPC. */
  readonly network: FunctionNetwork | undefined;
  /** The actions that AWS cannot limit to a resource. No other permission of a function is for the resource `*`. */
  readonly policy: ManagedPolicy;
  /** The folder of each function's code. */
  readonly code: Readonly<Record<FunctionFolder, string>>;

  constructor(scope: Construct, id: string, props: GatewayRuntimeProps) {
    super(scope, id);
    this.config = props.config;
    this.key = props.key;
    this.network = props.network;
    const pages = { [pageSettingsFile]: pageSettings(props.config) };
    this.code = bundle(this, functionFolders, {
      'fill-registry': { 'registry.json': registryData(props.config) },
      authorize: pages,
      callback: pages,
      connections: pages,
      discovery: pages,
    });
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
        "X-Ray's two write actions, and in a VPC Lambda's actions on network interfaces, cannot be limited to a resource. " +
        'Functions get them from this one policy, and their code may not use those on network interfaces.',
    });
    // Once for all functions: these rules treat all of them alike.
    Validations.of(Stack.of(this)).acknowledge(
      withoutDeadLetters,
      deadEnds,
      withoutReservation,
      ...(this.network === undefined ? [outsideVpc] : []),
    );
  }
}
