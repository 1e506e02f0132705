import { createHash } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { devNull } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { format } from 'node:util';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { authorizeHandler } from '../functions/authorize/handler.ts';
import { callbackHandler } from '../functions/callback/handler.ts';
import { payerBreakers } from '../functions/fetch/breaker/breakers.ts';
import { fetchHandler } from '../functions/fetch/handler.ts';
import { realDeps } from '../functions/shared/deps.ts';
import type { ApiEvent, ApiResponse } from '../functions/shared/http/api.ts';
import { leaseFromTable } from '../functions/shared/limits/lease-slots.ts';
import { limiter } from '../functions/shared/limits/limiter.ts';
import type { PayerHttp } from '../functions/shared/payer/http.ts';
import { payerSecretReader, secretsClient } from '../functions/shared/payer/secrets.ts';
import { readEventWriter } from '../functions/shared/record/audit-read.ts';
import { tableRegistry } from '../functions/shared/registry/table-registry.ts';
import { boundedClock } from '../functions/shared/store/bounded-clock.ts';
import { memberMessage, type Member } from '../functions/shared/store/member-index.ts';
import { tokenHandler } from '../functions/token/handler.ts';
import { lambdaContext } from './api-event.ts';
import { keys } from './keys.ts';
import { slowed, type Plant } from './plant.ts';
import { identityProvider } from './stage.ts';
import { awslambda, sink } from './stream.ts';
import type { Tables } from './world.ts';

const log = openSync(devNull, 'w');

/** Writes a log line synchronously, as a function does, and discards it. */
export const writeLog = (line: string): void => void writeSync(log, `${line}\n`);

/** Does the same for a peer that logs to the console. */
export const silenceConsole = (): void => {
  console.log = (...values: unknown[]): void => writeLog(format(...values));
};

/** The functions, called as Lambda calls them. */
export interface Gateway {
  readonly authorize: (event: ApiEvent) => Promise<ApiResponse>;
  readonly callback: (event: ApiEvent) => Promise<ApiResponse>;
  readonly token: (event: ApiEvent) => Promise<ApiResponse>;
  /** Resolves with the status once the whole body has been written. */
  readonly fetch: (event: ApiEvent) => Promise<number>;
}

interface GatewayOptions {
  readonly tables: Tables;
  readonly client: DynamoDBClient;
  /** The registry's table. */
  readonly registry: string;
  readonly payerHttp?: PayerHttp;
  /** Called with each chunk of a streamed body. */
  readonly onWrite?: () => void;
  /** @default nothing is planted */
  readonly plant?: Plant | undefined;
}

type Handler = (event: ApiEvent, context: unknown) => Promise<ApiResponse>;
type StreamingHandler = (event: ApiEvent, stream: unknown, context: unknown) => Promise<void>;

/** The handlers with the dependencies of each function's `index.ts`. Only the log goes elsewhere. */
export const gatewayOver = ({ tables, client, registry, payerHttp, onWrite, plant }: GatewayOptions): Gateway => {
  Object.assign(globalThis, { awslambda });
  const { client: _, ...real } = realDeps();
  const { stage, lifetimes } = real.registry;
  const deps = {
    ...real,
    writeLog,
    pages: { operator: { name: 'Bench' } },
    // One client for all tables, as in a function.
    registry: tableRegistry({ table: { client, name: registry }, clock: real.clock, writeLog, stage, lifetimes }),
    payerHttp: payerHttp ?? real.payerHttp,
    loginAttempts: { client, name: tables.loginAttempts },
    grants: { client, name: tables.grants },
    readPayerSecret: payerSecretReader(secretsClient(), 'bench/', real.clock),
    // The bench has no KMS.
    indexMember: async (member: Member) => createHash('sha256').update(memberMessage(member)).digest('base64url'),
  };
  const limits = { client, name: tables.limits };
  const identity = {
    providers: [identityProvider],
    longestConsentAge: 600,
    // A function keeps them for ten minutes.
    readKeys: async () => ({
      keys: { keys: [keys.identityProvider.publicJwk] },
      isNew: false,
      failure: undefined,
      againInMs: 0,
    }),
    limits,
    indexMember: deps.indexMember,
    sleep: (ms: number) => sleep(ms),
  };
  const buffered =
    (handler: unknown) =>
    (event: ApiEvent): Promise<ApiResponse> =>
      (handler as Handler)(event, lambdaContext());
  const clock = boundedClock(client, deps.clock);
  const streaming = fetchHandler({
    ...deps,
    sleep: (ms) => sleep(ms),
    takeTurn: limiter({ lease: leaseFromTable(limits), clock }),
    breakers: payerBreakers({ limits, clock }),
    exports: { client, name: tables.exports },
    // No benchmark request starts an export.
    sealForJob: () => Promise.reject(new Error('The bench has no exports key')),
    ...readEventWriter({ client, name: tables.auditEvents }, deps.clock),
  }) as unknown as StreamingHandler;
  const gateway: Gateway = {
    authorize: buffered(authorizeHandler(deps)),
    callback: buffered(callbackHandler(deps)),
    token: buffered(tokenHandler({ ...deps, identity })),
    fetch: async (event) => {
      const stream = sink(onWrite);
      await streaming(event, stream, lambdaContext());
      return stream.status();
    },
  };
  return plant === undefined ? gateway : slowed(gateway, plant);
};
