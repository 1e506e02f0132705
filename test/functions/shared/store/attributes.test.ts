import { randomBytes } from 'node:crypto';
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { putIfAbsent } from '../../../../bin/restore/put-back.ts';
import {
  beatHold,
  endStop,
  releaseHold,
  removeEntry,
  stopEntry,
  takeHold,
  writeEntry,
} from '../../../../bin/shared/registry-writes.ts';
import { closeReads } from '../../../../functions/audit/close-reads.ts';
import type { AuditDeps } from '../../../../functions/audit/deps.ts';
import { keepSeen } from '../../../../functions/canary/watch-drift.ts';
import { keepDataVersion } from '../../../../functions/fill-registry/keep-data-version.ts';
import { putItems } from '../../../../functions/fill-registry/put-items.ts';
import { auditAsked, auditCame, auditEnded } from '../../../../functions/shared/exchanges/audit-exchange.ts';
import { leaseFromTable, returnSlot } from '../../../../functions/shared/limits/lease-slots.ts';
import { readEventWriter } from '../../../../functions/shared/record/audit-read.ts';
import { newEntryItem, readEntryItem } from '../../../../functions/shared/registry/entry-items.ts';
import {
  auditEventAttributes,
  exchangeAttributes,
  exportAttributes,
  grantAttributes,
  grantEventAttributes,
  limitAttributes,
  loginAttemptAttributes,
  registryAttributes,
  stopAttributes,
  type Attributes,
} from '../../../../functions/shared/store/attributes.ts';
import { closedBreaker, usualTimes } from '../../../../functions/shared/store/breaker-item.ts';
import {
  closeBreaker,
  markLate,
  openBreaker,
  openForCanary,
  releaseProbe,
  reopenBreaker,
  takeProbe,
} from '../../../../functions/shared/store/breakers.ts';
import { noteAccepted, noteRunning, putInput } from '../../../../functions/shared/store/exchanges.ts';
import {
  askForToken,
  beginExport,
  continueExport,
  dropSecrets,
  endExport,
  giveToken,
  noteAwake,
  noteProgress,
  putExport,
  startAgain,
  type NewExport,
} from '../../../../functions/shared/store/exports.ts';
import { clausesOn, updateOf } from '../../../../functions/shared/store/expressions.ts';
import {
  addLinkKey,
  addMemberIndex,
  noteExportEnded,
  putGrant,
  rememberAssertion,
  revoke,
  rotate,
} from '../../../../functions/shared/store/grants.ts';
import {
  endMember,
  endMemberEarly,
  noteMade,
  notePatients,
  putGroupBody,
  putGroupHead,
} from '../../../../functions/shared/store/groups.ts';
import { readerOf } from '../../../../functions/shared/store/items.ts';
import { endMemberSession, putMemberSession, useForm } from '../../../../functions/shared/store/member-sessions.ts';
import { putSystemToken } from '../../../../functions/shared/store/system-tokens.ts';
import { disableWebhook } from '../../../../functions/shared/store/webhooks.ts';
import {
  auditEventWriters,
  exchangeWriters,
  exportWriters,
  grantEventWriters,
  grantWriters,
  limitWriters,
  loginAttemptWriters,
  registryWriters,
  stopWriters,
} from '../../../../lib/attribute-writers.ts';
import { documentAt } from '../../../docs/documents.ts';
import { stores, type Store } from '../../../model/store.ts';
import { sortKeyOf, tableKeys, type TableName } from '../../../support/world/deps.ts';
import { at, everyUpdate, grant, issue, now } from './grants-cases.ts';
import { startAttempt } from './login-attempts-cases.ts';

/** Something about each attribute. */
type Described = Readonly<Record<string, string>>;

const tables: Readonly<Record<TableName, Attributes>> = {
  LoginAttempts: loginAttemptAttributes,
  Grants: grantAttributes,
  AuditEvents: auditEventAttributes,
  Limits: limitAttributes,
  Registry: registryAttributes,
  Exports: exportAttributes,
  Exchanges: exchangeAttributes,
};

/** The parts of attributes that are maps. */
const nestedIn: Readonly<Record<string, Readonly<Record<string, Attributes>>>> = {
  Grants: { lastEvent: grantEventAttributes },
  Registry: { stop: stopAttributes },
};

const inMap = (map: string, writers: Described): Described =>
  Object.fromEntries(Object.entries(writers).map(([name, steps]) => [`${map}.${name}`, steps]));

const writers: Readonly<Record<TableName, Described>> = {
  LoginAttempts: loginAttemptWriters,
  Grants: { ...grantWriters, ...inMap('lastEvent', grantEventWriters) },
  AuditEvents: auditEventWriters,
  Limits: limitWriters,
  Registry: { ...registryWriters, ...inMap('stop', stopWriters) },
  Exports: exportWriters,
  Exchanges: exchangeWriters,
};

/** The types that docs/reports/attributes.md gives a table's attributes; several may share a row. */
const documentedTypes = (table: string): Described => {
  const sections = documentAt('docs/reports/attributes.md').text.split(/^##+ /m);
  const section = sections.find((text) => text.startsWith(`${table}\n`)) ?? '';
  const rows = [...section.matchAll(/^\| (`[^|]*) \| ([^|]*) \| /gm)];
  return Object.fromEntries(
    rows.flatMap(([, first = '', second = '']) => {
      const names = [...first.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
      const types = second.trim().split(', ');
      return names.map((name, index) => [name, types[types.length === 1 ? 0 : index] ?? ''] as const);
    }),
  );
};

const everyStep = (client: DynamoDBClient): Readonly<Record<string, readonly [string, () => Promise<unknown>][]>> => {
  const table = { client, name: 'any' };
  const whole = {
    ...grant,
    patient: 'patient-1',
    memberIndex: 'index',
    codeChallenge: 'challenge',
    access: issue.access,
  };
  const pair = { ...issue, presentedHash: 'refresh-hash', salt: new Uint8Array([3]) };
  const login = () => startAttempt(table, { codeChallenge: 'challenge', partnerState: 'state' });
  const lease = {
    key: 'partner#a',
    rate: { perSecond: 50, burst: 100 },
    needed: 1,
    slots: 1,
    alone: false,
    ahead: false,
    crowded: false,
    now: () => 1e12,
  };
  const mark = { grant: 'g', partner: 'p' };
  const marked = { ...closedBreaker, lateSinceMs: 1e12 };
  const opened = { ...closedBreaker, openUntilMs: 1 };
  const known = { requestId: 'r', grantId: 'g', partner: 'p', payer: 'n', interaction: 'read Patient' };
  const record = { ...known, exchange: 'e', status: 200, error: 'payer_error', bytes: 7 };
  const read = { record, patient: 'patient-1' } as Parameters<ReturnType<typeof readEventWriter>['openGate']>[0];
  const clock = { now: () => 1e12, monotonic: () => 0 };
  const registry = { ...table, wait: async () => {} };
  const changed = { changedAt: now, changedBy: 'o', reason: 'n' };
  const end = { at: now, by: 'o', reason: 'n' };
  const item = { ...readEntryItem({}), entryId: 'payer#a', seen: { N: '1' }, digest: undefined };
  const filling = { deps: { clock, random: () => 0, wait: registry.wait }, table, untilMs: 1 };
  const key = { grantId: 'g', exportId: 'e' };
  const bytes = new Uint8Array([1]);
  const token = { payerToken: bytes, payerTokenExpiresAt: now, payerTokenAt: now, payerVersion: 1 };
  const exported: NewExport = {
    ...key,
    ...token,
    payer: 'n',
    partner: 'p',
    patient: 'patient-1',
    request: 'url',
    requestId: 'r',
    scope: grant.scope,
    types: ['Patient'],
    since: 'then',
    ignored: ['_other'],
    recipient: bytes,
    exportSecret: bytes,
    exchange: 'group',
    group: 'group-1',
    fileKey: bytes,
    inputKey: bytes,
    startedAt: now,
    grantEndsAt: now,
    expiresAt: now,
  };
  const head = {
    owner: 'n/p',
    id: 'group-1',
    code: 'match',
    members: 1,
    key: bytes,
    exportId: 'e',
    createdAt: now,
    expiresAt: now,
  };
  let refusals = 1;
  const refusingOnce = {
    name: table.name,
    client: Object.assign(Object.create(table.client) as typeof table.client, {
      send: async (command: Parameters<typeof table.client.send>[0]): Promise<unknown> => {
        refusals -= 1;
        if (refusals >= 0) throw new ConditionalCheckFailedException({ message: 'for a test', $metadata: {} });
        return table.client.send(command);
      },
    }),
  };
  const progress = { resources: 1, typesDone: 1, typesTotal: 1 };
  const ended = { ...progress, status: 'completed', manifestDigest: 'd', endedAt: now, expiresAt: now } as const;
  const exchange = { ...known, exportId: 'e', exchange: 'group', group: 'x' } as const;
  const audit = { table, clock, stage: 'local', writeLog: () => undefined } as unknown as AuditDeps;
  return {
    LoginAttempts: [
      ['putLoginAttempt', login],
      ['putLoginAttempt', () => startAttempt(table, { purpose: 'connections', language: 'en' })],
      ['consumeLoginAttempt', async () => (await login()).consume()],
      ['putMemberSession', () => putMemberSession(table, whole, { secret: 's', now, iv: randomBytes(12) })],
      ['useForm', () => useForm(table, 's', { payer: 'n', forms: 0 }, at)],
      ['endMemberSession', () => endMemberSession(table, 's', now)],
    ],
    Grants: [
      ['putGrant', () => putGrant(table, whole, { ...at, identity: { issuer: 'i', level: 2, attestedAt: now } })],
      ...everyUpdate(table),
      ['rotate', () => rotate(table, whole, pair, at)],
      ['revoke', () => revoke(table, 'g', 'byOperator', { ...at, by: { operator: 'o', note: 'n' } })],
      ['addLinkKey', () => addLinkKey(table, 'g', { linkKey: new Uint8Array([1]), now })],
      [
        'addMemberIndex',
        () =>
          addMemberIndex(
            table,
            { grantId: 'g', payer: 'n', patient: 'p' },
            { memberIndex: 'i', ...at, by: { operator: 'o', note: 'n' } },
          ),
      ],
      ['noteExportEnded', () => noteExportEnded(table, 'g', { ...at, by: { operator: 'o', note: 'n' } })],
      ['rememberAssertion', () => rememberAssertion(table, { jtiHash: 'jti', now, expiresAt: now, requestId: 'r' })],
    ],
    AuditEvents: [
      ['openGate', () => readEventWriter(table, clock).openGate(read)],
      ['onEnd', () => readEventWriter(table, clock).onEnd(read)],
      ['noteOnce', () => readEventWriter(table, clock).noteOnce(read, 'key')],
      ['closeReads', () => closeReads(audit, 'audit-1')],
      ['auditAsked', () => auditAsked({ audit: table, clock }, exchange, [])],
      ['auditEnded', () => auditEnded({ audit: table, clock }, exchange, { by: { operator: 'o', note: 'n' } })],
      ['auditCame', () => auditCame({ audit: table, clock }, exchange, { status: 'completed', members: [] })],
      // With what a copy has of the item.
      ['restoreReads', () => putIfAbsent(table, { key: 'eventId', item: { refiledAt: { N: '1' } } }, async () => {})],
    ],
    Registry: [
      ['fillRegistry', () => putItems(filling, [newEntryItem('payer#a', { id: 'a' }, changed)])],
      ['keepDataVersion', () => keepDataVersion(filling, () => undefined, changed)],
      ['writeEntry', () => writeEntry(registry, 'payer#a', undefined, { id: 'a' }, changed)],
      ['removeEntry', () => removeEntry(registry, item, changed)],
      ['takeHold', () => takeHold(registry, undefined, { file: 'f' }, changed, 'mark')],
      ['beatHold', () => beatHold(registry, 'mark', 1)],
      ['releaseHold', () => releaseHold(registry, 'mark')],
      ['stopEntry', () => stopEntry(registry, item, { ...end, until: now })],
      ['endStop', () => endStop(registry, item, end)],
    ],
    Exports: [
      ['putExport', () => putExport(table, exported)],
      ['beginExport', () => beginExport(table, key, { stateKey: bytes, executionArn: 'arn', now })],
      ['continueExport', () => continueExport(table, key, 'arn')],
      ['startAgain', () => startAgain(table, key, now)],
      [
        'noteProgress',
        () =>
          noteProgress(table, key, {
            ...progress,
            resourcesTotal: 2,
            attachments: 1,
            payerProgress: 'half',
            pollAgainAt: now,
          }),
      ],
      ['askForToken', () => askForToken(table, key, { callbackId: 'c', refusedVersion: 1, now })],
      ['giveToken', () => giveToken(table, key, token)],
      ['noteAwake', () => noteAwake(table, key, 'c')],
      ['endExport', () => endExport(table, key, ended, { arn: 'arn' })],
      ['dropSecrets', () => dropSecrets(table, key, now)],
    ],
    Exchanges: [
      ['putSystemToken', () => putSystemToken(table, { hash: 'h', partner: 'p', payer: 'n', now, expiresAt: now })],
      ['putGroupBody', () => putGroupBody(table, { ...head, body: bytes })],
      ['putGroupHead', () => putGroupHead(table, { ...head, chunks: 1, patients: 'hash' })],
      ['notePatients', () => notePatients(table, { ...head, payer: 'n', patients: 'hash' })],
      ['notePatients', () => notePatients(refusingOnce, { ...head, payer: 'n', patients: 'another' })],
      ['noteMade', () => noteMade(table, head)],
      ['endMember', () => endMember(table, 'n/p', 'group-1', 'hash')],
      ['endMemberEarly', () => endMemberEarly(table, { owner: 'n/p', id: 'group-2', hash: 'hash', until: now })],
      ['noteAccepted', () => noteAccepted(table, 'n/p', { exportId: 'e', body: new Uint8Array([1]), expiresAt: now })],
      ['noteRunning', () => noteRunning(table, 'n/p', { exportId: 'e', expiresAt: now })],
      ['putInput', () => putInput(table, 'n/p', { exportId: 'e', input: bytes, expiresAt: now })],
    ],
    Limits: [
      ['leaseFromTable', () => leaseFromTable(table)({ ...lease, seenMs: undefined })],
      ['leaseFromTable', () => leaseFromTable(table)({ ...lease, seenMs: 1e12 })],
      ['returnSlot', () => returnSlot(table, lease)],
      ['markLate', () => markLate(table, 'p', closedBreaker, mark, 1e12, usualTimes)],
      ['markLate', () => markLate(table, 'p', marked, mark, 1e12, usualTimes)],
      ['openBreaker', () => openBreaker(table, 'p', marked, 1e12, usualTimes)],
      ['openForCanary', () => openForCanary(table, 'p', 1e12)],
      ['takeProbe', () => takeProbe(table, 'p', opened, { by: 'r', untilMs: 1e12 })],
      ['reopenBreaker', () => reopenBreaker(table, 'p', opened, { by: 'r', nowMs: 1e12 }, usualTimes)],
      ['releaseProbe', () => releaseProbe(table, 'p', 'r')],
      ['closeBreaker', () => closeBreaker(table, 'p')],
      ['disableWebhook', () => disableWebhook(table, 'p', now)],
      ['keepSeen', () => keepSeen(table, 'p', { seen: ['hash'], unreadDays: 1 }, 1e12)],
    ],
  };
};

type Written = Readonly<Record<string, unknown>>;

/** The attributes that a command sets or removes, and those within a map. */
const namesIn = (input: Written): string[] => {
  const { Item: item = {}, UpdateExpression: update = '' } = input as { Item?: Written; UpdateExpression?: string };
  const aliases = (input['ExpressionAttributeNames'] ?? {}) as Readonly<Record<string, string>>;
  const values = Object.entries((input['ExpressionAttributeValues'] ?? {}) as Written);
  const targets = update.split(/SET |REMOVE |ADD |, /).flatMap((part) => /^#?\w+/.exec(part)?.[0] ?? []);
  // A value in an expression is named after its attribute.
  const maps = [...Object.entries(item), ...values].flatMap(([name, value]) =>
    Object.keys((value as { M?: object }).M ?? {}).map((part) => `${name.replace(':', '')}.${part}`),
  );
  // An update that may be an item's first write also writes its key.
  const key = String(input['ConditionExpression']).includes('attribute_exists(') ? {} : (input['Key'] ?? {});
  const own = [...Object.keys(item), ...Object.keys(key), ...targets.map((name) => aliases[name] ?? name)];
  return [...own, ...maps];
};

/** Who writes what, by the commands that reach DynamoDB. */
const written = async (tableName: string): Promise<Described> => {
  const client = new DynamoDBClient({ region: 'eu-central-1' });
  const mock = mockClient(client);
  const overdue = { eventId: { S: 'r' }, atMs: { N: '0' } };
  mock.onAnyCommand().resolves({ Attributes: { takenUntilMs: { N: '1' } } });
  mock.on(ScanCommand).resolves({ Items: [overdue] });
  const found = new Map<string, Set<string>>();
  for (const [step, run] of everyStep(client)[tableName] ?? []) {
    mock.resetHistory();
    // What a step does with such an answer does not matter here; the last of its writes is its own.
    await run().catch(() => undefined);
    const sent = mock.calls().map(({ args: [command] }) => command as object);
    const writes = sent.filter((one) => one instanceof PutItemCommand || one instanceof UpdateItemCommand);
    for (const write of writes.slice(-1)) {
      for (const name of namesIn((write as PutItemCommand).input as unknown as Written)) {
        found.set(name, (found.get(name) ?? new Set()).add(step));
      }
    }
  }
  return Object.fromEntries([...found].map(([name, steps]) => [name, [...steps].sort().join(' ')]));
};

describe.each(Object.entries(tables) as [TableName, Attributes][])('the attributes of %s', (table, attributes) => {
  let store: Store;
  beforeAll(async () => {
    store = await stores.dynalite();
  });
  afterAll(() => store.close());

  it('are those of docs/reports/attributes.md, with their types', () => {
    const types = Object.entries(attributes).map(([name, { type }]) => [name, type]);

    expect(documentedTypes(table)).toEqual(Object.fromEntries(types));
  });

  it('are written by the steps that are declared to write them, and by no others', async () => {
    expect(await written(table)).toEqual(
      Object.fromEntries(
        Object.entries(writers[table]).map(([name, steps]) => [name, steps.split(' ').sort().join(' ')]),
      ),
    );
  });

  it('can be set and tested by name, although DynamoDB reserves some names', async () => {
    const keys = [tableKeys[table], ...sortKeyOf(table)];
    const others = Object.keys(attributes).filter((name) => !keys.includes(name));
    const Key = Object.fromEntries(keys.map((key) => [key, { S: 'x' }]));
    const parts = Object.values(nestedIn[table] ?? {}).flatMap(Object.entries<Attributes[string]>);
    const part = parts.find(([, { type }]) => type === 'S')?.[0] ?? '';
    const values = { S: 'x', N: 1, B: new Uint8Array([1]), SS: ['x'], BOOL: true, M: { [part]: 'x' } } as const;
    const TableName = store.tables[table];
    for (const name of others) {
      const set = { [name]: values[attributes[name]!.type] };
      const change = updateOf(attributes, { set, when: [clausesOn(attributes).absent(name)] });
      await store.client.send(new UpdateItemCommand({ TableName, Key, ...change }));
    }
    const { Item: item } = await store.client.send(new GetItemCommand({ TableName, Key }));

    const read = readerOf(attributes, item ?? {});
    for (const name of others) expect([name, read(name)]).toEqual([name, values[attributes[name]!.type]]);
  });
});

it.each([
  ['lastEvent', grantEventAttributes],
  ['stop', stopAttributes],
])('docs/reports/attributes.md names every part of %s', (map, parts) => {
  const row = new RegExp(`^\\| \`${map}\`.*$`, 'm').exec(documentAt('docs/reports/attributes.md').text)?.[0] ?? '';

  expect([...row.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual([map, ...Object.keys(parts)]);
});
