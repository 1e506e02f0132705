import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { accountSettings, applyAccountRules } from './account-rules.ts';
import { GatewayApi } from './api.ts';
import { GatewayAudit } from './audit.ts';
import { GatewayCanary } from './canary.ts';
import { GatewayEvents } from './events.ts';
import { GatewayExports } from './exports.ts';
import { addFront } from './front.ts';
import { GatewayFunctions } from './functions.ts';
import { GatewayKeys } from './keys.ts';
import { addMonitoring } from './monitoring.ts';
import { zonesOfRegion } from './network.ts';
import { addOutputs } from './outputs.ts';
import { PayerSecrets } from './payer-secrets.ts';
import { RegistryFill } from './registry-fill.ts';
import { GatewayRuntime } from './runtime.ts';
import { addNetwork } from './stage-network.ts';
import { GatewayTables } from './tables.ts';

export interface GatewayStackProps extends StackProps {
  /** The checked configuration of the stage. */
  readonly config: StageConfig;
  /**
   * The data version of the tables over which this older code may run (docs/upgrade.md, "Go back").
   * @default none
   */
  readonly allowOlder?: number | undefined;
}

/** One deployment of the gateway. */
export class GatewayStack extends Stack {
  constructor(scope: Construct, id: string, { config, allowOlder, ...stackProps }: GatewayStackProps) {
    super(scope, id, {
      description: `Payer-to-payer gateway, stage ${config.stage}`,
      env: { account: config.account, region: config.region },
      terminationProtection: config.production,
      ...accountSettings(config),
      ...stackProps,
    });
    applyAccountRules(this, config);

    const keys = new GatewayKeys(this, 'Keys', { config });
    const key = keys.data;
    const network = addNetwork(this, { config, key });
    const runtime = new GatewayRuntime(this, 'Runtime', { config, key, network: network?.functions });
    const tables = new GatewayTables(this, 'Tables', { config, key });
    const payerSecrets = new PayerSecrets(this, 'PayerSecrets', { config, key });
    const api = new GatewayApi(this, 'Api', { config, key });
    const { origin } = api;
    const { exports: exportsKey, memberIndex: memberIndexKey } = keys;
    const common = { runtime, origin, tables, payerSecrets };
    const functions = new GatewayFunctions(this, 'Functions', { ...common, key, exportsKey, memberIndexKey });
    const audit = new GatewayAudit(this, 'Audit', { runtime, keys, tables });
    const canary = new GatewayCanary(this, 'Canary', { runtime, origin, tables });
    const exports = new GatewayExports(this, 'Exports', { ...common, keys, accessLogs: audit.accessLogs });
    const events = new GatewayEvents(this, 'Events', { runtime, tables, keys, exports });
    const { authorize, callback, connections, token, fetch, discovery } = functions;
    const request = [authorize, callback, connections, token, fetch, discovery, exports.function];
    const readers = [...request, exports.job, events.followUp, events.deliver, canary.function];
    const fill = new RegistryFill(this, 'RegistryFill', { runtime, tables, key, allowOlder });
    fill.runBefore(readers.map(({ lambda }) => lambda));
    api.route(functions, exports.function);
    const { leading, distribution } = addFront(this, { config, api, key, request });
    // If it ran earlier, it would find every payer down.
    canary.schedule.node.addDependency(...request.map(({ lambda }) => lambda), api.restApi.deploymentStage, ...leading);
    addMonitoring(this, { config, keys, api, distribution, functions, tables, audit, canary, exports, events });
    addOutputs(this, { api, audit, tables, keys, payerSecrets, addresses: network?.addresses });
  }

  /** By number: given an account and a region, the CDK would otherwise look up that account's zones during synth. */
  override get availabilityZones(): string[] {
    return zonesOfRegion(3);
  }
}
