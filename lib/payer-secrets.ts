import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Payer } from '../config/stage.ts';

export interface PayerSecretsProps {
  /** Name of the stage; part of each secret's name. */
  readonly stage: string;
  /** One secret is made for each. */
  readonly payers: readonly Payer[];
}

/**
 * One secret per payer, without a value: an operator fills it, and until then the payer counts as unavailable.
 * The L2 `Secret` would generate a value, which nothing could tell from a real one.
 */
export class PayerSecrets extends Construct {
  /** The id of payer `x`'s secret is this and `x`. */
  readonly prefix: string;
  /** ARNs, in the order of the payers. */
  readonly arns: readonly string[];

  constructor(scope: Construct, id: string, props: PayerSecretsProps) {
    super(scope, id);
    this.prefix = `p2p/${props.stage}/payers/`;
    this.arns = props.payers.map((payer) => this.secret(payer).ref);
  }

  private secret(payer: Payer): CfnSecret {
    return new CfnSecret(this, payer.id, {
      name: `${this.prefix}${payer.id}`,
      description: `How the gateway authenticates at ${payer.displayName}: {"client_secret"} or {"private_key_jwk"}`,
    });
  }
}
