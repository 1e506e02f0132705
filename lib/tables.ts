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
import { memberIndex } from '../functions/shared/store/member-index.ts';
import { openReads } from '../functions/shared/store/read-events.ts';
import { removalPolicyOf } from './removal-policy.ts';

export interface GatewayTablesProps {
  readonly config: Pick<StageConfig, 'production' | 'removalPolicy' | 'exchanges'>;
  /** Encrypts the tables, their streams and their backups. */
  readonly key: IKey;
}

interface TableOptions {
  /** What its stream shows. @default it has none */
  readonly stream?: StreamViewType;
  /** Whether items end by `expiresAt`. @default true */
  readonly expires?: boolean;
  /** @default it has none */
  readonly sortKey?: string;
}

/**
 * The tables. They are separate because the functions' permissions differ. `TableV2` would make global tables, which
 * cdk-nag does not check.
 */
export class GatewayTables extends Construct {
  /** Login attempts, from authorize to callback, by the SHA-256 of `state`. */
  readonly loginAttempts: Table;
  /** One item per grant, by grant id; items with `jti.*` keys are client assertions that were used. */
  readonly grants: Table;
  /** The last event of each read, by request id, kept for 35 days after the audit bucket has it. */
  readonly auditEvents: Table;
  /** How far each rate limit's slots are taken, by the limit's key; in use only while something is limited. */
  readonly limits: Table;
  /** Payers and partners, the directory and the web origins, by the entry's kind and id. Nothing in it expires. */
  readonly registry: Table;
  /** The last export of each grant, by grant id. */
  readonly exports: Table;
  /** Plans' system tokens, and Groups of their members at former plans, by owner and name. Only in a stage with exchanges. */
  readonly exchanges: Table | undefined;
  private readonly props: GatewayTablesProps;

  constructor(scope: Construct, id: string, props: GatewayTablesProps) {
    super(scope, id);
    this.props = props;
    this.loginAttempts = this.table('LoginAttempts', 'stateHash');
    // The audit compares both images, since what changed tells what happened to a grant or an entry.
    this.grants = this.table('Grants', 'grantId', { stream: StreamViewType.NEW_AND_OLD_IMAGES });
    // For operators, and for the member's own page. No other function may query it.
    this.grants.addGlobalSecondaryIndex({
      indexName: memberIndex.index,
      partitionKey: { name: memberIndex.key, type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    this.auditEvents = this.table('AuditEvents', 'eventId', { stream: StreamViewType.NEW_IMAGE });
    this.auditEvents.addGlobalSecondaryIndex({
      indexName: openReads.index,
      partitionKey: { name: openReads.key, type: AttributeType.STRING },
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: ['atMs'],
    });
    this.limits = this.table('Limits', 'limitId');
    this.registry = this.table('Registry', 'entryId', { stream: StreamViewType.NEW_AND_OLD_IMAGES, expires: false });
    this.exports = this.table('Exports', 'grantId', { stream: StreamViewType.NEW_AND_OLD_IMAGES });
    this.exchanges =
      props.config.exchanges === undefined ? undefined : this.table('Exchanges', 'owner', { sortKey: 'name' });
    Validations.of(this).acknowledge({
      id: 'HIPAA.Security-DynamoDBInBackupPlan',
      reason:
        'Point-in-time recovery covers 35 days. An older backup of grants would bring back those that members or partners ' +
        'have revoked since, and one of the registry would undo blocks; its entries can be exported to a file.',
    });
  }

  private table(id: string, key: string, { stream, expires = true, sortKey }: TableOptions = {}): Table {
    const { config } = this.props;
    return new Table(this, id, {
      partitionKey: { name: key, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      ...(expires ? { timeToLiveAttribute: 'expiresAt' } : {}),
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: this.props.key,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: config.production || config.removalPolicy === 'retain',
      removalPolicy: removalPolicyOf(config),
      ...(stream === undefined ? {} : { stream }),
      ...(sortKey === undefined ? {} : { sortKey: { name: sortKey, type: AttributeType.STRING } }),
    });
  }
}
