import type { GroupMember } from '../../../../functions/shared/exchanges/group.ts';
import type { AuditedRead } from '../../../../functions/shared/record/audit-read.ts';
import { sha256 } from '../../../../functions/shared/store/crypto.ts';
import { readExport, type Export } from '../../../../functions/shared/store/export-item.ts';
import { endMember } from '../../../../functions/shared/store/groups.ts';
import { exchangeGateway, exchangeRegistry, newPlan, type ExchangeGateway } from '../../../support/exchange-gateway.ts';
import { issueOf } from '../../../support/fetch-gateway.ts';
import { withPayer } from '../../../support/login.ts';
import { npi } from '../../../support/member-bundle.ts';

const path = 'Group/group-1/$davinci-data-export';
const base = 'http://localhost:3000/r4/northwind';
const exportType = 'hl7.fhir.us.davinci-pdex#payertopayer';

const member = (id: string, endsAt = '2026-06-01', reference = `Patient/at-plan-${id}`): GroupMember => ({
  submitted: id,
  reference,
  consent: { id: `consent-${id}`, hash: 'hash', endsAt },
});

let test: ExchangeGateway;
let token: string;
beforeEach(async () => {
  test = exchangeGateway();
  token = await test.systemToken();
});

const exportsOf = (): Export[] => [...test.dynamo.items('Exports').values()].map((item) => readExport(item));
const input = async () => {
  const [item] = exportsOf();
  return item === undefined ? undefined : await test.inputOf(item);
};
const parameters = (...given: readonly (readonly [string, object])[]) => ({
  resourceType: 'Parameters',
  parameter: given.map(([name, value]) => Object.assign({ name }, value)),
});
const named = (...references: readonly string[]) =>
  parameters(...references.map((reference): [string, object] => ['patient', { valueReference: { reference } }]));

describe('the export of a Group', () => {
  it('asks for its members, and for what the partner names', async () => {
    await test.group({ members: [member('a'), member('b')] });
    const body = parameters(
      ['exportType', { valueCanonical: exportType }],
      ['_since', { valueInstant: '2026-03-01T00:00:00Z' }],
      ['_until', { valueInstant: '2026-06-01T00:00:00Z' }],
      ['_type', { valueString: 'Patient,ExplanationOfBenefit' }],
    );
    const answer = await test.ask(path, token, { body });
    expect(answer.statusCode).toBe(202);
    const [item] = exportsOf();
    expect(answer.headers['Content-Location']).toBe(`http://localhost:3000/exports/northwind/${item?.exportId}`);
    expect(item).toMatchObject({ exchange: 'group', group: 'group-1', request: `${base}/${path}`, patient: '' });
    await expect(input()).resolves.toEqual({
      kind: 'group',
      group: 'group-1',
      members: [member('a'), member('b')],
      groupMembers: 2,
      leftOut: [],
      asked: {
        since: '2026-03-01T00:00:00Z',
        until: '2026-06-01T00:00:00Z',
        types: ['Patient', 'ExplanationOfBenefit'],
      },
      request: `${base}/${path}`,
    });
    expect(test.payer.requests).toEqual([]);
  });

  it('is the same by GET, with the parameters in its URL', async () => {
    await test.group({ members: [member('a')] });
    const query = `exportType=${encodeURIComponent(exportType)}&_type=Patient`;
    expect((await test.ask(path, token, { query })).statusCode).toBe(202);
    await expect(input()).resolves.toMatchObject({
      asked: { types: ['Patient'] },
      request: `${base}/${path}?${query}`,
    });
  });

  it('has nothing of its query in the clear, since that names members', async () => {
    await test.group({ members: [member('a')] });
    const query = 'patient=Patient/at-plan-a&at-plan-a=1';
    const headers = { Prefer: 'respond-async, handling=lenient' };
    expect((await test.ask(path, token, { query, headers })).statusCode).toBe(202);
    await expect(input()).resolves.toMatchObject({
      ignored: ['at-plan-a'],
      request: expect.stringContaining('at-plan-a'),
    });
    const [item] = test.dynamo.items('Exports').values();
    expect(JSON.stringify(item)).not.toContain('at-plan');
    expect(exportsOf()[0]?.request).toBe(`${base}/${path}`);
  });

  it('leaves out, and names, members whose consent or period in the payer’s Group has ended, or whom an operator has ended', async () => {
    const { owner, id } = await test.group({
      members: [
        member('a'),
        member('b', '2026-05-31'),
        member('c'),
        member('d', '2027'),
        member('e'),
        member('f', 'soon'),
        { ...member('g'), until: '2026-05-31' },
        { ...member('h'), until: '2026-06-01' },
        { ...member('i'), until: 'soon' },
      ],
    });
    await endMember(test.deps.exchange.exchanges, owner, id, sha256('c'));
    await endMember(test.deps.exchange.exchanges, owner, id, sha256('Patient/at-plan-e'));
    expect((await test.ask(path, token)).statusCode).toBe(202);
    await expect(input()).resolves.toMatchObject({
      members: [{ submitted: 'a' }, { submitted: 'd' }, { submitted: 'h' }],
      groupMembers: 9,
      leftOut: [
        { submitted: 'b', why: 'consentEnded' },
        { submitted: 'c', why: 'ended' },
        { submitted: 'e', why: 'ended' },
        { submitted: 'f', why: 'consentEnded' },
        { submitted: 'g', why: 'notNow' },
        { submitted: 'i', why: 'notNow' },
      ],
    });
    const audit = [...test.dynamo.items('AuditEvents').values()].find((item) => item['type']?.S === 'asked');
    const outcomes = JSON.parse(audit?.['members']?.S ?? '[]') as { submitted: string; outcome: string }[];
    expect(outcomes.map(({ submitted, outcome }) => `${submitted} ${outcome}`).sort()).toEqual([
      'a asked',
      'b consentEnded',
      'c ended',
      'd asked',
      'e ended',
      'f consentEnded',
      'g notNow',
      'h asked',
      'i notNow',
    ]);
  });

  it('counts those of the payer’s Group whom the gateway left out, so that the job names its members', async () => {
    await test.group({ members: [member('a')], entries: 3 });
    await test.ask(path, token);
    await expect(input()).resolves.toMatchObject({ members: [{ submitted: 'a' }], groupMembers: 3 });
  });

  it('counts one more if another match has given its id to a Group of others, so that the job names its members', async () => {
    await test.group({ members: [member('a')], patients: 'others', exportId: 'match-0' });
    await test.group({ members: [member('a')] });
    await test.ask(path, token);
    await expect(input()).resolves.toMatchObject({ members: [{ submitted: 'a' }], groupMembers: 2 });
  });

  it('does not bring back an ended member by another entry for the same patient', async () => {
    const { owner, id } = await test.group({
      members: [member('a', '2027', 'Patient/x'), member('b', '2027', 'Patient/x'), member('c')],
    });
    await endMember(test.deps.exchange.exchanges, owner, id, sha256('a'));
    await test.ask(path, token);
    await expect(input()).resolves.toMatchObject({ members: [{ submitted: 'c' }] });
  });

  it('holds a consent to the last moment of its last day, in UTC', async () => {
    await test.group({ members: [member('a', '2026-06-01')], lives: 86_400 });
    test.passSeconds(12 * 3600 - 1);
    expect((await test.ask(path, await test.systemToken())).statusCode).toBe(202);
    test.dynamo.items('Exports').clear();
    test.passSeconds(1);
    const answer = await test.ask(path, await test.systemToken());
    expect(answer.statusCode).toBe(403);
    expect(issueOf(answer).diagnostics).not.toMatch(/at-plan|consent-a/);
    expect(exportsOf()).toEqual([]);
  });

  it.each([
    ['as the Group has them', named('Patient/at-plan-a'), ['a']],
    ['below the facade', named(`${base}/Patient/at-plan-a`), ['a']],
    ["below the payer's base", named('https://payer.example.org/fhir/Patient/at-plan-b'), ['b']],
    ['below a base with a slash at its end', named(`${base}//Patient/at-plan-a`), ['a']],
    ['several', named('Patient/at-plan-b', 'Patient/at-plan-a', 'Patient/at-plan-a'), ['a', 'b']],
  ])('is of the patients that are named: %s', async (_, body, submitted) => {
    const northwind = exchangeRegistry().payers.find(({ id }) => id === 'northwind');
    const exchange = { ...northwind!.exchange!, fhirBaseUrl: 'https://payer.example.org/fhir' };
    test = exchangeGateway({ registry: withPayer('northwind', { exchange })(exchangeRegistry()) });
    token = await test.systemToken();
    await test.group({ members: [member('a'), member('b'), member('c', '2026-05-31')] });
    expect((await test.ask(path, token, { body })).statusCode).toBe(202);
    const asked = await input();
    expect(asked?.members).toMatchObject(submitted.map((one) => ({ submitted: one })));
    expect(asked).toMatchObject({ groupMembers: 3, leftOut: [] });
  });

  it.each<[string, number, Parameters<ExchangeGateway['ask']>[2]]>([
    ['of a stranger', 400, { body: named('Patient/at-plan-a', 'Patient/stranger') }],
    ['of a member by the id that was submitted', 400, { body: named('Patient/a') }],
    ['of a patient on another server', 400, { body: named('https://other.example.org/Patient/at-plan-a') }],
    ['of one whose consent has ended', 403, { body: named('Patient/at-plan-z') }],
    ['of another type of export', 400, { query: 'exportType=hl7.fhir.us.davinci-pdex%23provider-download' }],
    ['of a type that is none', 400, { query: '_type=Claims' }],
    ['since a day', 400, { query: '_since=2026-03-01' }],
    ['in CSV', 400, { query: '_outputFormat=text/csv' }],
    ['with a filter that the plan does not support', 400, { query: '_typeFilter=Encounter%3Fdate%3Dge2021-01-01' }],
    ['with an unknown parameter', 400, { query: 'organizeOutputBy=Patient' }],
    [
      'with one that may be ignored',
      202,
      { query: 'organizeOutputBy=Patient', headers: { Prefer: 'respond-async, handling=lenient' } },
    ],
    ['without Prefer', 400, { headers: { Prefer: '' } }],
    ['with an empty body', 202, { method: 'POST', body: '' }],
    ['in NDJSON', 202, { query: '_outputFormat=application/fhir%2Bndjson' }],
  ])('%s is answered with %i', async (_, status, options) => {
    await test.group({ members: [member('a'), member('z', '2026-05-31')] });
    expect((await test.ask(path, token, options)).statusCode).toBe(status);
    expect(exportsOf()).toHaveLength(status === 202 ? 1 : 0);
  });

  it('takes a filter where the plan supports it, and checks it', async () => {
    const northwind = exchangeRegistry().payers.find(({ id }) => id === 'northwind');
    const exchange = { ...northwind!.exchange!, typeFilter: true as const };
    test = exchangeGateway({ registry: withPayer('northwind', { exchange })(exchangeRegistry()) });
    token = await test.systemToken();
    await test.group({ members: [member('a')] });
    expect((await test.ask(path, token, { query: '_typeFilter=Encounter%3Fno-such%3D1' })).statusCode).toBe(400);
    // The guide's own example of a filter by date of service.
    const filter = 'ExplanationOfBenefit?service-date=ge2021-06-01';
    expect((await test.ask(path, token, { query: `_typeFilter=${encodeURIComponent(filter)}` })).statusCode).toBe(202);
    await expect(input()).resolves.toMatchObject({ asked: { typeFilters: [filter] } });
  });

  it.each<[string, number, Parameters<ExchangeGateway['group']>[0]]>([
    ['of nobody', 403, {}],
    ['of members who were not matched', 400, { code: 'nomatch', members: [member('a')] }],
    ['of members whose consent was not enough', 400, { code: 'consentconstraint', members: [member('a')] }],
    ['of another partner', 404, { partner: 'demo-app', members: [member('a')] }],
    ['of another id', 404, { id: 'group-2', members: [member('a')] }],
    ['that has expired', 404, { lives: 0, members: [member('a')] }],
  ])('a Group %s is answered with %i', async (_, status, options) => {
    await test.group(options);
    expect((await test.ask(path, token)).statusCode).toBe(status);
    expect(exportsOf()).toEqual([]);
  });

  it.each([
    'Group/$export/$davinci-data-export',
    'Group/..%2Fx/$davinci-data-export',
    'Group/%zz/$davinci-data-export',
    `Group/${'a'.repeat(65)}/$davinci-data-export`,
  ])('%s is not found', async (one) => expect((await test.ask(one, token)).statusCode).toBe(404));

  it('runs once at a time for a Group, whatever its parameters', async () => {
    await test.group({ members: [member('a')] });
    await test.group({ id: 'group-2', members: [member('a')] });
    const first = await test.ask(path, token);
    const second = await test.ask(path, token, { query: '_type=Patient' });
    expect(second.statusCode).toBe(429);
    expect(second.headers['Content-Location']).toBe(first.headers['Content-Location']);
    expect((await test.ask('Group/group-2/$davinci-data-export', token)).statusCode).toBe(202);
  });
});

/** The guide's example Group, with a decimal that parsing would change. */
const resourceOf = (id: string, code = 'match') =>
  `{"resourceType":"Group","id":"${id}","identifier":[{"system":"${npi}","value":"${newPlan}"}],"code":{"coding":[{"system":"http://hl7.org/fhir/us/davinci-pdex/CodeSystem/PdexMultiMemberMatchResultCS","code":"${code}"}]},"characteristic":[{"code":{"coding":[{"code":"${code}"}]},"valueReference":{"identifier":{"value":"${newPlan}"}},"exclude":false}],"extension":[{"valueDecimal":1.00}]}`;

describe('the Groups of a partner', () => {
  beforeEach(async () => {
    for (const [id, code] of [
      ['g1', 'match'],
      ['g2', 'nomatch'],
      ['g3', 'match'],
    ] as const) {
      await test.group({ id, code, resource: resourceOf(id, code) });
    }
    await test.group({ id: 'g0', partner: 'demo-app', resource: resourceOf('g0') });
    await test.group({ id: 'g4', lives: 0, resource: resourceOf('g4') });
  });

  it('are read byte for byte as they are kept, and audited first', async () => {
    const opened: unknown[] = [];
    Object.assign(test.deps, {
      openGate: async ({ record: { interaction, exchange } }: AuditedRead) => void opened.push([interaction, exchange]),
    });
    const answer = await test.ask('Group/g1', token);
    expect([answer.statusCode, answer.text]).toEqual([200, resourceOf('g1')]);
    expect(opened).toEqual([['read Group', 'match-1']]);
    const down = () => Promise.reject(new Error('down'));
    Object.assign(test.deps, { openGate: down, noteOnce: down });
    expect((await test.ask('Group/g1', token)).text).not.toContain('characteristic');
    expect((await test.ask('Group', token)).text).not.toContain('characteristic');
  });

  it('are audited once for each exchange that those of a search are from', async () => {
    await test.group({ id: 'g6', exportId: 'match-2', resource: resourceOf('g6') });
    const noted: unknown[] = [];
    Object.assign(test.deps, {
      noteOnce: async ({ record: { interaction, exchange } }: AuditedRead, key: string) =>
        void noted.push([interaction, exchange, key.length]),
    });
    await test.ask('Group', token);
    expect(noted).toEqual([
      ['search Group', 'match-1', 43],
      ['search Group', 'match-2', 43],
    ]);
  });

  it.each([
    ['Group', '', 2],
    ['Group', '_id=g1', 1],
    ['Group/g1', '', 1],
  ])('take a turn of the rate for each five that are opened: %s?%s takes %i', async (one, query, turns) => {
    for (const id of ['a', 'b', 'c', 'd', 'e']) await test.group({ id, resource: resourceOf(id) });
    let taken = 0;
    const turn = { taken: true, remaining: 1, resetSeconds: 1, failure: undefined };
    Object.assign(test.deps, {
      takeTurn: async () => {
        taken += 1;
        return turn;
      },
    });
    expect((await test.ask(one, token, { query })).statusCode).toBe(200);
    expect(taken).toBe(turns);
  });

  it.each(['g0', 'g4', 'g5', '$x', 'a b'])('%s is not found', async (id) => {
    expect((await test.ask(`Group/${encodeURIComponent(id)}`, token)).statusCode).toBe(404);
  });

  it("are those of the record for a member's token", async () => {
    test.payer.http = () => Promise.resolve(Response.json({ resourceType: 'Group', id: 'of-the-record' }));
    const answer = await test.ask('Group/g1', (await test.grant()).token);
    expect(answer.text).not.toContain('characteristic');
  });

  const idsOf = (answer: { json: () => unknown }): string[] => {
    const { entry = [] } = answer.json() as { entry?: { fullUrl: string; resource: { id: string } }[] };
    return entry.map(({ resource: { id } }) => id);
  };

  // pdex-157, 160 and 161.
  it.each([
    ['', ['g1', 'g2', 'g3']],
    ['code=match', ['g1', 'g3']],
    ['code=http://hl7.org/fhir/us/davinci-pdex/CodeSystem/PdexMultiMemberMatchResultCS|nomatch', ['g2']],
    ['code=nomatch,match', ['g1', 'g2', 'g3']],
    ['code=match&code=nomatch', []],
    ['code=|match', []],
    ['code=urn:other|match', []],
    [`identifier=${npi}|${newPlan}`, ['g1', 'g2', 'g3']],
    [`identifier=${npi}|`, ['g1', 'g2', 'g3']],
    ['identifier=0000000000', []],
    ['characteristic=match', ['g1', 'g3']],
    ['_id=g1,g0,g2,g4', ['g1', 'g2']],
    ['_id=g2&code=match', []],
    ['_count=50', ['g1', 'g2', 'g3']],
    ['_format=json&_pretty=true', ['g1', 'g2', 'g3']],
  ])('are searched with %j', async (query, ids) => {
    const answer = await test.ask('Group', token, { query });
    expect(answer.statusCode).toBe(200);
    expect(idsOf(answer)).toEqual(ids);
    expect(answer.json()).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: ids.length });
  });

  it('are searched by POST too, and whose are sent to another path are not', async () => {
    const form = { body: 'code=nomatch', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } };
    const answer = await test.ask('Group/_search', token, form);
    expect([answer.statusCode, idsOf(answer)]).toEqual([200, ['g2']]);
    expect((await test.ask('Group/g1', token, form)).statusCode).toBe(403);
    expect((await test.ask('Patient', token)).statusCode).toBe(403);
  });

  it('come in pages, whose links find each once', async () => {
    const first = await test.ask('Group', token, { query: '_count=2' });
    expect(first.json()).toMatchObject({
      link: [{ relation: 'self' }, { relation: 'next' }],
      entry: [{ fullUrl: `${base}/Group/g1`, search: { mode: 'match' } }, {}],
    });
    expect(first.json()).not.toHaveProperty('total');
    expect(first.text).toContain(resourceOf('g1'));
    const found = idsOf(first);
    for (let answer = first; ;) {
      const { link } = answer.json() as { link: { relation: string; url: string }[] };
      const next = link.find(({ relation }) => relation === 'next')?.url;
      if (next === undefined) break;
      answer = await test.ask('Group', token, { query: new URL(next).search });
      found.push(...idsOf(answer));
    }
    expect(found).toEqual(['g1', 'g2', 'g3']);
  });

  it('come in pages of some megabytes', async () => {
    const large = (id: string) => resourceOf(id).replace('1.00', `1.${'0'.repeat(2_100_000)}`);
    for (const id of ['g1', 'g2', 'g3']) await test.group({ id, resource: large(id) });
    const first = await test.ask('Group', token);
    expect(idsOf(first)).toEqual(['g1', 'g2']);
    const second = await test.ask('Group', token, { query: '_after=g2' });
    expect(idsOf(second)).toEqual(['g3']);
    const byId = await test.ask('Group', token, { query: '_id=g3,g1,g2' });
    expect(idsOf(byId)).toEqual(['g3', 'g1']);
    const last = await test.ask('Group', token, { query: '_id=g3,g1,g2&_after=g1' });
    expect(idsOf(last)).toEqual(['g2']);
  });

  it.each([
    'member=Patient/x',
    '_summary=count',
    '_id=',
    '_count=0',
    '_count=x',
    '_after=a%20b',
    '_after=..',
    '_id=a&_id=b',
    '_format=xml',
    'code:not=match',
  ])('are not searched with %s', async (query) =>
    expect((await test.ask('Group', token, { query })).statusCode).toBeGreaterThanOrEqual(400),
  );
});
