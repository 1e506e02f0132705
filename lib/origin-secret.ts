import { Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { removalPolicyOf } from './removal-policy.ts';

/**
 * How CloudFront shows the API's web ACL that it is this stage's distribution. WAF compares names of headers in lower case.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
 */
export const originHeader = 'x-origin-verify';

/**
 * Which secret CloudFront sends. To change it, write the next number and deploy: the web ACL, which is updated first, takes
 * this one and the one before, so that no request is lost. CloudFormation reads a secret's value only where the template
 * changes, so a new value in the same secret would reach nobody.
 */
const generation = 1;

export interface OriginSecretProps {
  readonly config: Pick<StageConfig, 'removalPolicy'>;
  readonly key: IKey;
}

/** A secret that CloudFront and the API's web ACL share. The template holds a reference to it, and no value. */
export class OriginSecret extends Construct {
  /** What CloudFront sends. */
  readonly value: string;
  /** What the web ACL takes. */
  readonly accepted: readonly string[];

  constructor(scope: Construct, id: string, props: OriginSecretProps) {
    super(scope, id);
    this.value = this.secret(generation, props);
    this.accepted = generation === 1 ? [this.value] : [this.value, this.secret(generation - 1, props)];
    const reason =
      'It opens nothing but the way past CloudFront, behind which every check stands. It is changed by a deployment that ' +
      'lets both values in meanwhile, which a rotation by itself would not.';
    Validations.of(this).acknowledge(
      { id: 'AwsSolutions-SMG4', reason },
      { id: 'HIPAA.Security-SecretsManagerRotationEnabled', reason },
    );
  }

  /** A reference that CloudFormation puts the value in place of. */
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
