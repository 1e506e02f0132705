import { Annotations, Duration, Stack, Validations } from 'aws-cdk-lib';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { GatewayFunction, type GatewayFunctionProps } from './gateway-function.ts';
import { allow, allowKeyForHistory, allowKeyForQueue } from './statements.ts';

export interface DurableFunctionProps extends GatewayFunctionProps {
  readonly durable: {
    /** How long one execution may take, waits included. */
    readonly executionTimeout: Duration;
    /** How long its history is kept after it ends. */
    readonly retentionPeriod: Duration;
  };
  /** Encrypts the history, and the events that were given up. */
  readonly historyKey: IKey;
  /**
   * Whether an execution may start another of the same function.
   * @default false
   */
  readonly startsSuccessor?: boolean;
}

/**
 * The queue of the events that Lambda gave up: none of their executions began within six hours, or one failed, was stopped
 * or ran out of time (https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-sdk-retries.html). Lambda checks that
 * the function's role may write to it before it makes the function.
 */
const deadLetterQueue = (scope: Construct, id: string, encryptionMasterKey: IKey): Queue =>
  new Queue(scope, id, {
    encryption: QueueEncryption.KMS,
    encryptionMasterKey,
    enforceSSL: true,
    // The longest that SQS keeps a message.
    retentionPeriod: Duration.days(14),
  });

/**
 * A function whose executions Lambda suspends and resumes. An execution stays with the version it began with, so every
 * version is kept, and a deployment ends no running execution. One that CloudFormation undoes ends those of its own version.
 */
export class DurableFunction extends GatewayFunction {
  /** The ARN of this deployment's version, which new executions use. */
  readonly currentArn: string;
  /** All versions and their executions, for policies. */
  readonly anyVersion: string;
  /** The events that Lambda gave up. */
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: DurableFunctionProps) {
    const deadLetters = deadLetterQueue(scope, `${id}DeadLetters`, props.historyKey);
    const mayGiveUp = [allow(['sqs:SendMessage'], [deadLetters.queueArn]), allowKeyForQueue(props.historyKey)];
    super(scope, id, { ...props, statements: [...props.statements, ...mayGiveUp] });
    this.deadLetters = deadLetters;
    const { lambda } = this;
    if (!(lambda.node.defaultChild instanceof CfnFunction)) throw new Error(`${lambda.node.path} is no function`);
    // It was durable from its first deployment, so none replaces it.
    Annotations.of(lambda).acknowledgeInfo('aws-lambda:Function.DurableConfig');
    // The CDK's own property has no key yet.
    lambda.node.defaultChild.addPropertyOverride('DurableConfig.KMSKeyArn', props.historyKey.keyArn);
    lambda.node.defaultChild.deadLetterConfig = { targetArn: deadLetters.queueArn };
    // Else Lambda drops the 16th or so invocation of a chain of functions that start each other. How many executions an export
    // takes depends on how long a payer's tokens live: about a dozen with 20 seconds a leg, more with shorter tokens. What
    // ends it are the two days of its reading. https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    if (props.startsSuccessor === true) lambda.node.defaultChild.recursiveLoop = 'Allow';
    this.anyVersion = `${lambda.functionArn}:*`;
    const ownExecutions = this.allowOwnExecutions(props);
    this.currentArn = lambda.currentVersion.functionArn;
    lambda.currentVersion.node.addDependency(ownExecutions);
  }

  /** A separate policy, since the role's other policies are made before the function. */
  private allowOwnExecutions({ historyKey, startsSuccessor = false }: DurableFunctionProps): ManagedPolicy {
    const actions = ['lambda:CheckpointDurableExecution', 'lambda:GetDurableExecutionState'];
    if (startsSuccessor) actions.push('lambda:InvokeFunction');
    const policy = new ManagedPolicy(this, 'Executions', {
      statements: [allow(actions, [this.anyVersion]), allowKeyForHistory(historyKey, this.lambda.functionArn)],
      roles: [this.role],
    });
    acknowledgeVersions(policy, this);
    return policy;
  }
}

/** Accepts, for cdk-nag, that a policy names every version of a durable function. */
export const acknowledgeVersions = (policy: Construct, { lambda }: DurableFunction): void => {
  const id = Stack.of(lambda).getLogicalId(lambda.node.defaultChild as CfnFunction);
  Validations.of(policy).acknowledge({
    id: `AwsSolutions-IAM5[Resource::<${id}.Arn>:*]`,
    reason:
      'An execution belongs to the version it began with, and Lambda names it below that version. A deployment makes a new ' +
      'version while executions of older ones go on.',
  });
};
