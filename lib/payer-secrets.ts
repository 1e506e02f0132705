import { Validations } from 'aws-cdk-lib';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import type { Payer } from '../functions/shared/registry/types.ts';
import { removalPolicyOf } from './removal-policy.ts';
import { allow, allowKeyForSecrets } from './statements.ts';

export interface PayerSecretsProps {
  /** One secret is made for each payer; the stage is part of its name. */
  readonly config: Pick<StageConfig, 'stage' | 'payers' | 'removalPolicy'>;
  /** Encrypts the secrets. */
  readonly key: IKey;
}

/**
 * A managed policy holds 6,144 characters, and 1,000 of them are for what is not a secret's ARN. A role has ten policies,
 * two of them the function's: that is far more than a stack holds secrets
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
 */
const charactersForArns = 5000;

/** What is around a name in an ARN, at the longest: partition, region, account, six random characters, quotes, comma. */
const aroundName = 'arn:aws-us-gov:secretsmanager:ap-southeast-1:000000000000:secret:-ABCDEF"",'.length;

/** Lists as long as one policy holds. */
const inPolicies = (secrets: readonly CfnSecret[]): CfnSecret[][] => {
  const lists: CfnSecret[][] = [];
  let left = 0;
  for (const secret of secrets) {
    const characters = aroundName + (secret.name ?? '').length;
    if (characters > left) {
      lists.push([]);
      left = charactersForArns;
    }
    lists.at(-1)?.push(secret);
    left -= characters;
  }
  return lists;
};

/**
 * One secret per payer, without a value: an operator fills it, and until then the payer counts as unavailable.
 * The L2 `Secret` would generate a value, which nothing could tell from a real one.
 */
export class PayerSecrets extends Construct {
  /** The id of payer `x`'s secret is this and `x`. */
  readonly prefix: string;
  /**
   * Let a role read the secrets, each by its ARN. They are shared by the functions that read secrets; there is more
   * than one where the ARNs do not fit.
   */
  readonly readPolicies: readonly ManagedPolicy[];

  constructor(scope: Construct, id: string, { config, key }: PayerSecretsProps) {
    super(scope, id);
    this.prefix = `p2p/${config.stage}/payers/`;
    const secrets = config.payers.map((payer) => {
      const secret = this.secret(payer, key);
      secret.applyRemovalPolicy(removalPolicyOf(config));
      return secret;
    });
    this.readPolicies = inPolicies(secrets).map((list, index) => this.readPolicy(`Read${index + 1}`, list, key));
    const reason =
      'The payer issues this credential, so only its holder can replace it there: an operator does, as the docs say. ' +
      'Functions read a new value within five minutes.';
    Validations.of(this).acknowledge(
      { id: 'AwsSolutions-SMG4', reason },
      { id: 'HIPAA.Security-SecretsManagerRotationEnabled', reason },
    );
  }

  private secret(payer: Payer, key: IKey): CfnSecret {
    return new CfnSecret(this, payer.id, {
      name: `${this.prefix}${payer.id}`,
      description: `How the gateway authenticates at ${payer.displayName}: {"client_secret"} or {"private_key_jwk"}`,
      kmsKeyId: key.keyArn,
    });
  }

  private readPolicy(id: string, secrets: readonly CfnSecret[], key: IKey): ManagedPolicy {
    const arns = secrets.map(({ ref }) => ref);
    return new ManagedPolicy(this, id, {
      description: "Reads payers' secrets",
      statements: [allow(['secretsmanager:GetSecretValue'], arns), allowKeyForSecrets(key)],
    });
  }
}
