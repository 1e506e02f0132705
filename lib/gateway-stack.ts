import { CfnOutput, Stack, Tags, type StackProps } from 'aws-cdk-lib';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { GatewayAlarms } from './alarms.ts';
import { GatewayApi } from './api.ts';
import { GatewayAudit } from './audit.ts';
import { GatewayCanary } from './canary.ts';
import { GatewayDashboard } from './dashboard.ts';
import { addFront } from './front.ts';
import { GatewayFunctions } from './functions.ts';
import { GatewayKeys } from './keys.ts';
import { GatewayNetwork, zonesOfRegion } from './network.ts';
import { PayerSecrets } from './payer-secrets.ts';
import { GatewayRuntime } from './runtime.ts';
import { GatewayTables } from './tables.ts';

export interface GatewayStackProps extends StackProps {
  /** The checked configuration of the stage. */
  readonly config: StageConfig;
}

interface Watched {
  readonly key: Key;
  readonly api: GatewayApi;
  readonly functions: GatewayFunctions;
  readonly tables: GatewayTables;
  readonly audit: GatewayAudit;
  readonly canary: GatewayCanary;
}

/** One deployment of the gateway. */
export class GatewayStack extends Stack {
  constructor(scope: Construct, id: string, props: GatewayStackProps) {
    const { config, ...stackProps } = props;
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
    const network = this.network(config, keys);
    const runtime = new GatewayRuntime(this, 'Runtime', { config, key, network: network?.functions });
    const tables = new GatewayTables(this, 'Tables', { config, key });
    const payerSecrets = new PayerSecrets(this, 'PayerSecrets', { config, key });
    const api = new GatewayApi(this, 'Api', { config, key });
    const { origin } = api;
    const functions = new GatewayFunctions(this, 'Functions', { runtime, origin, tables, payerSecrets, key });
    const audit = new GatewayAudit(this, 'Audit', { runtime, keys, tables });
    const canary = new GatewayCanary(this, 'Canary', { runtime, origin });
    api.route(functions);
    addFront(this, { config, api, key });
    this.watch(config, { key, api, functions, tables, audit, canary });
    const names = {
      AuditBucket: audit.bucket.bucketName,
      LoginAttemptsTable: tables.loginAttempts.tableName,
      GrantsTable: tables.grants.tableName,
      AuditEventsTable: tables.auditEvents.tableName,
      LimitsTable: tables.limits.tableName,
    };
    this.tell(api, names, network?.addresses);
  }

  /** Named by number: with an account and a region the CDK would ask that account for its zones while it synthesises. */
  override get availabilityZones(): string[] {
    return zonesOfRegion(3);
  }

  private network(config: StageConfig, keys: GatewayKeys): GatewayNetwork | undefined {
    const { network } = config;
    return network === 'none' ? undefined : new GatewayNetwork(this, 'Network', { config, network, key: keys.data });
  }

  private watch(config: StageConfig, parts: Watched): void {
    const { key, api, functions, tables, audit, canary } = parts;
    const watched = {
      apiName: api.restApi.restApiName,
      functions: {
        authorize: functions.authorize.lambda,
        callback: functions.callback.lambda,
        token: functions.token.lambda,
        fetch: functions.fetch.lambda,
        discovery: functions.discovery.lambda,
        audit: audit.function.lambda,
        canary: canary.function.lambda,
      },
      tables: {
        loginAttempts: tables.loginAttempts,
        grants: tables.grants,
        auditEvents: tables.auditEvents,
        limits: tables.limits,
      },
    };
    const { topic } = new GatewayAlarms(this, 'Alarms', { config, key, auditSources: audit.sources, ...watched });
    new GatewayDashboard(this, 'Dashboard', { stage: config.stage, ...watched });
    new CfnOutput(this, 'AlarmTopic', {
      value: topic.topicArn,
      description: 'Where alarms are published; subscribe what else should hear of them',
    });
  }

  /** Outputs: what payers, partners and operators need to know. */
  private tell(
    { origin, url }: GatewayApi,
    names: Readonly<Record<string, string>>,
    addresses: readonly string[] = [],
  ): void {
    const output = (id: string, value: string, description: string): void => {
      new CfnOutput(this, id, { value, description });
    };
    output('Origin', origin, 'The public origin of the gateway');
    output('ApiUrl', url, "The API's own URL");
    const redirectUri = `${origin}/oauth2/callback/{payer}`;
    output('RedirectUri', redirectUri, "The gateway's redirect URI to register at a payer, with its id in place");
    const jwksUri = `${origin}/oauth2/jwks/{payer}`;
    output('JwksUri', jwksUri, "The gateway's public keys for a payer that it uses private_key_jwt at");
    for (const [id, name] of Object.entries(names)) output(id, name, 'What AWS calls it');
    for (const [index, address] of addresses.entries()) {
      output(`EgressAddress${index + 1}`, address, 'An address that payers see calls come from');
    }
  }
}
