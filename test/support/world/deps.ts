import { randomBytes } from 'node:crypto';
import type { AuthorizeDeps } from '../../../functions/authorize/handler.ts';
import type { CallbackDeps } from '../../../functions/callback/handler.ts';
import type { DiscoveryDeps } from '../../../functions/discovery/handler.ts';
import { payerBreakers } from '../../../functions/fetch/breaker/breakers.ts';
import type { FetchDeps } from '../../../functions/fetch/deps.ts';
import { leaseFromTable } from '../../../functions/shared/limits/lease-slots.ts';
import { limiter } from '../../../functions/shared/limits/limiter.ts';
import { readEventWriter } from '../../../functions/shared/record/audit-read.ts';
import type { Table } from '../../../functions/shared/store/dynamo.ts';
import type { TokenDeps } from '../../../functions/token/deps.ts';
import { sealsNothing } from '../job-boxes.ts';
import { indexMember } from '../member-key.ts';

/** Each table's partition key. */
export const tableKeys = {
  LoginAttempts: 'stateHash',
  Grants: 'grantId',
  AuditEvents: 'eventId',
  Limits: 'limitId',
  Registry: 'entryId',
  Exports: 'grantId',
  Exchanges: 'owner',
} as const;
export type TableName = keyof typeof tableKeys;
/** The sort key of a table that has one. */
export const sortKeyOf = (table: TableName): string[] => (table === 'Exchanges' ? ['name'] : []);
export const tableNames = Object.keys(tableKeys) as TableName[];
/** In memory a table has its own name. */
export const memoryTables = Object.fromEntries(tableNames.map((name) => [name, name])) as {
  readonly [Name in TableName]: Name;
};

/** What the functions of a login and of a read depend on. */
export type WorldDeps = AuthorizeDeps & CallbackDeps & TokenDeps & DiscoveryDeps & FetchDeps;

/** What each world must give. */
type Own = Pick<WorldDeps, 'clock' | 'registry' | 'payerHttp' | 'readPayerSecret' | 'sleep'>;

/** The dependencies of all functions over tables; a world may replace any of them. */
export const depsOver = <Given extends Own & Partial<WorldDeps>>(tableOf: (name: TableName) => Table, given: Given) => {
  const { clock } = given;
  const limits = tableOf('Limits');
  return {
    randomBytes: (size: number): Uint8Array => randomBytes(size),
    pages: { operator: { name: 'Payer-to-payer gateway' } },
    origin: 'http://localhost:3000',
    writeLog: (): void => undefined,
    loginAttempts: tableOf('LoginAttempts'),
    grants: tableOf('Grants'),
    exports: tableOf('Exports'),
    sealForJob: sealsNothing,
    indexMember,
    takeTurn: limiter({ lease: leaseFromTable(limits), clock }),
    breakers: payerBreakers({ limits, clock }),
    ...readEventWriter(tableOf('AuditEvents'), clock),
    ...given,
  };
};
