import { Duration } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { exportProgressAttributes } from '../functions/shared/store/exports.ts';
import { memberGrantAttributes } from '../functions/shared/store/member-grants.ts';
import { memberIndex } from '../functions/shared/store/member-index.ts';
import { memberSessionPrefix } from '../functions/shared/store/member-sessions.ts';
import { longestReadSeconds } from '../functions/shared/store/read-events.ts';
import { grantWriters, writtenBy } from './attribute-writers.ts';
import { collectOften } from './collect-often.ts';
import { edgeVariables } from './edge-variables.ts';
import { errorsVariables } from './errors-variables.ts';
import { exchangesOfFetch, exchangesOfToken } from './exchanges.ts';
import { GatewayFunction } from './gateway-function.ts';
import type { PayerSecrets } from './payer-secrets.ts';
import { allowRegistry, registryVariables } from './registry-reader.ts';
import type { GatewayRuntime } from './runtime.ts';
import {
  allow,
  allowExportBoxes,
  allowKeyForTables,
  allowOnlyWriting,
  onlyAttributes,
  onlyItems,
  onlyReadAttributes,
} from './statements.ts';
import type { GatewayTables } from './tables.ts';

export interface GatewayFunctionsProps {
  readonly runtime: GatewayRuntime;
  /** The public origin, without a trailing slash. */
  readonly origin: string;
  readonly tables: GatewayTables;
  readonly payerSecrets: PayerSecrets;
  /** Encrypts tables and secrets. */
  readonly key: IKey;
  /** Seals what an export's job needs. */
  readonly exportsKey: IKey;
  /** Makes the index of a grant's member. */
  readonly memberIndexKey: IKey;
}

/** The attributes of a grant that its end changes or compares: none says who may read what. */
const changedByRevoke = ['grantId', ...writtenBy(grantWriters, 'revoke')];

/** What the token function may do with members' identities; undefined if the stage has no identity providers. */
const identityOf = ({ identityProviders: providers = [], longestConsentAge }: StageConfig) =>
  providers.length === 0 ? undefined : { providers, longestConsentAge };

/** API Gateway waits 29 seconds for a buffered response. */
const bufferedTimeout = Duration.seconds(29);
/** Less than the 15 minutes that API Gateway streams for, so that our own deadline ends a long read. */
const streamedTimeout = Duration.seconds(longestReadSeconds);

/**
 * The functions behind the API, each with exactly the permissions it needs: the actions it calls, on the resources it
 * uses.
 */
export class GatewayFunctions extends Construct {
  readonly authorize: GatewayFunction;
  readonly callback: GatewayFunction;
  readonly connections: GatewayFunction;
  readonly token: GatewayFunction;
  readonly fetch: GatewayFunction;
  readonly discovery: GatewayFunction;

  constructor(scope: Construct, id: string, props: GatewayFunctionsProps) {
    super(scope, id);
    const { runtime, origin, tables, payerSecrets, key, exportsKey, memberIndexKey } = props;
    const { concurrency } = runtime.config;
    const identity = identityOf(runtime.config);
    const systemTokens = exchangesOfToken(tables);
    const ofExchanges = exchangesOfFetch(tables, runtime.config.exchanges, exportsKey);
    const loginAttempts = tables.loginAttempts.tableArn;
    const grants = tables.grants.tableArn;
    const common = { runtime, timeout: bufferedTimeout };
    const readerVariables = {
      ORIGIN: origin,
      ...registryVariables(runtime.config, tables),
      ...edgeVariables(runtime.config),
      ...errorsVariables(runtime.config),
    };
    const secretsVariables = { PAYER_SECRET_PREFIX: payerSecrets.prefix };
    const loginAttemptsVariables = { LOGIN_ATTEMPTS_TABLE: tables.loginAttempts.tableName };
    const grantsVariables = { GRANTS_TABLE: tables.grants.tableName };
    const readSecrets = { policies: [payerSecrets.readPolicy] };
    const readRegistry = [allowRegistry(tables), allowKeyForTables(key)];

    this.authorize = new GatewayFunction(this, 'Authorize', {
      ...common,
      folder: 'authorize',
      environment: { ...readerVariables, ...loginAttemptsVariables },
      statements: [allowOnlyWriting(['dynamodb:PutItem'], [loginAttempts]), ...readRegistry],
      reservedConcurrency: concurrency.authorize,
    });
    this.callback = new GatewayFunction(this, 'Callback', {
      ...common,
      ...readSecrets,
      folder: 'callback',
      environment: {
        ...readerVariables,
        ...loginAttemptsVariables,
        ...grantsVariables,
        ...secretsVariables,
        MEMBER_INDEX_KEY: memberIndexKey.keyArn,
      },
      statements: [
        allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [loginAttempts]),
        allowOnlyWriting(['dynamodb:PutItem'], [grants]),
        allow(['kms:GenerateMac'], [memberIndexKey.keyArn]),
        ...readRegistry,
      ],
      reservedConcurrency: concurrency.callback,
    });
    this.connections = new GatewayFunction(this, 'Connections', {
      ...common,
      folder: 'connections',
      environment: {
        ...readerVariables,
        ...loginAttemptsVariables,
        ...grantsVariables,
        EXPORTS_TABLE: tables.exports.tableName,
      },
      statements: [
        allowOnlyWriting(['dynamodb:PutItem'], [loginAttempts]),
        // Of the sign-ins it may read only members' sessions.
        allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [loginAttempts], onlyItems(`${memberSessionPrefix}*`)),
        // No other function may search by member. It may end grants, and select nothing of them that opens anything.
        allow(['dynamodb:Query'], [`${grants}/index/${memberIndex.index}`]),
        allow(['dynamodb:GetItem'], [grants], onlyReadAttributes(memberGrantAttributes)),
        allowOnlyWriting(['dynamodb:UpdateItem'], [grants], onlyAttributes(changedByRevoke)),
        // That a member stopped an app, so that an earlier approval makes no grant.
        ...(identity === undefined ? [] : [allowOnlyWriting(['dynamodb:PutItem'], [grants], onlyItems('jti.*'))]),
        allow(['dynamodb:GetItem'], [tables.exports.tableArn], onlyReadAttributes(exportProgressAttributes)),
        ...readRegistry,
      ],
      reservedConcurrency: concurrency.connections,
    });
    this.token = new GatewayFunction(this, 'Token', {
      ...common,
      ...readSecrets,
      folder: 'token',
      environment: {
        ...readerVariables,
        ...grantsVariables,
        ...secretsVariables,
        ...(identity === undefined
          ? {}
          : {
              IDENTITY: JSON.stringify(identity),
              LIMITS_TABLE: tables.limits.tableName,
              MEMBER_INDEX_KEY: memberIndexKey.keyArn,
            }),
        ...systemTokens.variables,
      },
      statements: [
        allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [grants]),
        ...(identity === undefined
          ? // Client assertions that were used. It cannot create a grant.
            [allow(['dynamodb:PutItem'], [grants], onlyItems('jti.*'))]
          : [
              // It creates grants by members' identities, and counts answers without a match.
              allow(['dynamodb:PutItem'], [grants]),
              allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [tables.limits.tableArn], onlyItems('noMatch#*')),
              allow(['kms:GenerateMac'], [memberIndexKey.keyArn]),
            ]),
        ...systemTokens.statements,
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
        EXPORTS_TABLE: tables.exports.tableName,
        EXPORTS_KEY: exportsKey.keyArn,
        NODE_OPTIONS: collectOften,
        ...ofExchanges.variables,
      },
      statements: [
        allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [grants, tables.limits.tableArn]),
        allowOnlyWriting(['dynamodb:PutItem'], [tables.auditEvents.tableArn]),
        // A kick-off. The table's stream starts the job.
        allow(['dynamodb:GetItem', 'dynamodb:PutItem'], [tables.exports.tableArn]),
        allowExportBoxes(exportsKey, ['kms:GenerateDataKey']),
        ...ofExchanges.statements,
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
    // 0.1's buffers its answers, and no function can answer both ways. Under its own id this one is made beside it, and 0.1's
    // is deleted once the API has switched. Role and log group stay.
    (this.discovery.lambda.node.defaultChild as CfnFunction).overrideLogicalId('FunctionsDiscoveryStreamed');
  }
}
