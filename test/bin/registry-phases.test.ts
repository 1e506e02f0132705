import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import * as fc from 'fast-check';
import { compare, type Entries, type EntryChange } from '../../bin/registry/compare.ts';
import { phasesOf, type Step } from '../../bin/registry/phases.ts';
import { pagesBetween, settlePages } from '../../bin/registry/settle-pages.ts';
import { patiently } from '../../bin/shared/patience.ts';
import {
  openRegistryTable,
  readAll,
  readOne,
  type ReadEntry,
  type RegistryTable,
} from '../../bin/shared/registry-table.ts';
import { endStop, removeEntry, stopEntry, writeEntry } from '../../bin/shared/registry-writes.ts';
import type { StageConfig } from '../../config/stage.ts';
import { entriesOf, pagesOf, writeEntryText } from '../../functions/shared/registry/entry-items.ts';
import { isBlocked, isPaused } from '../../functions/shared/registry/stops.ts';
import type { Partner, Payer } from '../../functions/shared/registry/types.ts';
import { heldByPartner } from '../../functions/shared/scopes/limit-scopes.ts';
import { lettersHeld, parseScopes } from '../../functions/shared/scopes/scopes.ts';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';
import { stores, type Store } from '../model/store.ts';
import { localData } from '../support/gateway.ts';
import { memoryDynamo } from '../support/memory-dynamo.ts';

const [payer, partner] = [localData().payers[0]!, localData().partners[1]!];
const scopes = ['patient/*.rs', 'patient/*.r', 'patient/Patient.rs', 'patient/Coverage.read', 'offline_access'];
const uris = ['https://one.example/cb', 'https://two.example/cb'];

const payersOf = fc.uniqueArray(
  fc.record({ id: fc.constantFrom('a', 'b', 'c'), patientFrom: fc.constantFrom('token', 'none') }),
  { selector: ({ id }) => id },
);
const partnersOf = fc.uniqueArray(
  fc.record({
    clientId: fc.constantFrom('p', 'q'),
    name: fc.constantFrom('One', 'Two'),
    payers: fc.subarray(['a', 'b', 'c']),
    scopes: fc.subarray(scopes),
    redirectUris: fc.subarray(uris, { minLength: 1 }),
    webOrigins: fc.subarray(['https://one.example', 'https://two.example']),
    consent: fc.constantFrom('gateway', 'partner'),
    pkceOptional: fc.boolean(),
    secretHashes: fc.subarray(['first', 'second', 'third'], { minLength: 1, maxLength: 2 }),
    exchange: fc
      .subarray(['1234567893', '1245319599'])
      .map((values) =>
        values.length === 0 ? undefined : { identifiers: values.map((value) => ({ system: 'npi', value })) },
      ),
    identityAudiences: fc
      .subarray(['one', 'two'])
      .map((audiences) => (audiences.length === 0 ? undefined : [{ issuer: 'https://csp.example', audiences }])),
  }),
  { selector: ({ clientId }) => clientId },
);
/** The check refuses a partner whose payer is not there. */
const entries: fc.Arbitrary<Entries> = fc.tuple(payersOf, partnersOf).map(([some, others]) => ({
  payers: some.map((one) => Object.assign({}, payer, one)),
  partners: others.map((one) => {
    const payers = one.payers.filter((id) => some.some((known) => known.id === id));
    return Object.assign({}, partner, one, { payers });
  }),
}));

type State = ReadonlyMap<string, object>;

const stateOf = ({ payers, partners }: Entries): State =>
  new Map<string, object>([
    ...payers.map((one) => [`payer#${one.id}`, one] as const),
    ...partners.map((one) => [`partner#${one.clientId}`, one] as const),
  ]);

/** All that members, partners and browsers may do in a state, one fact a line. */
const allowedIn = (state: State): ReadonlySet<string> => {
  const facts: string[] = [];
  for (const [key, value] of state) {
    if (!key.startsWith('partner#')) continue;
    const one = value as Partner;
    const held = heldByPartner(parseScopes(one.scopes));
    const reads = ['Patient', 'Coverage', 'Claim'].flatMap((type) =>
      lettersHeld(held, type, 'rs')
        .split('')
        .map((letter) => `${type}.${letter}`),
    );
    for (const id of one.payers) {
      const from = state.get(`payer#${id}`) as Payer | undefined;
      if (from === undefined) continue;
      const pair = `${one.clientId} at ${id}, ${from.patientFrom === 'none' ? 'any patient' : 'one patient'}`;
      for (const read of reads) facts.push(`${pair}: reads ${read}`);
      if (one.scopes.includes('offline_access')) facts.push(`${pair}: refreshes`);
      for (const uri of one.redirectUris) facts.push(`${pair}: redirects to ${uri}`);
      if (one.consent === 'partner') facts.push(`${pair}: asks its members itself`);
      if (one.pkceOptional) facts.push(`${pair}: omits PKCE`);
      for (const hash of one.secretHashes) facts.push(`${pair}: proves itself with ${hash}`);
      for (const plan of one.exchange?.identifiers ?? []) facts.push(`${pair}: asks as the plan ${plan.value}`);
      for (const audience of one.identityAudiences?.[0]?.audiences ?? [])
        facts.push(`${pair}: identifies to ${audience}`);
      for (const origin of one.webOrigins) facts.push(`${pair}: calls from ${origin}`);
    }
  }
  return new Set(facts);
};

const itemsOf = (state: State): ReadonlyMap<string, ReadEntry> =>
  new Map(
    [...state].map(([entryId, entry]) => [
      entryId,
      {
        entryId,
        entry,
        damaged: false,
        version: 1,
        seen: { N: '1' },
        stop: undefined,
        digest: writeEntryText(entry).digest,
      },
    ]),
  );

const phases = (before: Entries, after: Entries): readonly (readonly Step[])[] =>
  phasesOf(compare(after, itemsOf(stateOf(before))).changes);

const names = (steps: readonly Step[] | undefined): string[] =>
  (steps ?? []).map(({ change }: { change: EntryChange }) => change.entryId);

describe('the order of an apply', () => {
  it('allows at no moment, in any order within a phase, what neither the old nor the new file allows', () => {
    fc.assert(
      fc.property(entries, entries, fc.infiniteStream(fc.nat()), (before, after, numbers) => {
        const allowed = new Set([...allowedIn(stateOf(before)), ...allowedIn(stateOf(after))]);
        const state = new Map(stateOf(before));
        for (const phase of phases(before, after)) {
          const left = [...phase];
          while (left.length > 0) {
            const [step] = left.splice((numbers.next().value as number) % left.length, 1);
            const { change, entry } = step!;
            if (entry === undefined) state.delete(change.entryId);
            else state.set(change.entryId, entry);
            expect([...allowedIn(state)].filter((fact) => !allowed.has(fact))).toEqual([]);
          }
        }
        expect(state).toEqual(new Map(stateOf(after)));
      }),
      { numRuns: 2000, seed: 20_260_601 },
    );
  });

  const none = { ...payer, id: 'a', patientFrom: 'none' } as Payer;
  const token = { ...payer, id: 'a', patientFrom: 'token' } as Payer;
  const wide = { ...partner, clientId: 'p', payers: ['a'], scopes: ['patient/*.rs'] } as Partner;
  const narrow = { ...wide, scopes: ['patient/Patient.rs'] };

  it('is: removals and what narrows, then payers, then what widens', () => {
    const before = { payers: [token, { ...token, id: 'b' }], partners: [wide, { ...narrow, clientId: 'q' }] };
    const after = { payers: [none], partners: [narrow, { ...wide, clientId: 'q' }, { ...wide, clientId: 'r' }] };

    expect(phases(before, after).map(names)).toEqual([
      ['payer#b', 'partner#p'],
      ['payer#a'],
      ['partner#q', 'partner#r'],
    ]);
  });

  it('writes a partner twice only if it loses and gains something while a payer of its changes', () => {
    const mixed = { ...narrow, scopes: ['patient/Patient.rs', 'offline_access'] };

    expect(phases({ payers: [token], partners: [wide] }, { payers: [none], partners: [mixed] }).map(names)).toEqual([
      ['partner#p'],
      ['payer#a'],
      ['partner#p'],
    ]);
    expect(phases({ payers: [token], partners: [wide] }, { payers: [token], partners: [mixed] }).map(names)).toEqual([
      ['partner#p'],
      [],
      [],
    ]);
  });
});

const changed = { changedAt: 1_780_000_000, changedBy: 'one', reason: 'x' };
const { payers, partners } = localData();
const [first, ...others] = payers;
const renamed = { payers: [{ ...first!, displayName: 'New' }, ...others], partners };
const own = pagesBetween({ before: { payers, partners }, after: renamed });

const filled = async () => {
  const { client, items } = memoryDynamo();
  const table: RegistryTable = { client, name: 'Registry', wait: async () => {} };
  for (const [key, entry] of entriesOf({ payers, partners })) await writeEntry(table, key, undefined, entry, changed);
  const put = async (data: { payers: typeof payers }): Promise<void> => {
    const key = `payer#${first!.id}`;
    await writeEntry(table, key, await readOne(table, key), data.payers[0]!, changed);
  };
  const page = async () => (await readOne(table, [...own][0]!))?.entry;
  return { table, items, put, page };
};

/** The table, on which something happens after each scan. */
const afterScan = (table: RegistryTable, work: () => Promise<void>): RegistryTable => {
  const { client } = memoryDynamo();
  const send = table.client.send.bind(table.client) as (command: object) => Promise<object>;
  const sendThen = async (command: object): Promise<object> => {
    const answer = await send(command);
    if (command.constructor.name === 'ScanCommand') await work();
    return answer;
  };
  Object.assign(client, { send: sendThen });
  return { ...table, client };
};

describe('the pages of the registry', () => {
  it('do not depend on the order of payers and partners', () => {
    expect(pagesOf({ payers: payers.toReversed(), partners: partners.toReversed() })).toEqual(
      pagesOf({ payers, partners }),
    );
  });

  it('are made from the entries that the table holds, and are not written without need', async () => {
    const { table, put, page } = await filled();
    await put(renamed);
    await settlePages(table, own, changed);
    expect(await page()).toEqual(pagesOf(renamed).get([...own][0]!));

    const before = await readAll(table);
    await settlePages(table, new Set(), changed);
    expect(await readAll(table)).toEqual(before);
  });

  it('stay right if one who read the entries before the last change writes a page afterwards, and dies', async () => {
    const { table, put, page } = await filled();
    // The page already fits what comes next, so only a write that is not needed tells the other that it is late.
    await put(renamed);
    await settlePages(table, own, changed);
    await put({ payers });
    const dead = new Error('dead');
    let scans = 0;
    const late = afterScan(table, async () => {
      scans += 1;
      if (scans > 1) throw dead;
      await put(renamed);
      await settlePages(table, own, { ...changed, changedBy: 'other' });
    });

    await expect(settlePages(late, new Set(), changed)).rejects.toBe(dead);

    expect(await page()).toEqual(pagesOf(renamed).get([...own][0]!));
  });

  it('are given up, with what to do, if others change them again and again', async () => {
    const { table, put } = await filled();
    let turn = 0;
    const restless = afterScan(table, async () => {
      turn += 1;
      await put(turn % 2 === 1 ? renamed : { payers });
      await settlePages(table, own, { ...changed, changedBy: 'other' });
    });

    await expect(settlePages(restless, new Set(own), changed)).rejects.toThrow('Run apply again.');
  });
});

const changedByOne = { changedAt: 1_780_000_000, changedBy: 'arn:aws:iam::111122223333:user/one', reason: 'first' };
const later = { changedAt: 1_780_000_100, changedBy: 'arn:aws:iam::111122223333:user/two', reason: 'second' };
const stop = { at: 1_780_000_050, by: 'arn:aws:iam::111122223333:user/three', reason: 'a leak' };
const end = { at: 1_780_000_200, by: 'arn:aws:iam::111122223333:user/four', reason: 'a new secret' };
const [id, entry] = ['partner#app', { clientId: 'app', name: 'App' }];

describe.each(Object.entries(stores))('an item of the registry, in DynamoDB %s,', (_, open) => {
  let store: Store;
  let table: RegistryTable;
  beforeEach(async () => {
    store = await open();
    table = { client: store.client, name: store.tables.Registry, wait: async () => {} };
  });
  afterEach(() => store.close());

  const raw = (change: string, values: Record<string, { S: string } | { N: string }> = {}) =>
    store.client.send(
      new UpdateItemCommand({
        TableName: table.name,
        Key: { entryId: { S: id } },
        UpdateExpression: change,
        ConditionExpression: 'attribute_exists(entryId)',
        ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
      }),
    );

  it('says what was written, by whom and why, and counts its versions', async () => {
    expect(await writeEntry(table, id, undefined, entry, changedByOne)).toEqual({ written: true });
    const made = await readOne(table, id);
    expect(made).toMatchObject({ entryId: id, version: 1, entry, damaged: false, stop: undefined, ...changedByOne });

    expect(await writeEntry(table, id, made, { ...entry, name: 'New' }, later)).toEqual({ written: true });
    expect(await readOne(table, id)).toMatchObject({ version: 2, entry: { name: 'New' }, ...later });
    expect([...(await readAll(table)).keys()]).toEqual([id]);
  });

  it('is written only by who has read its last version, and tells the other what it is now', async () => {
    await writeEntry(table, id, undefined, entry, changedByOne);
    const read = await readOne(table, id);
    await writeEntry(table, id, read, { ...entry, name: 'New' }, later);

    const refused = { written: false, now: { version: 2, entry: { name: 'New' }, ...later } };
    expect(await writeEntry(table, id, read, entry, changedByOne)).toMatchObject(refused);
    expect(await writeEntry(table, id, undefined, entry, changedByOne)).toMatchObject(refused);
    expect(await removeEntry(table, read!, changedByOne)).toMatchObject(refused);
    expect(await stopEntry(table, read!, stop)).toMatchObject(refused);
    expect(await endStop(table, read!, end)).toMatchObject(refused);
    expect(await readOne(table, id)).toMatchObject(refused.now);
  });

  it('keeps its stop while the entry is changed, removed and added again', async () => {
    await writeEntry(table, id, undefined, entry, changedByOne);
    await stopEntry(table, (await readOne(table, id))!, { ...stop, until: 1_780_009_000 });
    expect(await readOne(table, id)).toMatchObject({ version: 2, entry, stop: { ...stop, until: 1_780_009_000 } });

    await writeEntry(table, id, await readOne(table, id), { ...entry, name: 'New' }, later);
    await stopEntry(table, (await readOne(table, id))!, stop);
    await removeEntry(table, (await readOne(table, id))!, later);
    const removed = await readOne(table, id);
    expect(removed).toMatchObject({ version: 5, entry: undefined, damaged: false, ...later });
    expect(removed?.stop).toEqual({ ...stop, until: undefined });
    await writeEntry(table, id, removed, entry, changedByOne);
    expect(await readOne(table, id)).toMatchObject({ version: 6, entry, stop });

    await endStop(table, (await readOne(table, id))!, end);
    const over = { ...end, until: end.at };
    expect(await readOne(table, id)).toMatchObject({ version: 7, entry, stop: over, ...changedByOne });
    expect([isBlocked(over), isPaused(over, end.at - 60)]).toEqual([false, false]);
  });

  it.each([
    ['its entry', 'SET entry = :v', { ':v': { S: '{}' } }],
    ['its version, made a text', 'SET entry = :v, version = :n', { ':v': { S: '{}' }, ':n': { S: 'two' } }],
    ['its version, removed', 'SET entry = :v REMOVE version', { ':v': { S: '{}' } }],
    ['its version, below one', 'SET entry = :v, version = :n', { ':v': { S: '{}' }, ':n': { N: '-3' } }],
    ['its digest, removed', 'SET reason = :v REMOVE digest', { ':v': { S: 'x' } }],
  ])(
    'is found damaged if someone changed %s by hand, and can be written again, once',
    async (_what, change, values) => {
      await writeEntry(table, id, undefined, entry, changedByOne);
      await stopEntry(table, (await readOne(table, id))!, stop);
      await raw(change, values);
      const damaged = await readOne(table, id);
      expect(damaged).toMatchObject({ damaged: true, entry: undefined, stop });

      expect(await writeEntry(table, id, damaged, entry, later)).toEqual({ written: true });
      expect(await readOne(table, id)).toMatchObject({ damaged: false, entry, stop });
      expect(await writeEntry(table, id, damaged, entry, changedByOne)).toMatchObject({ written: false });
    },
  );
});

describe('a write of the registry', () => {
  const { client, failNext, repeatNext, calls, items } = memoryDynamo();
  const waits: number[] = [];
  const table = { client, name: 'Registry', wait: async (ms: number) => void waits.push(ms) };
  const error = (name: string) => Object.assign(new Error(), { name });
  beforeEach(async () => {
    items('Registry').clear();
    await writeEntry(table, id, undefined, entry, changedByOne);
    calls();
    waits.length = 0;
  });
  const writes = {
    writeEntry: async () => writeEntry(table, id, await readOne(table, id), { ...entry, name: 'New' }, later),
    removeEntry: async () => removeEntry(table, (await readOne(table, id))!, later),
    stopEntry: async () => stopEntry(table, (await readOne(table, id))!, stop),
    endStop: async () => endStop(table, (await readOne(table, id))!, end),
  };

  it.each(Object.entries(writes))('knows itself again when its answer was lost: %s', async (_name, make) => {
    if (make === writes.endStop) await writes.stopEntry();
    const { version } = (await readOne(table, id))!;
    failNext('UpdateItem', error('TimeoutError'), { after: true });
    expect(await make()).toEqual({ written: true });
    expect(await readOne(table, id)).toMatchObject({ version: version + 1 });

    await writes.stopEntry();
    repeatNext('UpdateItem');
    expect(await make()).toEqual({ written: true });
    expect(await readOne(table, id)).toMatchObject({ version: version + 3 });
  });

  it('waits longer and longer while the table throttles, and then goes on', async () => {
    for (let times = 0; times < 3; times += 1) failNext('UpdateItem', error('ProvisionedThroughputExceededException'));
    expect(await writes.writeEntry()).toEqual({ written: true });
    expect(waits).toEqual([200, 400, 800]);
  });

  it('gives up after eight tries, or at once if repeating does not help', async () => {
    const tries = (name: string) => {
      let made = 0;
      const failing = patiently(table.wait, async () => {
        made += 1;
        throw error(name);
      });
      return failing.catch(({ name: thrown }: Error) => [thrown, made]);
    };
    expect(await tries('ThrottlingException')).toEqual(['ThrottlingException', 8]);
    expect(waits.at(-1)).toBe(10_000);
    expect(await tries('AccessDeniedException')).toEqual(['AccessDeniedException', 1]);
    expect(await tries('ConditionalCheckFailedException')).toEqual(['ConditionalCheckFailedException', 1]);
  });

  it('reads all items, however many pages they take', async () => {
    for (let number = 0; number < 25; number += 1)
      await writeEntry(table, `payer#${number}`, undefined, {}, changedByOne);
    const send = client.send.bind(client) as (command: object) => Promise<object>;
    const inPages = memoryDynamo().client;
    Object.assign(inPages, {
      send: (command: { input: { Limit?: number } }) => {
        command.input.Limit = 10;
        return send(command);
      },
    });
    calls();
    expect((await readAll({ ...table, client: inPages })).size).toBe(26);
    expect(calls()).toEqual(['Scan', 'Scan', 'Scan']);
  });
});

describe('opening the registry', () => {
  const stage = { stage: 'local' } as StageConfig;
  let aws: LocalAws;
  beforeAll(async () => {
    aws = await startAws(0);
  });
  afterAll(() => aws.close());
  const open = (config: StageConfig, name?: string) =>
    openRegistryTable(config, { environment: { AWS_ENDPOINT_URL: aws.url }, tool: 'operator', name });
  const create = (physicalName: string) =>
    aws.dynamoDb.createTables(
      [
        {
          name: physicalName,
          physicalName,
          keySchema: [{ AttributeName: 'entryId', KeyType: 'HASH' }],
          attributeDefinitions: [{ AttributeName: 'entryId', AttributeType: 'S' }],
        },
      ],
      () => {},
    );

  it('finds the table by its name, and asks AWS who the operator is', async () => {
    await expect(open(stage)).rejects.toThrow('The local stack has no table p2p-gateway-local-TablesRegistry…');
    await create('p2p-gateway-local-TablesRegistry7A');
    const { table, operator, close } = await open(stage);
    await table.client.send(
      new PutItemCommand({ TableName: table.name, Item: { entryId: { S: 'payer#a' }, version: { N: '1' } } }),
    );
    expect(table.name).toBe('p2p-gateway-local-TablesRegistry7A');
    expect(operator).toEqual({ arn: 'arn:aws:iam::000000000000:user/operator', isStandIn: true });
    expect((await readAll(table)).size).toBe(1);
    close();

    const named = await open(stage, 'another');
    expect(named.table.name).toBe('another');
    named.close();
  });
});
