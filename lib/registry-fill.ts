import { CustomResource, Duration, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnFunction, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { dataVersion, dataVersionResource } from '../functions/shared/registry/data-version.ts';
import { entryIds } from '../functions/shared/registry/entry-items.ts';
import { GatewayFunction } from './gateway-function.ts';
import type { GatewayRuntime } from './runtime.ts';
import { allow, allowKeyForTables, allowOnlyWriting, onlyItems } from './statements.ts';
import type { GatewayTables } from './tables.ts';

export interface RegistryFillProps {
  readonly runtime: GatewayRuntime;
  readonly tables: GatewayTables;
  /** Encrypts the table. */
  readonly key: IKey;
  /**
   * The data version of the tables over which this older code may run.
   * @default none
   */
  readonly allowOlder?: number | undefined;
}

/** Time for 5,000 payers and 1,000 partners at a tenth of the writes that a new table takes. */
const timeout = Duration.minutes(14);
/** CloudFormation would otherwise wait for an hour for a function that cannot answer. */
const serviceTimeout = Duration.minutes(15);

/**
 * What a deployment does in the registry, before any table of members' data and any function that serves requests changes. The edge,
 * web ACLs, DNS, network and roles do not wait for it: a rollback puts them back.
 *
 * - It refuses code that is older than what the tables hold. The resource has the data version in its name, so that other
 *   code always makes a new one; CloudFormation's own rollback makes none, and is never refused. A table that was made
 *   anew gets the number too.
 * - It fills the registry once, when the stage is made: a new stage needs no second command, and no later deployment
 *   undoes what was changed in the table. A table that was made anew stays empty, since blocks and pauses come back first
 *   (docs/restore.md).
 */
export class RegistryFill extends Construct {
  /** Puts the entries. */
  readonly function: GatewayFunction;
  private readonly checked: CustomResource;
  private readonly filled: CustomResource;

  constructor(scope: Construct, id: string, { runtime, tables, key, allowOlder }: RegistryFillProps) {
    super(scope, id);
    this.function = new GatewayFunction(this, 'FillRegistry', {
      runtime,
      folder: 'fill-registry',
      timeout,
      environment: { REGISTRY_TABLE: tables.registry.tableName },
      statements: [
        allowOnlyWriting(['dynamodb:PutItem'], [tables.registry.tableArn]),
        allow(['dynamodb:GetItem'], [tables.registry.tableArn], onlyItems(entryIds.dataVersion)),
        allowKeyForTables(key),
      ],
      // It answers to a bucket of CloudFormation's, which a VPC's endpoint for S3 does not let through.
      forDeployments: true,
    });
    const byFunction = { serviceToken: this.function.lambda.functionArn, serviceTimeout };
    this.checked = new CustomResource(this, `DataVersion${dataVersion}`, {
      ...byFunction,
      resourceType: dataVersionResource,
      properties: {
        // A new table does not have the version yet. When this name changes, CloudFormation calls the function again.
        Table: tables.registry.tableName,
        ...(allowOlder === undefined ? {} : { AllowOlder: String(allowOlder) }),
      },
    });
    this.filled = new CustomResource(this, 'Registry', { ...byFunction, resourceType: 'Custom::RegistryFill' });
    this.filled.node.addDependency(this.checked);
    // The registry itself is what is looked into.
    const { loginAttempts, grants, auditEvents, limits, exports, exchanges } = tables;
    for (const table of [loginAttempts, grants, auditEvents, limits, exports, exchanges])
      table?.node.addDependency(this.checked);
    if (runtime.network !== undefined) {
      Validations.of(this.function).acknowledge({
        id: 'HIPAA.Security-LambdaInsideVPC',
        reason:
          "It runs while the stack is deployed, and calls DynamoDB and CloudFormation's bucket for answers only, which the " +
          "VPC's endpoint does not let through. No health data is near it.",
      });
    }
  }

  /** Makes these functions depend on both, so that CloudFormation updates them only afterwards. */
  runBefore(functions: readonly LambdaFunction[]): void {
    for (const lambda of functions) {
      if (!(lambda.node.defaultChild instanceof CfnFunction)) throw new Error(`${lambda.node.path} is no function`);
      lambda.node.defaultChild.node.addDependency(this.checked, this.filled);
    }
  }
}
