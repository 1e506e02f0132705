import { Validations } from 'aws-cdk-lib';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import {
  exchangeSecretDescription,
  exchangeSecretPrefix,
  payerSecretDescription,
  payerSecretPrefix,
  payersWithSecrets,
} from '../functions/shared/registry/profile.ts';
import type { Payer } from '../functions/shared/registry/types.ts';
import { removalPolicyOf } from './removal-policy.ts';
import { acknowledgePrefix, readSecretsUnder } from './secret-prefix.ts';

export interface PayerSecretsProps {
  /** The stage is part of every secret's name. */
  readonly config: Pick<StageConfig, 'stage' | 'payers' | 'payerSecrets' | 'removalPolicy' | 'exchanges'>;
  /** Encrypts the secrets. */
  readonly key: IKey;
}

/**
 * Payers' secrets. If the stage has `payerSecrets: 'stack'`, there is one for each payer of its file that needs one: without a
 * value, which an operator puts with `npm run payers -- secret`. Until then the payer is unavailable. With `'tool'` that
 * command makes the secret too, so that payers come and go without a deployment.
 */
export class PayerSecrets extends Construct {
  /** The name of payer `x`'s secret is this prefix followed by `x`. */
  readonly prefix: string;
  /** Lets a role read every secret under the prefix. All functions that read secrets share it. */
  readonly readPolicy: ManagedPolicy;
  /** The name of the secret with the key of exchanges with payer `x` is this prefix followed by `x`. */
  readonly exchangePrefix: string;
  /** Lets only the job of exchanges read those. Empty in a stage without exchanges. */
  readonly readExchangePolicies: readonly ManagedPolicy[];
  /** Those in the stack, by payer. */
  readonly secrets: ReadonlyMap<string, CfnSecret>;

  constructor(scope: Construct, id: string, { config, key }: PayerSecretsProps) {
    super(scope, id);
    this.prefix = payerSecretPrefix(config.stage);
    // The number is from a time with several. Another id would replace the policy.
    this.readPolicy = new ManagedPolicy(this, 'Read1', {
      description: "Reads payers' secrets",
      statements: readSecretsUnder(this, this.prefix, key),
    });
    acknowledgePrefix(
      this.readPolicy,
      this.prefix,
      'Any payer may be asked for in any request, and payers come without a deployment. The prefix holds the secrets of ' +
        "this stage's payers and nothing else.",
    );
    this.exchangePrefix = exchangeSecretPrefix(config.stage);
    this.readExchangePolicies = config.exchanges === undefined ? [] : [this.readExchanges(key)];
    const { own, exchange } = payersWithSecrets(config.payerSecrets === 'stack' ? config.payers : []);
    this.secrets = new Map(own.map((payer) => [payer.id, this.secret(payer, { config, key })]));
    for (const payer of exchange) this.exchangeSecret(payer, { config, key });
    if (own.length + exchange.length === 0) return;
    const reason =
      'The payer issues this credential, so it has to be replaced at the payer: an operator does that, as the docs ' +
      'describe. Functions read a new value within five minutes.';
    Validations.of(this).acknowledge(
      { id: 'AwsSolutions-SMG4', reason },
      { id: 'HIPAA.Security-SecretsManagerRotationEnabled', reason },
    );
  }

  private readExchanges(key: IKey): ManagedPolicy {
    const policy = new ManagedPolicy(this, 'ReadExchanges', {
      description: 'Reads the keys of exchanges with former plans',
      statements: readSecretsUnder(this, this.exchangePrefix, key),
    });
    acknowledgePrefix(
      policy,
      this.exchangePrefix,
      'Any payer may be asked as a former plan, and payers come without a deployment. The prefix holds the keys of this ' +
        "stage's exchanges and nothing else.",
    );
    return policy;
  }

  private exchangeSecret(payer: Payer, { config, key }: PayerSecretsProps): void {
    const secret = new CfnSecret(this, `Exchange-${payer.id}`, {
      name: `${this.exchangePrefix}${payer.id}`,
      description: exchangeSecretDescription(payer),
      kmsKeyId: key.keyArn,
    });
    secret.applyRemovalPolicy(removalPolicyOf(config));
  }

  /** The L2 `Secret` would generate a value, which could not be told from a real one. */
  private secret(payer: Payer, { config, key }: PayerSecretsProps): CfnSecret {
    const secret = new CfnSecret(this, payer.id, {
      name: `${this.prefix}${payer.id}`,
      description: payerSecretDescription(payer),
      kmsKeyId: key.keyArn,
    });
    secret.applyRemovalPolicy(removalPolicyOf(config));
    return secret;
  }
}
