import { Stack, type Duration } from 'aws-cdk-lib';
import { ManagedPolicy, Role, ServicePrincipal, type IManagedPolicy, type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  Runtime,
  Tracing,
  type FunctionOptions,
} from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { logGroup } from './log-group.ts';
import { keptVersion } from './removal-policy.ts';
import type { FunctionFolder, GatewayRuntime } from './runtime.ts';
import { allow } from './statements.ts';

export interface GatewayFunctionProps {
  readonly runtime: GatewayRuntime;
  readonly folder: FunctionFolder;
  readonly environment: Readonly<Record<string, string>>;
  /** What only this function may do, apart from writing its log. */
  readonly statements: readonly PolicyStatement[];
  /**
   * Policies that it shares with other functions.
   * @default none
   */
  readonly policies?: readonly IManagedPolicy[];
  readonly timeout: Duration;
  /**
   * Executions reserved for it, which are also its maximum.
   * @default it shares the account's executions
   */
  readonly reservedConcurrency?: number | undefined;
  /**
   * Whether only CloudFormation calls it, while it deploys. It then runs outside the stage's VPC, and is not traced.
   * @default false
   */
  readonly forDeployments?: boolean;
  /**
   * Only `DurableFunction` sets it.
   * @default its invocations are independent
   */
  readonly durable?: FunctionOptions['durableConfig'];
}

/** Lambda's limit for all variables of a function, measured as JSON (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). */
const mostVariableBytes = 4096;

/** As much as a name or an ARN has that AWS gives only while it deploys. */
const nameLength = 120;

/** A value as long as it may become in AWS. */
const asDeployed = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return String(value);
  const { 'Fn::Join': [separator, parts] = [] } = value as { 'Fn::Join'?: [string, unknown[]] };
  return parts === undefined ? 'x'.repeat(nameLength) : parts.map(asDeployed).join(separator);
};

const tooLarge = (scope: Construct, environment: GatewayFunctionProps['environment']): string[] => {
  const variables = Object.entries(Stack.of(scope).resolve(environment) as Record<string, unknown>).map(
    ([name, value]) => [name, asDeployed(value)] as const,
  );
  const bytes = Buffer.byteLength(JSON.stringify(Object.fromEntries(variables)));
  const [longest] = variables.toSorted(([, one], [, other]) => other.length - one.length);
  return bytes <= mostVariableBytes
    ? []
    : [
        `The variables have up to ${bytes} bytes, and Lambda takes ${mostVariableBytes}; shorten what ${longest?.[0]} comes from`,
      ];
};

/** A function with its own role and its own log group, and no permission that is not listed. */
export class GatewayFunction extends Construct {
  readonly lambda: LambdaFunction;
  /** For resource policies that name who may use the resource. */
  readonly role: Role;

  constructor(scope: Construct, id: string, props: GatewayFunctionProps) {
    super(scope, id);
    const { config, key, network, code } = props.runtime;
    const { forDeployments = false } = props;
    const logs = logGroup(this, 'Logs', { config, key });
    this.role = this.functionRole(logs, props);
    this.node.addValidation({ validate: () => tooLarge(this, props.environment) });
    this.lambda = new LambdaFunction(this, 'Function', {
      description: `Payer-to-payer gateway: ${props.folder}`,
      code: Code.fromAsset(code[props.folder]),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 1024,
      timeout: props.timeout,
      environment: { ...props.environment },
      // Keeps the CDK's helpers from adding statements of their own.
      role: this.role.withoutPolicyUpdates(),
      logGroup: logs,
      tracing: forDeployments ? Tracing.DISABLED : Tracing.ACTIVE,
      ...(props.reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: props.reservedConcurrency }),
      ...(forDeployments ? {} : network),
      ...(props.durable === undefined
        ? {}
        : { durableConfig: props.durable, currentVersionOptions: { removalPolicy: keptVersion } }),
    });
  }

  private functionRole(logs: LogGroup, props: GatewayFunctionProps): Role {
    const { runtime, statements, policies = [], forDeployments = false } = props;
    const own = new ManagedPolicy(this, 'Policy', {
      statements: [allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [logs.logGroupArn]), ...statements],
    });
    return new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      managedPolicies: [own, ...(forDeployments ? [] : [runtime.policy]), ...policies],
    });
  }
}
