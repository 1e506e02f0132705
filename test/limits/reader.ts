/** A process that acts as one execution environment of fetch: it makes one read for each message that it receives. */
import '../support/stream-handler.ts';
import { readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { payerBreakers } from '../../functions/fetch/breaker/breakers.ts';
import type { FetchDeps } from '../../functions/fetch/deps.ts';
import { fetchHandler } from '../../functions/fetch/handler.ts';
import { leaseFromTable } from '../../functions/shared/limits/lease-slots.ts';
import { limiter } from '../../functions/shared/limits/limiter.ts';
import { createPayerHttp } from '../../functions/shared/payer/http-client.ts';
import { readEventWriter } from '../../functions/shared/record/audit-read.ts';
import { registryOf } from '../../functions/shared/registry/registry.ts';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { boundedClock } from '../../functions/shared/store/bounded-clock.ts';
import type { BreakerTimes } from '../../functions/shared/store/breaker-item.ts';
import { dynamoClient } from '../../functions/shared/store/dynamo.ts';
import { readEvent } from '../support/fetch-gateway.ts';
import { sealsNothing } from '../support/job-boxes.ts';
import { unguarded } from '../support/unguarded.ts';

/** What a process is started with, as JSON in its only argument. */
export interface ReaderOptions {
  /** The file of the registry. */
  readonly registry: string;
  /** Undefined: without breakers. */
  readonly times?: BreakerTimes | undefined;
}

/** A read to make. */
export interface ReadMessage {
  readonly payer: string;
  readonly path: string;
  readonly token: string;
}

/** What it reports about each read, and when it is ready. */
export interface ReaderMessage {
  readonly status?: number;
  /** Whether it opened the breaker. */
  readonly opened?: boolean;
}

const { registry, times } = JSON.parse(process.argv[2] ?? '{}') as ReaderOptions;
const client = dynamoClient();
const own = { now: () => Date.now(), monotonic: () => performance.now() };
const clock = boundedClock(client, own);
const limits = { client, name: 'Limits' };
let line = '';
const deps: FetchDeps = {
  clock: own,
  randomBytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
  payerHttp: createPayerHttp(),
  registry: registryOf(JSON.parse(readFileSync(registry, 'utf8')) as RegistryData),
  origin: 'http://localhost:3000',
  writeLog: (written) => void (line = written),
  grants: { client, name: 'Grants' },
  exports: { client, name: 'Exports' },
  sealForJob: sealsNothing,
  readPayerSecret: () => Promise.reject(new Error('no secret')),
  sleep: (ms) => sleep(ms),
  takeTurn: limiter({ lease: leaseFromTable(limits), clock }),
  breakers: times === undefined ? unguarded : payerBreakers({ limits, clock, times }),
  ...readEventWriter({ client, name: 'AuditEvents' }, own),
};
const say = (message: ReaderMessage): void => void process.send?.(message);

type Handler = (event: unknown, stream: Writable, context: unknown) => Promise<void>;
const handler = fetchHandler(deps) as unknown as Handler;

/** One read, as Lambda makes it. */
const read = async ({ payer, path, token }: ReadMessage): Promise<ReaderMessage> => {
  const stream: Writable & { prelude?: { readonly statusCode: number } } = new Writable({
    write: (_chunk, _encoding, done) => done(),
  });
  const context = { awsRequestId: crypto.randomUUID(), getRemainingTimeInMillis: () => 840_000 };
  await handler(readEvent(path, token, { payer }), stream, context);
  const { breakerOpened } = JSON.parse(line) as { readonly breakerOpened?: number };
  return { status: stream.prelude?.statusCode ?? 0, opened: breakerOpened !== undefined };
};

process.on('message', (message: ReadMessage) => void read(message).then(say));
process.on('disconnect', () => process.exit());
say({});
