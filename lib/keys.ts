import { Aws, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { removalPolicyOf } from './removal-policy.ts';

export interface GatewayKeysProps {
  readonly config: Pick<StageConfig, 'stage' | 'removalPolicy'>;
}

/**
 * Lets CloudWatch Logs encrypt log groups of this account and region, and nothing else
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html).
 */
const logsMayUseKey = (): PolicyStatement =>
  new PolicyStatement({
    sid: 'LogGroupsOfThisAccount',
    principals: [new ServicePrincipal(`logs.${Aws.REGION}.amazonaws.com`)],
    actions: [
      'kms:Decrypt',
      'kms:DescribeKey',
      'kms:Encrypt',
      'kms:GenerateDataKey',
      'kms:GenerateDataKeyWithoutPlaintext',
      'kms:ReEncryptFrom',
      'kms:ReEncryptTo',
    ],
    resources: ['*'],
    conditions: {
      ArnLike: {
        'kms:EncryptionContext:aws:logs:arn': `arn:${Aws.PARTITION}:logs:${Aws.REGION}:${Aws.ACCOUNT_ID}:log-group:*`,
      },
    },
  });

/**
 * Two keys, so that permission to read tables and logs does not include the audit, and the other way round. Each key's
 * policy leaves the account's principals to IAM: a role can use a key only if its own policy says so.
 */
export class GatewayKeys extends Construct {
  /** For tables, secrets, logs and the alarm topic. */
  readonly data: Key;
  /** For the audit bucket. */
  readonly audit: Key;
  /** The name of the data key. */
  readonly dataAlias: string;

  constructor(scope: Construct, id: string, { config }: GatewayKeysProps) {
    super(scope, id);
    this.dataAlias = `alias/p2p-${config.stage}-data`;
    this.data = new Key(this, 'Data', {
      description: `Payer-to-payer gateway, stage ${config.stage}: tables, secrets, logs`,
      enableKeyRotation: true,
      removalPolicy: removalPolicyOf(config),
    });
    this.data.addToResourcePolicy(logsMayUseKey());
    // Its name is known without the stack, to whoever makes a payer's secret.
    this.data.addAlias(this.dataAlias);
    this.audit = new Key(this, 'Audit', {
      description: `Payer-to-payer gateway, stage ${config.stage}: audit bucket`,
      enableKeyRotation: true,
      // The bucket outlives every stack, and could not be read without its key.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
  }
}
