import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBRecord } from 'aws-lambda';
import { audit } from '../../bin/audit/audit.ts';
import { parseEvents } from '../../bin/audit/parse-events.ts';
import { tableOf } from '../../bin/audit/table.ts';
import { Refusal } from '../../bin/shared/errors.ts';
import { localStage } from '../../config/local.ts';
import type { AuditEvent } from '../../functions/audit/audit-event.ts';
import { describeGrantEvent } from '../../functions/audit/describe-grant-event.ts';
import { auditHandler } from '../../functions/audit/handler.ts';
import { auditAsked, auditCame } from '../../functions/shared/exchanges/audit-exchange.ts';
import { newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import type { Stop } from '../../functions/shared/registry/stops.ts';
import { registryAttributes } from '../../functions/shared/store/attributes.ts';
import { writeItem, type Item } from '../../functions/shared/store/items.ts';
import { readEventItem, type ReadEvent } from '../../functions/shared/store/read-events.ts';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';
import { streamRecord } from '../functions/audit/records.ts';
import { startMs } from '../support/gateway.ts';
import { memoryDynamo } from '../support/memory-dynamo.ts';
import { words } from '../support/words.ts';
import { ownKey } from './answering-aws.ts';
import { tableOf as stageTable } from './tool-stage.ts';

const grantId = 'abcdefghijklmnopqrst-1';
const otherGrant = 'abcdefghijklmnopqrst-2';
const rewrittenGrant = 'abcdefghijklmnopqrst-4';
const busyGrant = 'abcdefghijklmnopqrst-3';
const dayMs = 86_400_000;
const bucket = 'p2p-gateway-local-auditbucket-1';
const operator = 'arn:aws:sts::111122223333:assumed-role/OnCall/alex';
const registryTable = stageTable('Registry');
let aws: LocalAws;
let client: S3Client;

/** A payer before and after an operator gave it another name. */
const renamed = ['Plan', 'Health Plan'].map((displayName, index) => {
  const changed = { changedAt: startMs / 1000 + index, changedBy: operator, reason: 'New brand' };
  return newEntryItem('payer#northwind', { ...localStage().payers[1], displayName }, changed);
}) as [Item, Item];

/** A payer that was paused and resumed within one second. */
const withStop = (version: number, stop?: Stop): Item => ({
  ...renamed[1],
  ...writeItem(registryAttributes, { version, stop }),
});
const second = startMs / 1000 + 2;
const pauses = [
  withStop(2),
  withStop(3, { at: second, by: operator, reason: 'Step 1' }),
  withStop(4, { at: second, until: second, by: operator, reason: 'Step 2' }),
];

const grantItem = (id: string, type: string, atMs: number, change: Item = {}): Item => ({
  grantId: { S: id },
  partner: { S: 'demo-partner' },
  payer: { S: 'northwind' },
  patient: { S: 'patient-1' },
  scope: { S: 'patient/*.rs' },
  endsAt: { N: '1900000000' },
  lastEvent: { M: { type: { S: type }, at: { N: String(atMs / 1000) }, requestId: { S: `${id}-${type}` }, ...change } },
});

const readItem = (change: Partial<ReadEvent>): Item =>
  readEventItem({
    type: 'opened',
    atMs: startMs + 1000,
    requestId: 'request-1',
    grantId,
    partner: 'demo-partner',
    payer: 'northwind',
    patient: 'patient-1',
    interaction: 'read Patient',
    ...change,
  });

beforeAll(async () => {
  aws = await startAws(0);
  aws.s3.createBucket(bucket);
  aws.s3.createBucket('p2p-gateway-local-auditaccesslogs-1');
  await aws.dynamoDb.createTables([registryTable], () => {});
  const credentials = { accessKeyId: 'audit', secretAccessKey: 'local' };
  client = new S3Client({ endpoint: aws.url, region: 'us-east-1', credentials });
  const handle = auditHandler({
    clock: { now: () => startMs },
    stage: 'local',
    bucket: { client, name: bucket },
    table: { client: memoryDynamo().client, name: 'AuditEvents' },
    writeLog: () => undefined,
  });
  const file = (...records: DynamoDBRecord[]) => handle({ Records: records }, { awsRequestId: 'audit-1' });
  const write = (...items: Item[]) => file(...items.map((item) => streamRecord(undefined, item)));
  const end = { status: 200, bytes: 1234 };
  await write(grantItem(grantId, 'created', startMs), grantItem(otherGrant, 'created', startMs));
  await write(readItem({ type: 'ended', atMs: startMs + 1200, end }), readItem({}));
  // The same again in another batch, as after a restart of the stream's reader.
  await write(readItem({}), readItem({ requestId: 'request-2', atMs: startMs + dayMs, grantId: otherGrant }));
  await write(grantItem(grantId, 'redeemed', startMs));
  // All in one second, written from the last to the first.
  const all = ['exportEnded', 'indexed', 'payerRefreshed', 'refreshed', 'redeemed', 'restored', 'created'];
  for (const type of all) await write(grantItem(busyGrant, type, startMs));
  await write(readItem({ requestId: 'last', atMs: startMs + 2 * dayMs + 400 }));
  const byPartner = { reason: { S: 'byPartner' } };
  await write(grantItem(grantId, 'revoked', startMs + 2 * dayMs, byPartner));
  const by = { changedAt: startMs / 1000, changedBy: operator, reason: 'Ticket 4711' };
  const entry = newEntryItem('partner#demo-partner', localStage().partners[0]!, by);
  await write(entry);
  const tables = new DynamoDBClient({ endpoint: aws.url, region: 'us-east-1', credentials: ownKey });
  await tables.send(new PutItemCommand({ TableName: registryTable.physicalName, Item: entry }));
  tables.destroy();
  await file(streamRecord(...renamed));
  // In disorder.
  await file(streamRecord(pauses[1], pauses[2]), streamRecord(pauses[0], pauses[1]));
  for (let day = 3; day < 40; day += 1) {
    await write(readItem({ requestId: `late-${day}`, atMs: startMs + day * dayMs, grantId: otherGrant }));
  }
  await write(grantItem(rewrittenGrant, 'created', startMs));
  const itsRead = { grantId: rewrittenGrant, requestId: 'rewritten', type: 'ended' } as const;
  await write(readItem({ ...itsRead, end }));
  await write(readItem({ ...itsRead, atMs: startMs + 1300, end: { status: 403, bytes: 0 } }));
  // An event that was put back says the same as before: it counts once.
  const putBack = readItem({ ...itsRead, requestId: 'put-back', atMs: startMs + 900, end });
  await write(putBack);
  const refiled = { ...putBack, refiledAt: { N: String(startMs / 1000 + 600) } };
  await file(streamRecord(putBack, refiled, startMs / 1000 + 600));
  const byOperator = { reason: { S: 'byOperator' }, note: { S: 'Ticket' } };
  const ended = grantItem(rewrittenGrant, 'revoked', startMs + 3000, byOperator);
  await write(ended);
  const again = grantItem(rewrittenGrant, 'revoked', startMs + 3000, byPartner);
  await file(streamRecord(ended, again, startMs / 1000 + 4));
  const { client: dynamo, items } = memoryDynamo();
  const deps = { audit: { client: dynamo, name: 'AuditEvents' }, clock: { now: () => startMs + 5 } };
  const consent = { id: 'consent-1', hash: 'h'.repeat(43) };
  const of = { partner: 'new-plan', payer: 'northwind', requestId: 'r' };
  const asked = { submitted: 'member-1', consent, outcome: 'asked' };
  const match = { ...of, exportId: 'a-match', exchange: 'match' } as const;
  await auditAsked(deps, match, [asked, { ...asked, submitted: 'member-2' }]);
  const known = { ...asked, reference: 'Patient/p1', outcome: 'match' };
  const nobody = { ...asked, submitted: 'member-2', outcome: 'nomatch' };
  const onlyMatched = { ...known, submitted: 'member-3', reference: 'Patient/p2' };
  await auditCame(deps, { ...match, group: 'g1' }, { status: 'completed', members: [known, nobody, onlyMatched] });
  const group = { ...of, exportId: 'a-group', exchange: 'group', group: 'g1' } as const;
  const got = [
    { ...known, outcome: 'exported', resources: 3 },
    { ...onlyMatched, outcome: 'exported', resources: 0 },
  ];
  await auditCame(deps, group, { status: 'partial', members: got });
  const download = { ...of, requestId: 'file', exchange: 'a-group', patient: '', type: 'ended', end } as const;
  await write(...items('AuditEvents').values(), readItem({ ...download, interaction: 'export file Observation' }));
  // As an older version filed what named a folder of its own: among the keys of demo-partner, before those of its day.
  const strange = 'events/partner=demo-partner/date=2026-06-02!/date=2099-01-01/strange.ndjson';
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: strange, Body: '\n' }));
});
afterAll(async () => {
  client.destroy();
  await aws.close();
});

/** Runs the tool. */
const run = async (args: string, environment: Record<string, string> = {}) => {
  const lines: string[] = [];
  const remarks: string[] = [];
  const code = await audit(args.split(' ').filter(Boolean), {
    nowMs: startMs + 2 * dayMs,
    environment: { AWS_ENDPOINT_URL: aws.url, ...environment },
    output: { out: (line) => void lines.push(line), note: (line) => void remarks.push(line) },
  });
  return { code, lines, remarks };
};

/** The cells of a line. */
const cells = (line: string | undefined): string[] => (line ?? '').split(/ {2,}/);
/** The cells of each line below the head, and the remarks. */
const rowsOf = async (args: string) => {
  const { lines, remarks } = await run(args);
  return { rows: lines.slice(1).map(cells), remarks };
};
const describedGrant = (item: Item) =>
  describeGrantEvent(streamRecord(undefined, item).dynamodb?.NewImage ?? {}, 'local', startMs / 1000);

describe('an object of the audit', () => {
  const event = describedGrant(grantItem(grantId, 'created', startMs));
  const [{ who }] = event.agent as [AuditEvent['agent'][number]];
  const [{ what, type }] = event.entity as [AuditEvent['entity'][number]];
  const deep = JSON.stringify({ ...event, outcomeDesc: 'deep' }).replace(
    '"deep"',
    '['.repeat(100_000) + ']'.repeat(100_000),
  );

  it('is read with what the tools do not know', () => {
    const more = { ...event, extension: [{ url: 'u' }] };
    expect(parseEvents('k', `${JSON.stringify(event)}\n${JSON.stringify(more)}\n`)).toEqual([event, more]);
  });

  it.each<[string, string | object]>([
    ['no JSON', '{"resourceType":"AuditEvent",'],
    ['a number', '7'],
    ['null', 'null'],
    ['a list', '[]'],
    ['deeper than a tool can print', deep],
    ['without an id', { ...event, id: undefined }],
    ['of a type without a code', { ...event, type: {} }],
    ['of a subtype that is no list', { ...event, subtype: {} }],
    ['of no time', { ...event, recorded: 'soon' }],
    ['whose outcome is no text', { ...event, outcomeDesc: { toString: 1 } }],
    ['without an agent', { ...event, agent: null }],
    ['whose agent is nobody', { ...event, agent: [{}] }],
    ['whose agent is no text', { ...event, agent: [{ who: { identifier: { ...who.identifier, value: 7 } } }] }],
    ['about nothing', { ...event, entity: [null] }],
    ['about something of no type', { ...event, entity: [{ what }] }],
    ['about a reference that is no text', { ...event, entity: [{ what: { reference: { toString: 1 } }, type }] }],
    ['with a detail that is none', { ...event, entity: [{ what, type, detail: [null] }] }],
    ['with a detail that is no text', { ...event, entity: [{ what, type, detail: [{ type: 'a', valueString: 1 }] }] }],
  ])('is refused by its line if that is %s', (_what, line) => {
    const text = typeof line === 'string' ? line : JSON.stringify(line);
    expect(() => parseEvents('a/key', `${JSON.stringify(event)}\n${text}\n`)).toThrow(
      new Refusal('a/key, line 2, is not an event of the audit'),
    );
  });
});

describe('npm run audit', () => {
  it("prints each event of a grant once and in order, found by the grant's id alone", async () => {
    const { code, lines } = await run(`--grant ${grantId}`);
    expect(code).toBe(0);
    expect(cells(lines[0])).toEqual(['TIME', 'EVENT', 'PARTNER', 'PAYER', 'GRANT', 'WHAT', 'OUTCOME', 'BYTES']);
    const of = ['demo-partner', 'northwind', grantId];
    expect(lines.slice(1).map(cells)).toEqual([
      ['2026-06-01T12:00:00Z', 'created', ...of, 'patient/*.rs', 'ok'],
      ['2026-06-01T12:00:00Z', 'redeemed', ...of, 'ok'],
      ['2026-06-01T12:00:01.000Z', 'read opened', ...of, 'read Patient'],
      ['2026-06-01T12:00:01.200Z', 'read ended', ...of, 'read Patient', 'ok 200', '1234'],
      ['2026-06-03T12:00:00.400Z', 'read opened', ...of, 'read Patient'],
      ['2026-06-03T12:00:00Z', 'revoked', ...of, 'byPartner', 'ok'],
    ]);
  });

  it('prints both of two events that claim to be one, marked and with a remark, whatever their order in the bucket', async () => {
    const { rows, remarks } = await rowsOf(`--grant ${rewrittenGrant}`);

    const mark = 'another event claims to be this one';
    expect(rows.map((row) => row.slice(5))).toEqual([
      ['patient/*.rs', 'ok'],
      ['read Patient', 'ok 200', '1234'],
      [`read Patient | ${mark}`, 'ok 200', '1234'],
      [`read Patient | ${mark}`, 'refused 403', '0'],
      [`byOperator | Ticket | ${mark}`, 'ok'],
      [`byPartner | ${mark}`, 'ok'],
    ]);
    expect(remarks).toEqual([`2 of these events have more than one form: ${mark}.`]);
  });

  it('prints events of one second in the order in which they can have happened', async () => {
    const { rows } = await rowsOf(`--grant ${busyGrant}`);

    expect(rows.map(([, event]) => event)).toEqual(
      words('created restored redeemed refreshed payerRefreshed indexed exportEnded'),
    );
  });

  it('prints who ended a grant, if an operator did, and the reason', () => {
    const ended = grantItem(grantId, 'revoked', startMs, {
      reason: { S: 'byOperator' },
      operator: { S: 'arn:aws:iam::111122223333:user/jo' },
      note: { S: 'Ticket 4711: device lost' },
    });
    const [, line] = tableOf([describedGrant(ended)]);
    expect(cells(line).slice(5)).toEqual([
      'byOperator | arn:aws:iam::111122223333:user/jo (claimed) | Ticket 4711: device lost',
      'ok',
    ]);
  });

  it.each([
    ['0', 'ok'],
    ['4', 'refused'],
    ['8', 'failed'],
  ] as const)('prints the outcome %s as %s', (outcome, word) => {
    const event = describedGrant(grantItem(grantId, 'redeemed', startMs));
    const [, line] = tableOf([{ ...event, outcome, outcomeDesc: 'why' }]);

    expect(line).toMatch(new RegExp(` ${word} why$`));
  });

  it('prints the events of all grants of a partner, from the first day to the last', async () => {
    const days = async (args: string) =>
      (await rowsOf(`--partner demo-partner ${args}`)).rows.map(([time]) => time?.slice(0, 10));
    expect(new Set(await days('--since 2026-06-01'))).toEqual(new Set(['2026-06-01', '2026-06-02', '2026-06-03']));
    expect(await days('--since 2026-06-02')).toEqual(['2026-06-02', '2026-06-03', '2026-06-03']);
    expect(await days('--since 2026-06-02 --until 2026-06-02')).toEqual(['2026-06-02']);
    expect(await days('--since 2026-06-01 --until 2026-12-31')).toHaveLength(58);
  });

  it('prints what happened to payers and partners in order, within a second too: which fields changed, why and by whom', async () => {
    const { rows } = await rowsOf('--registry --since 2026-06-01');
    expect(rows).toEqual([
      ['2026-06-01T12:00:00Z', 'added', 'demo-partner', `Ticket 4711 | ${operator} (claimed)`, 'ok'],
      ['2026-06-01T12:00:01Z', 'changed', 'northwind', `displayName | New brand | ${operator} (claimed)`, 'ok'],
      ['2026-06-01T12:00:02Z', 'paused', 'northwind', `Step 1 | ${operator} (claimed)`, 'ok'],
      ['2026-06-01T12:00:02Z', 'resumed', 'northwind', `Step 2 | ${operator} (claimed)`, 'ok'],
    ]);
    expect((await run('--registry --since 2026-06-02')).remarks).toEqual(['The audit has no events from that time.']);
  });

  it('prints the AuditEvents themselves with --json, one per line', async () => {
    const { lines } = await run(`--grant ${grantId} --json`);
    const events = lines.map((line) => JSON.parse(line) as AuditEvent);
    expect(events.map(({ resourceType }) => resourceType)).toEqual(Array(6).fill('AuditEvent'));
  });

  it('accepts all its flags together', async () => {
    const span = '--since 2026-06-02 --until 2026-06-03';
    const { code, lines, remarks } = await run(
      `--partner demo-partner ${span} --stage local --bucket ${bucket} --json`,
    );

    expect([code, remarks]).toEqual([0, []]);
    const days = lines.map((line) => (JSON.parse(line) as AuditEvent).recorded.slice(0, 10));
    expect(days).toEqual(['2026-06-02', '2026-06-03', '2026-06-03']);
    const ofGrant = await rowsOf(`--grant ${grantId} ${span} --stage local --bucket ${bucket}`);
    expect(ofGrant.rows.map(([, event]) => event)).toEqual(['read opened', 'revoked']);
  });

  it('lists the members in the events of a partner once for each payer, with their reads', async () => {
    const [head, ...members] = (await run('--members-of demo-partner --since 2026-06-01 --until 2026-12-31')).lines;
    const json = (await run('--members-of demo-partner --since 2026-06-02 --json')).lines;

    // 37 late ones, and request-1, request-2, last, rewritten and put-back.
    expect([cells(head), ...members.map(cells)]).toEqual([
      ['PAYER', 'PATIENT', 'READS', 'GRANTS', 'MATCHED', 'EXCHANGED', 'FIRST', 'LAST'],
      ['northwind', 'patient-1', '42', '4', '0', '0', '2026-06-01T12:00:00Z', '2026-07-10T12:00:00.000Z'],
    ]);
    expect(json.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { payer: 'northwind', patient: 'patient-1', reads: 2, grants: [grantId, otherGrant] },
    ]);
    expect((await run('--members-of nobody --since 2026-06-01')).remarks).toEqual([
      'The audit has no events from that time.',
      'Stage local has no partner "nobody" (one that was removed may still have events), nor one with a similar name; list them with: npm run partners -- list --stage local',
    ]);
  });

  it.each([
    ['--members-of demo-parter', 'did you mean demo-partner (Demo Partner)?'],
    ['--partner demo-parter', 'did you mean demo-partner (Demo Partner)?'],
    ['--partner demo-partner', undefined],
  ])('says of %s without events whether the stage knows it', async (args, meant) => {
    const { remarks } = await run(`${args} --since 2026-12-01 --until 2026-12-31`);

    expect(remarks).toEqual([
      'The audit has no events from that time.',
      ...(meant === undefined ? [] : [expect.stringContaining(meant)]),
    ]);
  });

  it('says of --partner unknown, which is no partner, that there is nothing that it could not read', async () => {
    const { remarks } = await run('--partner unknown --since 2026-12-01 --until 2026-12-31');

    expect(remarks).toEqual(['The audit has no records from that time that it could not read.']);
  });

  it('prints exchanges between plans with how many members, and lists each whom the payer named, and whose record came', async () => {
    const { rows } = await rowsOf('--partner new-plan --since 2026-06-01');
    const { rows: members, remarks } = await rowsOf('--members-of new-plan --since 2026-06-01');

    expect(rows.map((row) => row.slice(1))).toEqual([
      ['exchange asked', 'new-plan', 'northwind', 'a-match', 'match: 2 asked', 'ok'],
      ['exchange came', 'new-plan', 'northwind', 'a-match', 'match g1: 2 match, 1 nomatch', 'ok completed'],
      ['exchange came', 'new-plan', 'northwind', 'a-group', 'group g1: 2 exported', 'ok partial'],
      ['read ended', 'new-plan', 'northwind', 'a-group', 'export file Observation', 'ok 200', '1234'],
    ]);
    expect(members.map((row) => row.slice(0, 6))).toEqual([
      ['northwind', 'p1', '0', '0', '1', '1'],
      ['northwind', 'p2', '0', '0', '1', '0'],
    ]);
    expect(remarks).toEqual([expect.stringContaining('Of 1 of these members nothing was read')]);
    expect(rows.join()).not.toMatch(/member-1|p1|consent/);
  });

  it('reports an empty result, on stderr', async () => {
    const { code, lines, remarks } = await run('--partner nobody --since 2026-06-01 --json');
    expect([code, lines, remarks[0]]).toEqual([0, [], 'The audit has no events from that time.']);
  });

  it('reads the bucket that a flag or the environment names', async () => {
    expect((await run(`--grant ${grantId} --bucket ${bucket}`)).lines).toHaveLength(7);
    const refusal = { name: 'Refusal', message: 'There is no such bucket. Check --bucket and --stage.' };
    await expect(run(`--grant ${grantId}`, { AUDIT_BUCKET: 'no-such-bucket' })).rejects.toMatchObject(refusal);
  });

  it.each([
    ['--grant zzzzzzzzzzzzzzzzzzzzzz', 'The audit has no grant zzzzzzzzzzzzzzzzzzzzzz.'],
    [`--grant ${grantId} --stage no-such-stage`, 'config/no-such-stage.ts: does not exist'],
    [`--grant ${grantId} --stage local --config x.json`, 'Give --stage or --config, not both'],
  ])('refuses %s in one line', async (args, message) => {
    await expect(run(args)).rejects.toThrow(message);
  });

  it('shows what delete markers hide, as where auditDays was lowered while objects were locked for longer', async () => {
    const asked = [`--grant ${grantId}`, '--registry --since 2026-06-01', '--members-of new-plan --since 2026-06-01'];
    const shown = () => Promise.all(asked.map((args) => run(args)));
    const before = await shown();
    const keys = new Set([...aws.s3.objects()].map(([name]) => name.slice(bucket.length + 1)));
    for (const Key of keys) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    aws.log.clear();

    expect(await shown()).toEqual(before);
    const rights = new Set(aws.log.calls().map(({ action }) => action));
    const ofVersions = ['s3:ListBucketVersions', 's3:GetObjectVersion'];
    expect(rights).toEqual(new Set(['s3:ListAllMyBuckets', 's3:GetObject', ...ofVersions]));
  });

  it('reads all 1,001 objects of a partner, though S3 lists 1,000 at a time', async () => {
    for (let at = 0; at < 1001; at += 1) {
      const redeemed = grantItem(`crowd-${String(at).padStart(16, '0')}`, 'redeemed', startMs);
      const event = describedGrant({ ...redeemed, partner: { S: 'crowd' }, patient: { S: `patient-${at}` } });
      const Key = `events/partner=crowd/date=2026-07-01/${at}.ndjson`;
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: `${JSON.stringify(event)}\n` }));
    }

    const { lines } = await run('--members-of crowd --since 2026-07-01 --until 2026-07-01 --json');

    const patients = new Set(lines.map((line) => (JSON.parse(line) as { patient: string }).patient));
    expect([lines.length, patients.size]).toEqual([1001, 1001]);
  });

  it('asks for the bucket if there are several, or none', async () => {
    const local = await startAws(0);
    const there = () => run(`--grant ${grantId}`, { AWS_ENDPOINT_URL: local.url });
    const name = 'p2p-gateway-local-auditbucket';
    const none = `There is no bucket ${name}… in this account. Give --bucket NAME.`;
    await expect(there()).rejects.toThrow(none);
    for (const one of ['a', 'b']) local.s3.createBucket(`${name}-${one}`);
    await expect(there()).rejects.toThrow(`Give --bucket, one of: ${name}-a, ${name}-b`);
    await local.close();
  });
});
