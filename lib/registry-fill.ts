import { CustomResource, Duration, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnFunction, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { GatewayFunction } from './gateway-function.ts';
import type { GatewayRuntime } from './runtime.ts';
import { allow, allowKeyForTables } from './statements.ts';
import type { GatewayTables } from './tables.ts';

export interface RegistryFillProps {
  readonly runtime: GatewayRuntime;
  readonly tables: GatewayTables;
  /** Encrypts the table. */
  readonly key: IKey;
}

/** Time for 5,000 payers and 1,000 partners at a tenth of the writes that a new table takes. */
const timeout = Duration.minutes(14);
/** CloudFormation would otherwise wait for an hour for a function that cannot answer. */
const serviceTimeout = Duration.minutes(15);

/**
 * Fills the registry once, when the table is made: a new stage needs no second command, and no later deployment undoes
 * what was changed in the table. The function that does it can only add items.
 */
export class RegistryFill extends Construct {
  /** Puts the entries. */
  readonly function: GatewayFunction;
  private readonly filled: CustomResource;

  constructor(scope: Construct, id: string, { runtime, tables, key }: RegistryFillProps) {
    super(scope, id);
    this.function = new GatewayFunction(this, 'FillRegistry', {
      runtime,
      folder: 'fill-registry',
      timeout,
      environment: { REGISTRY_TABLE: tables.registry.tableName },
      statements: [allow(['dynamodb:PutItem'], [tables.registry.tableArn]), allowKeyForTables(key)],
      // It answers to a bucket of CloudFormation's, which a VPC's endpoint for S3 does not let through.
      forDeployments: true,
    });
    this.filled = new CustomResource(this, 'Registry', {
      resourceType: 'Custom::RegistryFill',
      serviceToken: this.function.lambda.functionArn,
      serviceTimeout,
    });
    if (runtime.network !== undefined) {
      Validations.of(this.function).acknowledge({
        id: 'HIPAA.Security-LambdaInsideVPC',
        reason:
          "It runs while the stack is deployed, and calls DynamoDB and CloudFormation's bucket for answers only, which the " +
          "VPC's endpoint does not let through. No health data is near it.",
      });
    }
  }

  /** Makes these functions depend on the filling, so that CloudFormation updates them only afterwards. */
  runBefore(functions: readonly LambdaFunction[]): void {
    for (const lambda of functions) {
      if (!(lambda.node.defaultChild instanceof CfnFunction)) throw new Error(`${lambda.node.path} is no function`);
      lambda.node.defaultChild.node.addDependency(this.filled);
    }
  }
}
