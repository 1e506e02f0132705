import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { acknowledgePrefix, readSecretsUnder } from './secret-prefix.ts';

export interface PayerSecretsProps {
  /** The stage is part of every secret's name. */
  readonly config: Pick<StageConfig, 'stage'>;
  /** Encrypts the secrets. */
  readonly key: IKey;
}

/**
 * Payers' secrets, which are not in the stack: an operator makes each with `npm run payers -- secret`, so that payers
 * come and go without a deployment.
 */
export class PayerSecrets extends Construct {
  /** The name of payer `x`'s secret is this prefix followed by `x`. */
  readonly prefix: string;
  /** Lets a role read every secret under the prefix. All functions that read secrets share it. */
  readonly readPolicy: ManagedPolicy;

  constructor(scope: Construct, id: string, { config, key }: PayerSecretsProps) {
    super(scope, id);
    this.prefix = `p2p/${config.stage}/payers/`;
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
  }
}
