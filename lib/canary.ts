import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { GatewayFunction } from './gateway-function.ts';
import { allowRegistry, registryVariables } from './registry-reader.ts';
import type { GatewayRuntime } from './runtime.ts';
import { allow, allowKeyForTables, onlyItems } from './statements.ts';
import type { GatewayTables } from './tables.ts';

export interface GatewayCanaryProps {
  readonly runtime: GatewayRuntime;
  /** The public origin, without a trailing slash. */
  readonly origin: string;
  readonly tables: GatewayTables;
}

const interval = Duration.minutes(5);

/** Checks every payer from outside, every five minutes. It may read the registry, open breakers, and keep which drift it has reported. */
export class GatewayCanary extends Construct {
  /** Checks the payers. */
  readonly function: GatewayFunction;
  /** Starts it. */
  readonly schedule: Rule;

  constructor(scope: Construct, id: string, { runtime, origin, tables }: GatewayCanaryProps) {
    super(scope, id);
    this.function = new GatewayFunction(this, 'Canary', {
      runtime,
      folder: 'canary',
      // It ends before the next run starts.
      timeout: Duration.minutes(4),
      environment: {
        ORIGIN: origin,
        ...registryVariables(runtime.config, tables),
        LIMITS_TABLE: tables.limits.tableName,
        // Four threads, the default, would all wait for the host names of a few payers that cannot be resolved.
        UV_THREADPOOL_SIZE: '64',
      },
      statements: [
        allowRegistry(tables),
        allow(['dynamodb:UpdateItem'], [tables.limits.tableArn], onlyItems('breaker#*')),
        allow(['dynamodb:GetItem', 'dynamodb:PutItem'], [tables.limits.tableArn], onlyItems('drift#*')),
        allowKeyForTables(runtime.key),
      ],
    });
    // A failed run is not retried: the next one is due in five minutes anyway.
    const target = new LambdaFunction(this.function.lambda, { retryAttempts: 0, maxEventAge: interval });
    this.function.lambda.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: interval });
    this.schedule = new Rule(this, 'Schedule', { schedule: Schedule.rate(interval), targets: [target] });
  }
}
