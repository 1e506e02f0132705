import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { exchangeFromEnvironment } from '../../../../functions/fetch/exchange/environment.ts';
import { exportKeyObject, exportPublicKey } from '../../../../functions/shared/exports/sealing-key.ts';
import type { AuditedRead } from '../../../../functions/shared/record/audit-read.ts';
import { boundOf, readExport, type Export } from '../../../../functions/shared/store/export-item.ts';
import { deleteExport, endExport } from '../../../../functions/shared/store/exports.ts';
import {
  exchangeGateway,
  exchangeRegistry,
  newPlan,
  oldPlan,
  type ExchangeGateway,
} from '../../../support/exchange-gateway.ts';
import { issueOf } from '../../../support/fetch-gateway.ts';
import { startMs } from '../../../support/gateway.ts';
import { withPartner } from '../../../support/login.ts';
import { matchParameters, memberBundle } from '../../../support/member-bundle.ts';

const now = startMs / 1000;
const matchPath = 'Group/$bulk-member-match';
const exportPath = 'Group/group-1/$davinci-data-export';
const base = 'http://localhost:3000/r4/northwind';
const bundle = (id = 'patient-1', dates = {}) => memberBundle(id, { oldPlan, newPlan }, dates);

let test: ExchangeGateway;
let token: string;
beforeEach(async () => {
  test = exchangeGateway();
  token = await test.systemToken();
});

/** Asks about a member, or what is given in place of that. */
const askMatch = async (body: object | string = matchParameters(bundle()), by: string | undefined = token) =>
  test.ask(matchPath, by, { body });

const exportsOf = (): Export[] => [...test.dynamo.items('Exports').values()].map((item) => readExport(item));
const onlyExport = (): Export => {
  const [item, another] = exportsOf();
  if (item === undefined || another !== undefined) throw new Error('not one export');
  return item;
};
const running = (): string[] =>
  [...test.dynamo.items('Exchanges').values()]
    .map((item) => String(item['name']?.S))
    .filter((name) => name.startsWith('running/'));

/** Expects that nothing was written, sent or put. */
const expectNothing = (): void => {
  expect([exportsOf(), running(), test.payer.requests]).toEqual([[], [], []]);
};
/** Expects that a request is refused, and that nothing came of it. */
const expectRefused = async (asked: ReturnType<typeof askMatch>, status: number): Promise<void> => {
  expect((await asked).statusCode).toBe(status);
  expectNothing();
};

const end = (item: Export): Promise<boolean> => {
  const figures = { resources: 0, typesDone: 0, typesTotal: 0, endedAt: now, expiresAt: now + 3600 };
  return endExport(test.deps.exports, item, { status: 'completed', manifestDigest: 'd', ...figures }, { arn: 'arn' });
};

describe('a match', () => {
  it('is answered with the URL to poll, and leaves what the job sends: the very bytes of the partner', async () => {
    // A decimal that parsing and printing would change, and a member's order that it would keep.
    const body = JSON.stringify(matchParameters(bundle('patient-1'), bundle('patient-2')), undefined, 1).replace(
      '"display": "Old Health Plan"',
      '"extension": [{"url": "http://example.org/x", "valueDecimal": 1.00}]',
    );
    const answer = await askMatch(body);
    const item = onlyExport();
    expect(answer.statusCode).toBe(202);
    expect(answer.headers['Content-Location']).toBe(`http://localhost:3000/exports/northwind/${item.exportId}`);
    expect(answer.json()).toMatchObject({ issue: [{ severity: 'information' }] });
    expect(item).toMatchObject({
      exchange: 'match',
      payer: 'northwind',
      partner: 'demo-partner',
      patient: '',
      request: `${base}/${matchPath}`,
      status: 'running',
      startedAt: now,
      grantEndsAt: now + 396 * 86_400,
      expiresAt: now + 3 * 86_400,
    });
    expect(item.exportId.startsWith(item.grantId)).toBe(true);
    expect(item).not.toHaveProperty('payerToken');
    await expect(test.inputOf(item)).resolves.toEqual({
      kind: 'match',
      body,
      members: ['patient-1', 'patient-2'].map((patient) => ({
        patient,
        consent: { id: 'consent-1', hash: expect.stringMatching(/^[\w-]{43}$/), endsAt: '2026-08-31' },
      })),
    });
    expect(test.payer.requests).toEqual([]);
  });

  it('can be opened by whoever opens its boxes, and by nothing else that is stored', async () => {
    await askMatch();
    const item = onlyExport();
    const owner = { export: item.exportId, partner: 'demo-partner' };
    const key = await test.openInJob(owner, 'file key', item.fileKey ?? new Uint8Array(), boundOf(item));
    expect(exportPublicKey(key)).toEqual(item.recipient);
    expect(exportKeyObject(key).asymmetricKeyType).toBe('x25519');
    await expect(test.openInJob(item.exportId, 'file key', item.fileKey!, boundOf(item))).rejects.toThrow();
    const other = { ...owner, partner: 'demo-app' };
    await expect(test.openInJob(other, 'file key', item.fileKey!, boundOf(item))).rejects.toThrow();
    const changed = boundOf({ ...item, payer: 'demo-health-plan' });
    await expect(test.openInJob(owner, 'file key', item.fileKey!, changed)).rejects.toThrow();
    const stored = JSON.stringify(
      ['Exports', 'Exchanges'].flatMap((table) => Array.from(test.dynamo.items(table).values())),
    );
    for (const personal of ['patient-1', 'Patricia', 'consent-1', Buffer.from(key).toString('base64')]) {
      expect(stored).not.toContain(personal);
    }
  });

  it('is audited before anything is written: that it was asked, for whom, under which consent', async () => {
    const order: string[] = [];
    Object.assign(test.deps, {
      openGate: async ({ record: { interaction, exchange } }: AuditedRead) =>
        void order.push(`${interaction} of ${exchange?.length}, ${running().length} written`),
    });
    test.dynamo.forget();
    await askMatch();
    expect(order).toEqual(['match of 44, 0 written']);
    // Who is asked for, what is asked, and the item last: its stream starts the job.
    const puts = test.dynamo.sent().filter(({ name }) => name === 'PutItem');
    expect(puts.map(({ input }) => input['TableName'])).toEqual(['Exchanges', 'AuditEvents', 'Exchanges', 'Exports']);
    const members = { S: expect.stringContaining('"submitted":"patient-1"') };
    expect([...test.dynamo.items('AuditEvents').values()]).toMatchObject([{ type: { S: 'asked' }, members }]);
  });

  it('writes nothing if its audit cannot be written', async () => {
    Object.assign(test.deps, { openGate: () => Promise.reject(new Error('down')) });
    await expectRefused(askMatch(), 503);
  });

  it.each([2, 3, 4])('starts nothing, and gives its place back, if write %i fails', async (failing) => {
    let writes = 0;
    test.dynamo.standIn('PutItem', () => {
      writes += 1;
      return writes === failing ? Promise.reject(new Error('down')) : undefined;
    });
    await expectRefused(askMatch(), 503);
  });

  it('names every failing bundle in one answer, and nothing is sent', async () => {
    const body = matchParameters(bundle('a'), bundle('b', { end: '2026-05-31' }), bundle('c', { start: '2026-06-02' }));
    const answer = await askMatch(body);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({
      issue: [
        { code: 'invalid', details: { text: expect.stringContaining('2 of 3 members') } },
        { code: 'business-rule', expression: ['Parameters.parameter[1].part[2].resource.provision.period.end'] },
        { code: 'business-rule', expression: ['Parameters.parameter[2].part[2].resource.provision.period.start'] },
      ],
    });
    expectNothing();
  });

  const most = 4_000_000;
  /** A body of this many bytes: spaces count. */
  const ofBytes = (bytes: number): string => JSON.stringify(matchParameters(bundle())).padEnd(bytes, ' ');
  const body = ofBytes(0);
  const changed = (from: string, to: string) => ({ body: body.replace(from, to) });
  const levels = (count: number) => changed('"gender"', `"x":${'['.repeat(count)}${']'.repeat(count)},"gender"`);
  const as = (type: string, sent = body) => ({ body: sent, headers: { 'Content-Type': type } });
  const [active, escaped] = ['"status":"active"', String.raw`"st\u0061tus":"inactive"`];
  it.each<[string, number, Parameters<ExchangeGateway['ask']>[2]]>([
    ['of 4,000,000 bytes', 202, { body: ofBytes(most) }],
    ['of one byte more', 413, { body: ofBytes(most + 1) }],
    ['without a body', 400, { method: 'POST' }],
    ['of no JSON', 400, { body: '{' }],
    ['of a list', 400, { body: '[]' }],
    ['of a Bundle', 400, { body: { resourceType: 'Bundle' } }],
    ['with a member twice', 400, changed(active, `${active},"status":"inactive"`)],
    ['with a member twice, once escaped', 400, changed(active, `${active},${escaped}`)],
    ['with a broken letter', 400, changed('Patricia', 'Patr\u{FFFD}cia')],
    ['51 levels deep', 400, levels(51)],
    ['100,000 levels deep', 400, levels(100_000)],
    ['as a form', 400, as('application/x-www-form-urlencoded')],
    ['in XML', 400, as('application/fhir+xml', '<Parameters/>')],
    ['in Latin-1', 400, as('application/fhir+json; charset=iso-8859-1')],
    ['in UTF-8, said so', 202, as('application/fhir+json; charset="UTF-8"')],
    ['in gzip', 400, { body, headers: { 'Content-Encoding': 'gzip' } }],
    ['without Prefer', 400, { body, headers: { Prefer: '' } }],
    ['with a query', 400, { body, query: '_type=Patient' }],
    ['by GET', 405, { method: 'GET' }],
  ])('%s is answered with %i', async (_, status, options) => {
    expect((await test.ask(matchPath, token, options)).statusCode).toBe(status);
    if (status !== 202) expectNothing();
  });

  it.each([
    ['in UTF-8', 202, Buffer.from(changed('Patricia', 'Zoë').body)],
    ['in Latin-1', 400, Buffer.from(changed('Patricia', 'Zoë').body, 'latin1')],
    ['of one byte too many', 413, Buffer.from(ofBytes(most + 1))],
  ])('that came as base64, %s, is answered with %i', async (_, status, bytes) => {
    const answer = await test.ask(matchPath, token, { body: bytes.toString('base64'), isBase64: true });
    expect(answer.statusCode).toBe(status);
    if (status === 202) await expect(test.inputOf(onlyExport())).resolves.toMatchObject({ body: String(bytes) });
  });

  it('with a string of three million characters is answered in time', async () => {
    const answer = await askMatch(changed('Patricia', 'P'.repeat(3_000_000)).body);
    expect(issueOf(answer)).toMatchObject({ code: 'invalid' });
    expect(answer.statusCode).toBe(400);
  });
});

describe('who may ask', () => {
  it.each<[string, () => Promise<string | undefined>]>([
    ['nobody', async () => undefined],
    ["a member's token", async () => (await test.grant()).token],
    ['an expired token', () => test.systemToken({ lives: 0 })],
    ["another payer's token", () => test.systemToken({ payer: 'demo-health-plan' })],
    ['a partner that may not', () => test.systemToken({ partner: 'third-party-app' })],
  ])('a match is refused to %s', async (_, tokenOf) => {
    await expectRefused(test.ask(matchPath, await tokenOf(), { body: matchParameters(bundle()) }), 401);
  });

  // RFC 6750 §3.1: 401 is for a token that is not valid, since it makes a client ask for another.
  it.each([
    'Patient/$member-match',
    'Patient/$export',
    'Patient/1',
    'Group/group-1/$export',
    'Group/group-1/_history',
    'Group/group-1/_history/1/2',
  ])('a valid system token is 403 at %s, which names its own paths, and an expired one 401', async (path) => {
    const asked = path.endsWith('match') ? { body: {} } : {};
    const answer = await test.ask(path, token, asked);
    expect(answer.statusCode).toBe(403);
    expect(JSON.stringify(answer.headers)).toContain('insufficient_scope');
    expect(answer.text).toContain('Group/$bulk-member-match, Group/{id}/$davinci-data-export');
    expect((await test.ask(path, await test.systemToken({ lives: 0 }), asked)).statusCode).toBe(401);
    expectNothing();
  });

  it('a Consent for another partner, or another plan, never leaves', async () => {
    await expectRefused(askMatch(undefined, await test.systemToken({ partner: 'demo-app' })), 400);
    test = exchangeGateway({ registry: exchangeRegistry({ plan: '1111111112' }) });
    token = await test.systemToken();
    await expectRefused(askMatch(), 400);
  });

  const allowed = () =>
    Promise.all(
      [matchPath, exportPath].map(async (path) => (await test.ask(path, token, { method: 'PUT' })).headers['Allow']),
    );

  it('a stage without exchanges has none of it', async () => {
    Object.assign(test.deps, { exchange: undefined });
    const { token: ofMember } = await test.grant();
    await expectRefused(askMatch(undefined, ofMember), 405);
    await expectRefused(test.ask(exportPath, ofMember), 405);
    await expectRefused(test.ask('Group', token), 401);
    expect(await allowed()).toEqual(['OPTIONS', 'OPTIONS']);
  });

  it('a write is answered with what the paths take', async () => {
    expect(await allowed()).toEqual(['POST, OPTIONS', 'GET, POST, OPTIONS']);
  });
});

describe('one exchange beside another', () => {
  it('the same question while it runs is answered with the running one, and asked again after it', async () => {
    const body = matchParameters(bundle());
    const first = await askMatch(body);
    const again = await askMatch(body);
    expect(again.statusCode).toBe(429);
    const location = first.headers['Content-Location'];
    expect(again.headers).toMatchObject({ 'Content-Location': location, 'Retry-After': '30' });
    expect(running()).toHaveLength(1);
    expect((await askMatch(matchParameters(bundle('patient-2')))).statusCode).toBe(202);
    await end(exportsOf()[0]!);
    expect((await askMatch(body)).statusCode).toBe(202);
  });

  it('the same question after a deletion is a new one, and counts besides the first until its job has told the plan', async () => {
    const body = matchParameters(bundle());
    const first = await askMatch(body);
    await deleteExport(test.deps.exports, onlyExport());
    const again = await askMatch(body);

    expect(again.statusCode).toBe(202);
    expect(again.headers['Content-Location']).not.toBe(first.headers['Content-Location']);
    expect([exportsOf().length, running().length]).toEqual([1, 2]);
  });

  it('of the same question at once starts one, however they meet', async () => {
    const body = matchParameters(bundle());
    const answers = await Promise.all([1, 2, 3].map(() => askMatch(body)));
    expect(answers.map(({ statusCode }) => String(statusCode)).toSorted()).toEqual(['202', '429', '429']);
    expect(new Set(answers.map(({ headers }) => headers['Content-Location'])).size).toBe(1);
    expect(running()).toEqual([`running/${onlyExport().exportId}`]);
  });

  it('that ends in between is asked for again', async () => {
    test.dynamo.standIn('PutItem', ({ TableName }) =>
      TableName === 'Exports'
        ? Promise.reject(new ConditionalCheckFailedException({ message: '', $metadata: {} }))
        : undefined,
    );
    // The one that ran when it was written has ended when it is looked for.
    expect((await askMatch()).statusCode).toBe(503);
    expect(running()).toEqual([]);
  });

  it('at most so many run of a partner at a payer', async () => {
    test = exchangeGateway({ mostRunning: 2 });
    token = await test.systemToken();
    const ask = (id: string) => askMatch(matchParameters(bundle(id)));
    const answers = [await ask('a'), await ask('b'), await ask('c')];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 202, 429]);
    expect(answers[2]?.headers).not.toHaveProperty('Content-Location');
    expect([running().length, exportsOf().length]).toEqual([2, 2]);
    // One that ended without a word no longer counts.
    test.passSeconds(3 * 86_400);
    token = await test.systemToken();
    expect((await ask('c')).statusCode).toBe(202);
  });

  it.each([
    ['that is taken', () => matchParameters(bundle())],
    ['that is refused for its members', () => matchParameters({})],
    ['that is no JSON', () => '{'],
  ])("costs ten of the partner's turns, taken before its body is looked at: one %s", async (_, body) => {
    const limited = withPartner('demo-partner', { rate: { perSecond: 1, burst: 40 } });
    test = exchangeGateway({ registry: limited(exchangeRegistry()) });
    const turns: string[] = [];
    Object.assign(test.deps, {
      takeTurn: async (name: string) => {
        turns.push(name);
        return { taken: true, remaining: 9, resetSeconds: 1 };
      },
    });
    await test.ask(matchPath, await test.systemToken(), { body: body() });
    expect(turns).toEqual(Array.from({ length: 10 }, () => 'partner#demo-partner'));
  });
});

describe('the environment', () => {
  const own = { audit: { client: {} as never, name: 'Audit' }, openInJob: () => Promise.reject(new Error('none')) };
  const variables = ['EXCHANGES_TABLE', 'EXCHANGES'];
  afterEach(() => {
    for (const name of variables) delete process.env[name];
  });

  it('has nothing of exchanges unless it names their table', () => {
    expect(exchangeFromEnvironment({} as never, own)).toEqual({});
  });

  it('says what the stage allows', () => {
    const allowed = { groupDays: 30, mostRunning: 2 };
    Object.assign(process.env, { EXCHANGES_TABLE: 'Exchanges', EXCHANGES: JSON.stringify(allowed) });
    const exchanges = { name: 'Exchanges' };
    expect(exchangeFromEnvironment({} as never, own).exchange).toMatchObject({ ...allowed, ...own, exchanges });
  });
});
