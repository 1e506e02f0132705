import { Stack, Tags, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { GatewayApi } from './api.ts';
import { GatewayAudit } from './audit.ts';
import { GatewayCanary } from './canary.ts';
import { addFront } from './front.ts';
import { GatewayFunctions } from './functions.ts';
import { GatewayKeys } from './keys.ts';
import { addMonitoring } from './monitoring.ts';
import { GatewayNetwork, zonesOfRegion } from './network.ts';
import { addOutputs } from './outputs.ts';
import { PayerSecrets } from './payer-secrets.ts';
import { RegistryFill } from './registry-fill.ts';
import { GatewayRuntime } from './runtime.ts';
import { GatewayTables } from './tables.ts';

export interface GatewayStackProps extends StackProps {
  /** The checked configuration of the stage. */
  readonly config: StageConfig;
}

/** One deployment of the gateway. */
export class GatewayStack extends Stack {
  constructor(scope: Construct, id: string, { config, ...stackProps }: GatewayStackProps) {
    super(scope, id, {
      description: `Payer-to-payer gateway, stage ${config.stage}`,
      env: { account: config.account, region: config.region },
      terminationProtection: config.production,
      ...stackProps,
    });
    Tags.of(this).add('project', 'p2p-gateway');
    Tags.of(this).add('stage', config.stage);

    const keys = new GatewayKeys(this, 'Keys', { config });
    const key = keys.data;
    const network =
      config.network === 'none'
        ? undefined
        : new GatewayNetwork(this, 'Network', { config, network: config.network, key });
    const runtime = new GatewayRuntime(this, 'Runtime', { config, key, network: network?.functions });
    const tables = new GatewayTables(this, 'Tables', { config, key });
    const payerSecrets = new PayerSecrets(this, 'PayerSecrets', { config, key });
    const api = new GatewayApi(this, 'Api', { config, key });
    const { origin } = api;
    const functions = new GatewayFunctions(this, 'Functions', { runtime, origin, tables, payerSecrets, key });
    const audit = new GatewayAudit(this, 'Audit', { runtime, keys, tables });
    const canary = new GatewayCanary(this, 'Canary', { runtime, origin, tables });
    const { authorize, callback, token, fetch, discovery } = functions;
    const readers = [authorize, callback, token, fetch, discovery, canary.function];
    new RegistryFill(this, 'RegistryFill', { runtime, tables, key }).runBefore(readers.map(({ lambda }) => lambda));
    api.route(functions);
    addFront(this, { config, api, key });
    addMonitoring(this, { config, key, api, functions, tables, audit, canary });
    addOutputs(this, { api, audit, tables, keys, payerSecrets, addresses: network?.addresses });
  }

  /** By number: given an account and a region, the CDK would otherwise look up that account's zones during synth. */
  override get availabilityZones(): string[] {
    return zonesOfRegion(3);
  }
}
