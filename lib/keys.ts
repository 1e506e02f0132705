import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key, KeySpec, KeyUsage, type IKey, type KeyProps } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { alarmsMayUseKey, durableFunctionsMayUseKey, logsMayUseKey } from '../config/account/policy-needs.ts';
import type { StageConfig } from '../config/stage.ts';
import { existingKey } from './existing.ts';
import { here } from './place.ts';
import { removalPolicyOf } from './removal-policy.ts';

export interface GatewayKeysProps {
  readonly config: Pick<StageConfig, 'existing' | 'stage' | 'removalPolicy'>;
}

/** KMS does not rotate it, and another key would find none of what this one has indexed. */
const forMac: KeyProps = { keySpec: KeySpec.HMAC_256, keyUsage: KeyUsage.GENERATE_VERIFY_MAC };

/**
 * Five keys. Who may read tables and logs may therefore not read the audit or exports, or find a member, and the other way round; and alarms
 * are still published while another key is disabled. Each key's policy leaves the account's principals to IAM: a role can use a key only if
 * its own policy says so. The account may bring keys, whose policies are its own.
 */
export class GatewayKeys extends Construct {
  /** For tables, secrets and logs. */
  readonly data: IKey;
  /** For the audit bucket. */
  readonly audit: IKey;
  /** For exports: the job's secrets in their items, their files, and the history of durable functions. */
  readonly exports: IKey;
  /** Makes the index by which a member's grants are found. It encrypts nothing. */
  readonly memberIndex: IKey;
  /** For the stage's own alarm topics, and nothing else. `undefined` if the account brings the topics. */
  readonly alarms: IKey | undefined;
  /** The name of the data key. */
  readonly dataAlias: string;
  /** The name of the key of the member index. */
  readonly memberIndexAlias: string;

  constructor(scope: Construct, id: string, { config }: GatewayKeysProps) {
    super(scope, id);
    // The audit bucket outlives every stack, and could not be read, nor its ended grants found, without these keys.
    const kept = { ...config, removalPolicy: 'retain' } as const;
    this.dataAlias = `alias/p2p-${config.stage}-data`;
    this.data = existingKey(this, 'Data', config, 'data') ?? this.ownKey('Data', config, 'tables, secrets, logs');
    this.data.addToResourcePolicy(PolicyStatement.fromJson(logsMayUseKey(here)));
    // Its name is known without the stack, to whoever makes a payer's secret.
    this.data.addAlias(this.dataAlias);
    this.audit = existingKey(this, 'Audit', config, 'audit') ?? this.ownKey('Audit', kept, 'audit bucket');
    this.exports =
      existingKey(this, 'Exports', config, 'exports') ?? this.ownKey('Exports', config, 'exports of whole records');
    this.exports.addToResourcePolicy(PolicyStatement.fromJson(durableFunctionsMayUseKey(here)));
    this.memberIndexAlias = `alias/p2p-${config.stage}-member-index`;
    this.memberIndex =
      existingKey(this, 'MemberIndex', config, 'memberIndex') ??
      this.ownKey('MemberIndex', kept, "finding a member's grants", forMac);
    this.memberIndex.addAlias(this.memberIndexAlias);
    if (config.existing?.alarmTopicArn !== undefined) return;
    this.alarms = existingKey(this, 'Alarms', config, 'alarms') ?? this.ownKey('Alarms', config, 'alarm topics');
    this.alarms.addToResourcePolicy(PolicyStatement.fromJson(alarmsMayUseKey(here)));
  }

  private ownKey(
    id: string,
    config: GatewayKeysProps['config'],
    what: string,
    kind: KeyProps = { enableKeyRotation: true },
  ): Key {
    return new Key(this, id, {
      description: `Payer-to-payer gateway, stage ${config.stage}: ${what}`,
      ...kind,
      removalPolicy: removalPolicyOf(config),
    });
  }
}
