import { Duration } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { longestReadSeconds } from '../functions/shared/store/read-events.ts';
import { GatewayFunction } from './gateway-function.ts';
import type { PayerSecrets } from './payer-secrets.ts';
import { allowRegistry, registryVariables } from './registry-reader.ts';
import type { GatewayRuntime } from './runtime.ts';
import { allow, allowKeyForTables } from './statements.ts';
import type { GatewayTables } from './tables.ts';

export interface GatewayFunctionsProps {
  readonly runtime: GatewayRuntime;
  /** The public origin, without a trailing slash. */
  readonly origin: string;
  readonly tables: GatewayTables;
  readonly payerSecrets: PayerSecrets;
  /** Encrypts tables and secrets. */
  readonly key: IKey;
}

/** API Gateway waits 29 seconds for a buffered response. */
const bufferedTimeout = Duration.seconds(29);
/** Less than the 15 minutes that API Gateway streams for, so that our own deadline ends a long read. */
const streamedTimeout = Duration.seconds(longestReadSeconds);

/**
 * token stores the `jti` of client assertions, but cannot create a grant. `ForAllValues` alone allows a request without
 * keys.
 */
const onlyJtiItems = {
  'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['jti.*'] },
  Null: { 'dynamodb:LeadingKeys': 'false' },
};

/**
 * A stream makes garbage steadily, and V8 lets 48 MB of it pile up before it collects. With a young generation of 1 MB,
 * a 100 MB answer grows the process by 9 MB instead of 75 MB, at the same speed.
 */
const collectOften = '--max-semi-space-size=1';

/**
 * The functions behind the API, each with exactly the permissions it needs: the actions it calls, on the resources it
 * uses.
 */
export class GatewayFunctions extends Construct {
  readonly authorize: GatewayFunction;
  readonly callback: GatewayFunction;
  readonly token: GatewayFunction;
  readonly fetch: GatewayFunction;
  readonly discovery: GatewayFunction;

  constructor(scope: Construct, id: string, { runtime, origin, tables, payerSecrets, key }: GatewayFunctionsProps) {
    super(scope, id);
    const { concurrency } = runtime.config;
    const loginAttempts = tables.loginAttempts.tableArn;
    const grants = tables.grants.tableArn;
    const common = { runtime, timeout: bufferedTimeout };
    // CloudFront's headers can be trusted only if the web ACL refuses requests without CloudFront's secret.
    const { edge, waf } = runtime.config;
    const edgeVariables: Record<string, string> = edge && waf !== 'none' ? { EDGE: 'cloudfront' } : {};
    const readerVariables = { ORIGIN: origin, ...registryVariables(runtime.config, tables), ...edgeVariables };
    const secretsVariables = { PAYER_SECRET_PREFIX: payerSecrets.prefix };
    const loginAttemptsVariables = { LOGIN_ATTEMPTS_TABLE: tables.loginAttempts.tableName };
    const grantsVariables = { GRANTS_TABLE: tables.grants.tableName };
    const readSecrets = { policies: [payerSecrets.readPolicy] };
    const readRegistry = [allowRegistry(tables), allowKeyForTables(key)];

    this.authorize = new GatewayFunction(this, 'Authorize', {
      ...common,
      folder: 'authorize',
      environment: { ...readerVariables, ...loginAttemptsVariables },
      statements: [allow(['dynamodb:PutItem'], [loginAttempts]), ...readRegistry],
      reservedConcurrency: concurrency.authorize,
    });
    this.callback = new GatewayFunction(this, 'Callback', {
      ...common,
      ...readSecrets,
      folder: 'callback',
      environment: { ...readerVariables, ...loginAttemptsVariables, ...grantsVariables, ...secretsVariables },
      statements: [
        allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [loginAttempts]),
        allow(['dynamodb:PutItem'], [grants]),
        ...readRegistry,
      ],
      reservedConcurrency: concurrency.callback,
    });
    this.token = new GatewayFunction(this, 'Token', {
      ...common,
      ...readSecrets,
      folder: 'token',
      environment: { ...readerVariables, ...grantsVariables, ...secretsVariables },
      statements: [
        allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [grants]),
        allow(['dynamodb:PutItem'], [grants], onlyJtiItems),
        ...readRegistry,
      ],
      reservedConcurrency: concurrency.token,
    });
    this.fetch = new GatewayFunction(this, 'Fetch', {
      ...common,
      ...readSecrets,
      folder: 'fetch',
      timeout: streamedTimeout,
      environment: {
        ...readerVariables,
        ...grantsVariables,
        ...secretsVariables,
        AUDIT_TABLE: tables.auditEvents.tableName,
        LIMITS_TABLE: tables.limits.tableName,
        NODE_OPTIONS: collectOften,
      },
      statements: [
        allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [grants, tables.limits.tableArn]),
        allow(['dynamodb:PutItem'], [tables.auditEvents.tableArn]),
        ...readRegistry,
      ],
      reservedConcurrency: concurrency.fetch,
    });
    this.discovery = new GatewayFunction(this, 'Discovery', {
      ...common,
      folder: 'discovery',
      environment: readerVariables,
      statements: readRegistry,
      reservedConcurrency: concurrency.discovery,
    });
  }
}
