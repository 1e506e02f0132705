import { CfnOutput, type Stack } from 'aws-cdk-lib';
import type { GatewayApi } from './api.ts';
import type { GatewayAudit } from './audit.ts';
import type { GatewayKeys } from './keys.ts';
import type { PayerSecrets } from './payer-secrets.ts';
import type { GatewayTables } from './tables.ts';

export interface OutputsProps {
  readonly api: GatewayApi;
  readonly audit: GatewayAudit;
  readonly tables: GatewayTables;
  readonly keys: GatewayKeys;
  readonly payerSecrets: PayerSecrets;
  /**
   * What payers see calls come from.
   * @default none that is known
   */
  readonly addresses?: readonly string[] | undefined;
}

/** What payers, partners and operators need to know, as outputs of the stack: tools and docs name them. */
export const addOutputs = (stack: Stack, props: OutputsProps): void => {
  const { api, audit, tables, keys, payerSecrets, addresses = [] } = props;
  const output = (id: string, value: string, description: string): void => {
    new CfnOutput(stack, id, { value, description });
  };
  output('Origin', api.origin, 'The public origin of the gateway');
  output('ApiUrl', api.url, "The API's own URL");
  const redirectUri = `${api.origin}/oauth2/callback/{payer}`;
  output('RedirectUri', redirectUri, "The gateway's redirect URI to register at a payer, with its id in place");
  const jwksUri = `${api.origin}/oauth2/jwks/{payer}`;
  output('JwksUri', jwksUri, "The gateway's public keys for a payer that it uses private_key_jwt at");
  output('PayerSecretPrefix', payerSecrets.prefix, "The name of a payer's secret is this, followed by the payer's id");
  output('DataKeyAlias', keys.dataAlias, "The key that a payer's secret is made with");
  output('MemberIndexKeyAlias', keys.memberIndexAlias, "The key that a member's grants are found with");
  const names = {
    AuditBucket: audit.bucket.bucketName,
    LoginAttemptsTable: tables.loginAttempts.tableName,
    GrantsTable: tables.grants.tableName,
    AuditEventsTable: tables.auditEvents.tableName,
    LimitsTable: tables.limits.tableName,
    RegistryTable: tables.registry.tableName,
  };
  if (tables.exchanges !== undefined) {
    output('ExchangesTable', tables.exchanges.tableName, 'What AWS calls it');
    output('ExchangeSecretPrefix', payerSecrets.exchangePrefix, 'The same for the key of exchanges with a payer');
  }
  for (const [id, name] of Object.entries(names)) output(id, name, 'What AWS calls it');
  for (const [index, address] of addresses.entries()) {
    output(`EgressAddress${index + 1}`, address, 'An address that payers see calls come from');
  }
};
