import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

/** The two tables. They are apart because the rights of the functions differ. */
export class GatewayTables extends Construct {
  /** From authorize to callback, by the SHA-256 of `state`. */
  readonly loginAttempts: Table;
  /** One item per grant, by grant id; `jti.*` keys remember client assertions that were used. */
  readonly grants: Table;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.loginAttempts = this.table('LoginAttempts', 'stateHash');
    this.grants = this.table('Grants', 'grantId');
  }

  private table(id: string, key: string): Table {
    return new Table(this, id, {
      partitionKey: { name: key, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expiresAt',
    });
  }
}
