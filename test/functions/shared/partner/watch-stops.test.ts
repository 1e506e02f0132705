import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { jest } from '@jest/globals';
import { readOne, type RegistryTable } from '../../../../bin/shared/registry-table.ts';
import { stopEntry, writeEntry } from '../../../../bin/shared/registry-writes.ts';
import type { Clock } from '../../../../functions/shared/clock.ts';
import type { PayerHttp } from '../../../../functions/shared/payer/http.ts';
import { entriesOf, entryIds, newEntryItem } from '../../../../functions/shared/registry/entry-items.ts';
import { tableRegistry } from '../../../../functions/shared/registry/table-registry.ts';
import { parseScopes } from '../../../../functions/shared/scopes/scopes.ts';
import type { Table } from '../../../../functions/shared/store/dynamo.ts';
import { deleteExport } from '../../../../functions/shared/store/exports.ts';
import type { RevocationReason } from '../../../../functions/shared/store/grant-item.ts';
import { getGrant, revoke, storePayerTokens } from '../../../../functions/shared/store/grants.ts';
import { turns } from '../../../support/eventually.ts';
import { ask, exportGateway } from '../../../support/export-gateway.ts';
import { exportWorld, observation } from '../../../support/export-world.ts';
import { fakeIntervals } from '../../../support/fake-timeouts.ts';
import { fhir, read } from '../../../support/fetch-gateway.ts';
import { localData } from '../../../support/gateway.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';

/** What is read, and how it can be ended. */
interface Target {
  readonly registry: RegistryTable;
  readonly grants: Table;
  readonly exports: Table;
  readonly grantId: string;
  readonly exportId: string;
  readonly clock: Clock;
}

type End = (target: Target) => Promise<unknown>;

const stopped =
  (entryId: string): End =>
  async ({ registry, clock }) => {
    const at = Math.floor(clock.now() / 1000);
    await stopEntry(registry, (await readOne(registry, entryId))!, { at, by: 'arn:alice', reason: 'a test' });
  };

const revoked =
  (reason: RevocationReason): End =>
  ({ grants, grantId, clock }) =>
    revoke(grants, grantId, reason, { now: Math.floor(clock.now() / 1000), requestId: 'the-end' });

/** All that is read is of another type. */
const narrow = ['launch/patient', 'patient/Coverage.rs'];

const losesScope: End = async ({ registry, clock }) => {
  const item = (await readOne(registry, entryIds.partner('demo-partner')))!;
  const changed = { changedAt: Math.floor(clock.now() / 1000), changedBy: 'arn:alice', reason: 'a test' };
  await writeEntry(registry, item.entryId, item, { ...(item.entry as object), scopes: narrow }, changed);
};

const takenBack: End = async ({ grants, grantId, clock }) => {
  const grant = (await getGrant(grants, grantId))!;
  const now = Math.floor(clock.now() / 1000);
  const left = { sealed: grant.sealedPayerTokens, scope: parseScopes(narrow), now, requestId: 'the-end' };
  expect(await storePayerTokens(grants, grant, left)).toBe(true);
};

const ends: Readonly<Record<string, End>> = {
  'the partner is blocked': stopped(entryIds.partner('demo-partner')),
  "the partner's registration loses the type": losesScope,
  'the payer is paused': stopped(entryIds.payer('northwind')),
  'the partner revokes the grant': revoked('byPartner'),
  'a member or an operator ends the grant': revoked('byOperator'),
  'a code is used twice': revoked('codeReplayed'),
  'a refresh token is used twice': revoked('refreshTokenReused'),
  'the payer ends its refresh token': revoked('refusedByPayer'),
  'the payer takes back the type': takenBack,
  'the payer names another patient': revoked('otherPatient'),
  'the export is deleted': ({ exports, grantId, exportId }) => deleteExport(exports, { grantId, exportId }),
};

/** Seconds from the end to the last byte that was passed on or kept, and to the last call. */
interface Seconds {
  readonly lastByte: number;
  readonly lastCall: number;
}

/** A registry as the functions have it, in a table of its own. */
const registryIn = (clock: Clock) => {
  const { client, items } = memoryDynamo();
  const table: RegistryTable = { client, name: 'Registry', wait: async () => {} };
  const data = localData();
  const first = { changedAt: 1, changedBy: 'arn:first', reason: 'first' };
  for (const [id, entry] of entriesOf(data)) items('Registry').set(id, newEntryItem(id, entry, first));
  const { stage, lifetimes } = data;
  return { table, registry: tableRegistry({ table, clock, writeLog: () => undefined, stage, lifetimes }) };
};

let passTimers: (ms: number) => boolean;
beforeEach(() => {
  passTimers = fakeIntervals();
});
afterEach(() => {
  jest.useRealTimers();
});

/** Seconds that pass one by one. At one of them the reading is ended. */
const stopwatch = (endsAt: number, passSecond: () => Promise<void> | void, end: () => Promise<unknown>) => {
  let second = 0;
  const last = { lastByte: 0, lastCall: 0 };
  const seconds = (): Seconds => ({
    lastByte: Math.max(0, last.lastByte - endsAt),
    lastCall: Math.max(0, last.lastCall - endsAt),
  });
  return {
    noteCall: () => void (last.lastCall = second),
    /** A body of one byte a second, for five minutes. */
    drip: async function* (bytes: Iterable<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
      for (const byte of bytes) {
        if (second === endsAt) await end();
        second += 1;
        await passSecond();
        if (passTimers(1000)) await turns();
        signal?.throwIfAborted();
        last.lastByte = second;
        yield byte;
      }
    },
    seconds,
  };
};

const blanks = (count: number): Uint8Array[] => Array.from({ length: count }, () => Buffer.from(' '));

const cutStream = async (end: End, endsAt: number): Promise<Seconds> => {
  const test = exportGateway();
  const { clock } = test.deps;
  const { registry, table } = registryIn(clock);
  const { token, grantId } = await test.grant();
  const target = { ...test.deps, registry: table, grantId, exportId: '' };
  const watch = stopwatch(
    endsAt,
    () => test.passSeconds(1),
    () => end(target),
  );
  test.payer.http = async (_url, init) => {
    watch.noteCall();
    const pieces = [Buffer.from('{"resourceType":"Bundle","entry":['), ...blanks(300)];
    return fhir(Readable.toWeb(Readable.from(watch.drip(pieces, init?.signal ?? undefined))) as ReadableStream);
  };

  const { error } = await read({ ...test.deps, registry }, 'Observation', token);

  expect(String(error)).toBe('Error: The answer was cut');
  return watch.seconds();
};

/** An export of many small parts, each of which takes a second. */
const cutDownload = async (end: End, endsAt: number): Promise<Seconds> => {
  const test = exportGateway();
  const { clock } = test.deps;
  const { registry, table } = registryIn(clock);
  const grant = await test.grant();
  const item = await test.start(grant);
  await test.begin(item);
  const parts = Array.from({ length: endsAt + 31 }, () => ['{"id":"a"}']);
  await test.end(grant, item, [{ name: 'Observation.ndjson', type: 'Observation', parts }]);
  const target = { ...test.deps, registry: table, ...item };
  const watch = stopwatch(
    endsAt,
    () => test.passSeconds(1),
    () => end(target),
  );
  const openObject: typeof test.deps.openObject = async (name, signal) => {
    if (name.endsWith('manifest')) return test.deps.openObject(name, signal);
    watch.noteCall();
    return watch.drip([test.objects.get(name)!], signal);
  };

  const { error } = await ask({ ...test.deps, registry, openObject }, item.exportId, grant.token, {
    file: 'Observation.ndjson',
  });

  expect(String(error)).toBe('Error: The answer was cut');
  return watch.seconds();
};

/** @param pageSeconds how long each page takes */
const cutLeg = async (end: End, endsAt: number, pageSeconds: number): Promise<Seconds> => {
  const clock: Clock = { now: () => world.durable.now(), monotonic: () => world.durable.now() };
  const { registry, table } = registryIn(clock);
  let page = 0;
  const headers = { get: (name: string) => (name === 'content-type' ? 'application/fhir+json' : null) };
  const answer = (body: AsyncIterable<Uint8Array>) => ({
    status: 200,
    headers,
    body: Object.assign(body, { cancel: () => Promise.resolve() }),
  });
  const payerHttp: PayerHttp = async (url, init) => {
    // What may still be read does not count.
    if (/\/(?:metadata|Coverage)/.test(String(url)))
      return answer(Readable.from([Buffer.from('{"resourceType":"Bundle"}')]));
    watch.noteCall();
    page += 1;
    const text = JSON.stringify({
      resourceType: 'Bundle',
      link: [{ relation: 'next', url: `${world.base}/Observation?page=${page + 1}` }],
      entry: [{ resource: observation(page) }],
    });
    const body = watch.drip([...blanks(pageSeconds - 1), Buffer.from(text)], init?.signal);
    return answer(body);
  };
  const world: ReturnType<typeof exportWorld> = exportWorld({ deps: { registry, payerHttp } });
  const { grants, exports } = world.deps;
  const { grantId, exportId } = world;
  const target = { registry: table, grants, exports, grantId, exportId, clock };
  const watch = stopwatch(
    endsAt,
    () => world.durable.sleep(1000),
    () => end(target),
  );

  await world.kickOff();
  world.start();
  await world.durable.pass((endsAt + 60) * 1000);

  return watch.seconds();
};

const longest = (runs: readonly Seconds[]): Seconds => ({
  lastByte: Math.max(...runs.map(({ lastByte }) => lastByte)),
  lastCall: Math.max(...runs.map(({ lastCall }) => lastCall)),
});

/** Seconds after the begin. An entry of the registry is kept for twenty, the grant is looked up every ten. */
const moments = [21, 25, 30, 34, 40];

const kinds = [
  cutStream,
  cutDownload,
  (end: End, endsAt: number) => cutLeg(end, endsAt, 300),
  (end: End, endsAt: number) => cutLeg(end, endsAt, 1),
];

it.each(Object.entries(ends))(
  'what is under way has its last byte and its last call within thirty seconds after %s, as the report says',
  async (name, end) => {
    const row: string[] = [name];
    for (const cut of kinds) {
      // A stream has no export.
      if (cut === cutStream && name === 'the export is deleted') row.push('–', '–');
      else {
        const runs: Seconds[] = [];
        for (const endsAt of moments) runs.push(await cut(end, endsAt));
        const { lastByte, lastCall } = longest(runs);
        expect(Math.max(lastByte, lastCall)).toBeLessThanOrEqual(30);
        row.push(String(lastByte), String(lastCall));
      }
    }

    const report = await readFile('docs/reports/testing.md', 'utf8');
    expect(report.replaceAll(/ +/g, ' ')).toContain(`| ${row.join(' | ')} |`.replaceAll(/ +/g, ' '));
  },
);
