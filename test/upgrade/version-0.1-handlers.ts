import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../../functions/shared/clock.ts';
import { loadVersion01, type Version01 } from './version-0.1-code.ts';

/** Of what today's functions are given, what version 0.1's take in the same form. */
interface SameDeps {
  readonly clock: Clock;
  readonly randomBytes: unknown;
  readonly payerHttp: unknown;
  readonly origin: string;
  readonly writeLog: unknown;
  readonly readPayerSecret: unknown;
  readonly sleep: unknown;
}

/** Where its items are. */
interface Tables {
  /** The client of its own bundle's SDK. */
  readonly client: DynamoDBClient;
  readonly nameOf: (table: 'LoginAttempts' | 'Grants' | 'AuditEvents') => string;
}

let loaded: Version01 | undefined;

/** Version 0.1's code, built once per test file. */
export const version01 = (): Version01 => (loaded ??= loadVersion01());

/**
 * The functions of version 0.1 with the configuration that they had, which was in a file beside their code.
 * @param keyed a partner that is not in its local stage
 */
export const handlersOfVersion01 = (same: SameDeps, { client, nameOf }: Tables, keyed: object) => {
  const code = version01();
  const { stage, lifetimes, payers, partners } = code.localStage();
  const data = {
    stage,
    lifetimes: { ...lifetimes, code: 60 },
    payers,
    partners: [...partners, { ...partners[0], ...keyed }],
  };
  const table = (name: Parameters<typeof nameOf>[0]) => ({ client, name: nameOf(name) });
  const deps = {
    ...same,
    registry: code.registryOf(data),
    loginAttempts: table('LoginAttempts'),
    grants: table('Grants'),
    takeTurn: code.rateLimiter(same.clock),
    ...code.readEventWriter(table('AuditEvents'), same.clock),
  };
  return {
    authorize: code.authorizeHandler(deps),
    callback: code.callbackHandler(deps),
    token: code.tokenHandler(deps),
    fetch: code.fetchHandler(deps),
  };
};
