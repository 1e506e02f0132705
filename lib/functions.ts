import { Duration } from 'aws-cdk-lib';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { registryData } from '../config/load.ts';
import type { StageConfig } from '../config/stage.ts';
import { GatewayFunction } from './gateway-function.ts';
import type { PayerSecrets } from './payer-secrets.ts';
import type { GatewayTables } from './tables.ts';

export interface GatewayFunctionsProps {
  readonly config: StageConfig;
  /** The public origin, without a trailing slash. */
  readonly origin: string;
  readonly tables: GatewayTables;
  readonly payerSecrets: PayerSecrets;
}

/** A buffered answer has to leave within what API Gateway waits for. */
const bufferedTimeout = Duration.seconds(29);
/** Under the 15 minutes that API Gateway streams for, so that our own deadline ends a long read. */
const streamedTimeout = Duration.minutes(14);

const allow = (actions: readonly string[], resources: readonly string[]): PolicyStatement =>
  new PolicyStatement({ effect: Effect.ALLOW, actions: [...actions], resources: [...resources] });

/** token remembers the `jti` of client assertions, and can make no grant. `ForAllValues` alone would let no key pass. */
const allowJtiItems = (grants: string): PolicyStatement =>
  new PolicyStatement({
    effect: Effect.ALLOW,
    actions: ['dynamodb:PutItem'],
    resources: [grants],
    conditions: {
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['jti.*'] },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    },
  });

/**
 * A stream leaves garbage at its own pace, and V8 lets 48 MB of it pile up before it looks. With a young generation of
 * 1 MB a 100 MB answer grows the process by 9 MB instead of 75 MB, at the same speed.
 */
const collectOften = '--max-semi-space-size=1';

/** The functions and, for each, exactly what it may do: the actions it calls on the resources it calls them on. */
export class GatewayFunctions extends Construct {
  readonly authorize: GatewayFunction;
  readonly callback: GatewayFunction;
  readonly token: GatewayFunction;
  readonly fetch: GatewayFunction;
  readonly discovery: GatewayFunction;

  constructor(scope: Construct, id: string, props: GatewayFunctionsProps) {
    super(scope, id);
    const { tables, payerSecrets } = props;
    const loginAttempts = tables.loginAttempts.tableArn;
    const grants = tables.grants.tableArn;
    const common = { registry: registryData(props.config), timeout: bufferedTimeout };
    const secretsVariables = { PAYER_SECRET_PREFIX: payerSecrets.prefix };
    const loginAttemptsVariables = { ORIGIN: props.origin, LOGIN_ATTEMPTS_TABLE: tables.loginAttempts.tableName };
    const grantsVariables = { ORIGIN: props.origin, GRANTS_TABLE: tables.grants.tableName };
    const readSecrets = allow(['secretsmanager:GetSecretValue'], payerSecrets.arns);

    this.authorize = new GatewayFunction(this, 'Authorize', {
      ...common,
      folder: 'authorize',
      environment: loginAttemptsVariables,
      statements: [allow(['dynamodb:PutItem'], [loginAttempts])],
    });
    this.callback = new GatewayFunction(this, 'Callback', {
      ...common,
      folder: 'callback',
      environment: { ...loginAttemptsVariables, ...grantsVariables, ...secretsVariables },
      statements: [
        allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [loginAttempts]),
        allow(['dynamodb:PutItem'], [grants]),
        readSecrets,
      ],
    });
    this.token = new GatewayFunction(this, 'Token', {
      ...common,
      folder: 'token',
      environment: { ...grantsVariables, ...secretsVariables },
      statements: [allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [grants]), allowJtiItems(grants), readSecrets],
    });
    this.fetch = new GatewayFunction(this, 'Fetch', {
      ...common,
      folder: 'fetch',
      timeout: streamedTimeout,
      environment: { ...grantsVariables, ...secretsVariables, NODE_OPTIONS: collectOften },
      statements: [allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [grants]), readSecrets],
    });
    this.discovery = new GatewayFunction(this, 'Discovery', {
      ...common,
      folder: 'discovery',
      environment: { ORIGIN: props.origin },
      statements: [],
    });
  }
}
