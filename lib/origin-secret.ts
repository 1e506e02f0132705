import { Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { removalPolicyOf } from './removal-policy.ts';

/**
 * The header with which this stage's distribution proves itself to the API's web ACL. WAF compares header names in
 * lower case.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
 */
export const originHeader = 'x-origin-verify';

/**
 * Which secret CloudFront sends. To change it, write the next number and deploy. CloudFormation changes the web ACL after
 * CloudFront, also when it undoes both. So while CloudFront deploys, requests have the secret of either number, and the
 * web ACL may be that of either: each accepts the secret before its own and the one after, and no request is lost.
 * CloudFormation reads a secret's value only when the template changes, so a new value in the same secret would have no
 * effect.
 */
const current = 1;

export interface OriginSecretProps {
  readonly config: Pick<StageConfig, 'removalPolicy'>;
  /** Encrypts the secret. */
  readonly key: IKey;
  /** The number of the secret that CloudFront sends, from 1. @default the current one */
  readonly generation?: number;
}

/** A secret that CloudFront and the API's web ACL share. The template holds a reference to it, not its value. */
export class OriginSecret extends Construct {
  /** What CloudFront sends. */
  readonly value: string;
  /** What the web ACL accepts. */
  readonly accepted: readonly string[];

  constructor(scope: Construct, id: string, props: OriginSecretProps) {
    super(scope, id);
    const { generation = current } = props;
    this.value = this.secret(generation, props);
    const previous = generation === 1 ? [] : [this.secret(generation - 1, props)];
    this.accepted = [...previous, this.value, this.secret(generation + 1, props)];
    const reason =
      'It only lets a caller bypass CloudFront, and every check is behind that. A deployment changes it while the web ACL ' +
      'accepts both values, which automatic rotation would not.';
    Validations.of(this).acknowledge(
      { id: 'AwsSolutions-SMG4', reason },
      { id: 'HIPAA.Security-SecretsManagerRotationEnabled', reason },
    );
  }

  /** A reference that CloudFormation replaces with the value. */
  private secret(number: number, { config, key }: OriginSecretProps): string {
    const secret = new CfnSecret(this, `Value${number}`, {
      description: "What CloudFront shows the API's web ACL",
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      kmsKeyId: key.keyArn,
    });
    secret.applyRemovalPolicy(removalPolicyOf(config));
    return `{{resolve:secretsmanager:${secret.ref}:SecretString}}`;
  }
}
