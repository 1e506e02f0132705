import { Validations } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { openReads } from '../functions/shared/store/read-events.ts';
import { removalPolicyOf } from './removal-policy.ts';

export interface GatewayTablesProps {
  readonly config: Pick<StageConfig, 'production' | 'removalPolicy'>;
  /** Encrypts the tables, their streams and their backups. */
  readonly key: IKey;
}

/**
 * The tables. They are apart because the rights of the functions differ. No `TableV2`: it makes a global table, which no
 * rule of cdk-nag looks at.
 */
export class GatewayTables extends Construct {
  /** From authorize to callback, by the SHA-256 of `state`. */
  readonly loginAttempts: Table;
  /** One item per grant, by grant id; `jti.*` keys remember client assertions that were used. */
  readonly grants: Table;
  /** What happened to a read last, by its request's id, until the audit bucket has it and for 35 days on. */
  readonly auditEvents: Table;
  /** How far each limit's slots are taken, by the limit's key; only in use while something is limited. */
  readonly limits: Table;
  private readonly props: GatewayTablesProps;

  constructor(scope: Construct, id: string, props: GatewayTablesProps) {
    super(scope, id);
    this.props = props;
    this.loginAttempts = this.table('LoginAttempts', 'stateHash');
    // The audit compares both images: what happened to a grant is what changed.
    this.grants = this.table('Grants', 'grantId', StreamViewType.NEW_AND_OLD_IMAGES);
    this.auditEvents = this.table('AuditEvents', 'eventId', StreamViewType.NEW_IMAGE);
    this.auditEvents.addGlobalSecondaryIndex({
      indexName: openReads.index,
      partitionKey: { name: openReads.key, type: AttributeType.STRING },
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: ['atMs'],
    });
    this.limits = this.table('Limits', 'limitId');
    Validations.of(this).acknowledge({
      id: 'HIPAA.Security-DynamoDBInBackupPlan',
      reason:
        'Point-in-time recovery keeps 35 days. Nothing here lives longer but grants, and an older copy of those would ' +
        'bring back grants that members or partners have revoked since.',
    });
  }

  private table(id: string, key: string, stream?: StreamViewType): Table {
    const { config } = this.props;
    return new Table(this, id, {
      partitionKey: { name: key, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expiresAt',
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: this.props.key,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: config.production || config.removalPolicy === 'retain',
      removalPolicy: removalPolicyOf(config),
      ...(stream === undefined ? {} : { stream }),
    });
  }
}
