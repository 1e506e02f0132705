import { CfnOutput, type Stack } from 'aws-cdk-lib';
import type { GatewayApi } from './api.ts';
import type { GatewayAudit } from './audit.ts';
import type { GatewayTables } from './tables.ts';

export interface OutputsProps {
  readonly api: GatewayApi;
  readonly audit: GatewayAudit;
  readonly tables: GatewayTables;
  /**
   * What payers see calls come from.
   * @default none that is known
   */
  readonly addresses?: readonly string[] | undefined;
}

/** What payers, partners and operators need to know, as outputs of the stack: tools and docs name them. */
export const addOutputs = (stack: Stack, { api, audit, tables, addresses = [] }: OutputsProps): void => {
  const output = (id: string, value: string, description: string): void => {
    new CfnOutput(stack, id, { value, description });
  };
  output('Origin', api.origin, 'The public origin of the gateway');
  output('ApiUrl', api.url, "The API's own URL");
  const redirectUri = `${api.origin}/oauth2/callback/{payer}`;
  output('RedirectUri', redirectUri, "The gateway's redirect URI to register at a payer, with its id in place");
  const jwksUri = `${api.origin}/oauth2/jwks/{payer}`;
  output('JwksUri', jwksUri, "The gateway's public keys for a payer that it uses private_key_jwt at");
  const names = {
    AuditBucket: audit.bucket.bucketName,
    LoginAttemptsTable: tables.loginAttempts.tableName,
    GrantsTable: tables.grants.tableName,
    AuditEventsTable: tables.auditEvents.tableName,
    LimitsTable: tables.limits.tableName,
  };
  for (const [id, name] of Object.entries(names)) output(id, name, 'What AWS calls it');
  for (const [index, address] of addresses.entries()) {
    output(`EgressAddress${index + 1}`, address, 'An address that payers see calls come from');
  }
};
