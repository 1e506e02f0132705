import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { GatewayApi } from './api.ts';
import { GatewayFunctions } from './functions.ts';
import { PayerSecrets } from './payer-secrets.ts';
import { GatewayTables } from './tables.ts';

export interface GatewayStackProps extends StackProps {
  /** The checked configuration of the stage. */
  readonly config: StageConfig;
}

/** One deployment of the gateway. */
export class GatewayStack extends Stack {
  constructor(scope: Construct, id: string, props: GatewayStackProps) {
    const { config, ...stackProps } = props;
    super(scope, id, { description: `Payer-to-payer gateway, stage ${config.stage}`, ...stackProps });

    const tables = new GatewayTables(this, 'Tables');
    const payerSecrets = new PayerSecrets(this, 'PayerSecrets', { stage: config.stage, payers: config.payers });
    const api = new GatewayApi(this, 'Api', { stage: config.stage, origin: config.origin });
    const functions = new GatewayFunctions(this, 'Functions', { config, origin: api.origin, tables, payerSecrets });
    api.route(functions);

    this.output('Origin', api.origin, 'The public origin of the gateway');
    this.output('ApiUrl', api.url, "The API's own URL");
    const redirectUri = `${api.origin}/oauth2/callback/{payer}`;
    this.output('RedirectUri', redirectUri, "The gateway's redirect URI to register at a payer, with its id in place");
  }

  private output(id: string, value: string, description: string): CfnOutput {
    return new CfnOutput(this, id, { value, description });
  }
}
