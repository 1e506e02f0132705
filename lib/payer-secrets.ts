import { Validations } from 'aws-cdk-lib';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { secretOwnerOf } from '../functions/shared/registry/profile.ts';
import type { Payer } from '../functions/shared/registry/types.ts';
import { removalPolicyOf } from './removal-policy.ts';
import { allow, allowKeyForSecrets } from './statements.ts';

export interface PayerSecretsProps {
  /** Each payer gets one secret, unless it uses another's or none; the stage is part of its name. */
  readonly config: Pick<StageConfig, 'stage' | 'payers' | 'removalPolicy'>;
  /** Encrypts the secrets. */
  readonly key: IKey;
}

/**
 * A managed policy holds 6,144 characters; 1,000 of them are kept for everything but the secrets' ARNs. A role can have
 * ten policies, two of which are the function's: enough for far more secrets than a stack can hold
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
 */
const charactersForArns = 5000;

/** The rest of the longest possible ARN: partition, region, account, six random characters, quotes, comma. */
const aroundName = 'arn:aws-us-gov:secretsmanager:ap-southeast-1:000000000000:secret:-ABCDEF"",'.length;

/** Splits the secrets into lists that each fit into one policy. */
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
 * One secret per payer that has one of its own, without a value: an operator fills it, and until then the payer counts as unavailable. The L2
 * `Secret` would generate a value, which could not be told from a real one.
 */
export class PayerSecrets extends Construct {
  /** The name of payer `x`'s secret is this prefix followed by `x`. */
  readonly prefix: string;
  /**
   * They let a role read the secrets, each by its ARN. All functions that read secrets share them; there is more than
   * one if the ARNs do not fit.
   */
  readonly readPolicies: readonly ManagedPolicy[];

  constructor(scope: Construct, id: string, { config, key }: PayerSecretsProps) {
    super(scope, id);
    this.prefix = `p2p/${config.stage}/payers/`;
    const owners = config.payers.filter((payer) => secretOwnerOf(payer) === payer.id);
    const secrets = owners.map((payer) => {
      const secret = this.secret(payer, key);
      secret.applyRemovalPolicy(removalPolicyOf(config));
      return secret;
    });
    this.readPolicies = inPolicies(secrets).map((list, index) => this.readPolicy(`Read${index + 1}`, list, key));
    const reason =
      'The payer issues this credential, so it has to be replaced at the payer: an operator does that, as the docs ' +
      'describe. Functions read a new value within five minutes.';
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
