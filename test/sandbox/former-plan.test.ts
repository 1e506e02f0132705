import { generateRecords } from '../../sandbox/payer/data/generate.ts';
import { testMembers } from '../../sandbox/payer/data/member-list.ts';
import { fhirBase } from '../../sandbox/payer/data/record.ts';
import { generatedMember } from '../../sandbox/payer/exchange/generated.ts';
import type { FormerPlanOptions, HeardRequest } from '../../sandbox/payer/exchange/options.ts';
import { exchangeFaults } from '../../sandbox/payer/faults/exchange.ts';
import { createValidator } from '../profiles/validate.ts';
import {
  assertionOf,
  backendKey,
  bundleOf,
  consentOf,
  exportType,
  formerPlanNpi,
  groupScope,
  matchScope,
  newPlanNpi,
  parametersOf,
  tokenForm,
  type Manifest,
} from '../support/new-plan.ts';
import { setSwitches, switchTests } from '../support/payer-switches.ts';
import { post, runPayer, type RunningPayer } from './payer-fixture.ts';

/*
 * What a former plan owes by PDex 2.2.0 (payertopayerbulkexchange, numbers as pdex-…), Bulk Data Access, SMART Backend Services
 * and HRex. The client is written from the same texts.
 */

interface Resource {
  readonly resourceType: string;
  readonly id: string;
  readonly [element: string]: unknown;
}

interface Group extends Resource {
  readonly code: { readonly coding: readonly { readonly system: string; readonly code: string }[] };
  readonly contained?: readonly Resource[];
  readonly member?: readonly {
    readonly entity: {
      readonly reference: string;
      readonly extension: readonly { readonly url: string; readonly valueReference: { readonly reference: string } }[];
    };
  }[];
}

const clientId = 'gateway-exchange';
const key = backendKey();
const pdex = 'http://hl7.org/fhir/us/davinci-pdex';
const heard: HeardRequest[] = [];
/** The payer's clock, in epoch milliseconds, runs with the machine's unless a test moves it. */
let moved = 0;

const start = (more: Partial<FormerPlanOptions> = {}): Promise<RunningPayer> =>
  runPayer({
    preset: 'oneUpDemo',
    displayName: 'Demo Health Plan',
    clientId: 'gateway-here',
    client: { secret: 'a-secret' },
    now: () => Date.now() + moved,
    exchange: { clientId, clientKeys: [key.jwk], heard: (request) => heard.push(request), ...more },
  });

let payer: RunningPayer;
beforeAll(async () => {
  payer = await start({ generated: {} });
});
afterAll(() => payer.close());
beforeEach(() => {
  heard.length = 0;
  moved = 0;
});

const tokenEndpoint = (at = payer): string => `${at.url}/oauth2/token`;
const askToken = async (scope: string, { claims = {}, header = {}, signer = key, at = payer } = {}) => {
  const assertion = await assertionOf(clientId, tokenEndpoint(at), signer, claims, header);
  return post(tokenEndpoint(at), tokenForm(assertion, scope));
};
const tokenFor = async (scope: string, at = payer): Promise<string> =>
  String((await askToken(scope, { at })).body['access_token']);

const kickOff = async (path: string, body: unknown, token: string, headers: Record<string, string> = {}, at = payer) =>
  fetch(`${at.url}/r4/${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/fhir+json',
      prefer: 'respond-async',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const get = (url: string, token: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  fetch(url, { method, redirect: 'manual', headers: { authorization: `Bearer ${token}`, ...headers } });

/** Polls to the end: the manifest, or the status that ended it. */
const manifestAt = async (url: string, token: string): Promise<Manifest> => {
  for (let polls = 0; polls < 5; polls++) {
    const answer = await get(url, token);
    if (answer.status === 200) return (await answer.json()) as Manifest;
    if (answer.status !== 202) throw new Error(`status ${answer.status}: ${await answer.text()}`);
  }
  throw new Error('no end');
};
const linesOf = (text: string): Resource[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Resource);
const filesOf = async (manifest: Manifest, token: string): Promise<Resource[]> => {
  const texts = await Promise.all(manifest.output.map(async ({ url }) => (await get(url, token)).text()));
  return texts.flatMap(linesOf);
};

const match = async (bundles: readonly object[], at = payer) => {
  const token = await tokenFor(`${matchScope} ${groupScope}`, at);
  const begun = await kickOff('Group/$bulk-member-match', parametersOf(bundles), token, {}, at);
  const status = begun.headers.get('content-location') ?? '';
  const manifest = await manifestAt(status, token);
  const groups = (await filesOf(manifest, token)).filter(({ resourceType }) => resourceType === 'Group') as Group[];
  const coded = (code: string) => groups.filter((group) => group.code.coding[0]?.code === code);
  return { token, begun, status, manifest, groups, coded, matched: coded('match')[0]! };
};
const exportParameters = (more: readonly object[] = []) =>
  parametersOf([{ name: 'exportType', valueCanonical: exportType }, ...more]);
const exportOf = async (group: string, token: string, more: readonly object[] = [], at = payer) => {
  const begun = await kickOff(`Group/${group}/$davinci-data-export`, exportParameters(more), token, {}, at);
  const status = begun.headers.get('content-location') ?? '';
  const manifest = await manifestAt(status, token);
  return { begun, status, manifest, resources: await filesOf(manifest, token) };
};
const submittedIn = ({ member = [] }: Group): string[] =>
  member.map(
    ({ entity }) =>
      entity.extension
        .find(({ url }) => url === `${pdex}/StructureDefinition/base-ext-match-parameters`)
        ?.valueReference.reference.slice(1) ?? '',
  );

const dayFromNow = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const validate = createValidator();
const { clinical, claims, child, sensitive, bare, 'all-types': allTypes, large } = testMembers;
const nobody = { firstName: 'No', lastName: 'Body', birthDate: '1990-01-01', memberId: '99-nobody' };
const records = generateRecords();
const recordOf = ({ memberId }: { readonly memberId: string }) =>
  records.find(({ member }) => member.memberId === memberId)!;

describe('the token endpoint of a former plan', () => {
  it('gives a bearer token of five minutes, of the scopes asked for, and no refresh token', async () => {
    const scope = `${matchScope} ${groupScope}`;
    const { status, body } = await askToken(scope);
    expect(status).toBe(200);
    expect(body).toEqual({ access_token: expect.any(String), token_type: 'bearer', expires_in: 300, scope });
  });

  const strange = backendKey();
  it.each([
    ['iss is another client', { claims: { iss: 'another' } }],
    ['sub is not iss', { claims: { sub: 'another' } }],
    ['aud is another endpoint', { claims: { aud: 'https://elsewhere.example/token' } }],
    ['exp is missing', { claims: { exp: undefined } }],
    ['exp is past', { claims: { exp: Math.floor(Date.now() / 1000) - 5 } }],
    ['exp is six minutes away', { claims: { exp: Math.floor(Date.now() / 1000) + 360 } }],
    ['jti is missing', { claims: { jti: undefined } }],
    ['the key is unknown', { header: { kid: 'another' } }],
    ['the signature is of another key', { signer: strange }],
    ['typ is not JWT', { header: { typ: 'at+jwt' } }],
  ])('refuses an assertion where %s', async (_what, change) => {
    const { status, body } = await askToken(matchScope, change);
    expect([status, body['error']]).toEqual([401, 'invalid_client']);
  });

  it('takes an assertion once (jti)', async () => {
    const form = tokenForm(await assertionOf(clientId, tokenEndpoint(), key), matchScope);
    expect((await post(tokenEndpoint(), form)).status).toBe(200);
    expect((await post(tokenEndpoint(), form)).body['error']).toBe('invalid_client');
  });

  it.each([
    [matchScope, 200],
    ['system/Group.rs', 200],
    [`system/Group.u?code=${pdex}/ValueSet/PDexMultiMemberMatchResultVS|match`, 200],
    [`system.Group.u?code=${pdex}/ValueSet/PDexMultiMemberMatchResultVS|match`, 200],
    ['system/*.rs', 400],
    ['system/Patient.rs', 400],
    ['patient/*.rs', 400],
    [`${pdex}/OperationDefinition/bulk-member-match`, 400],
  ])('answers the scope %s with %i', async (scope, status) => {
    const answer = await askToken(scope);
    expect([answer.status, answer.body['error']]).toEqual([status, status === 200 ? undefined : 'invalid_scope']);
  });

  it('gives tokens that end after five minutes, and open only what their scope says', async () => {
    const groupsOnly = await tokenFor(groupScope);
    const body = parametersOf([bundleOf(clinical, 'one')]);
    expect((await kickOff('Group/$bulk-member-match', body, groupsOnly)).status).toBe(403);
    expect((await kickOff('Group/$bulk-member-match', body, 'unknown')).status).toBe(401);
    expect((await get(`${payer.url}/r4/Group`, groupsOnly)).status).toBe(200);
    moved = 301_000;
    expect((await get(`${payer.url}/r4/Group`, groupsOnly)).status).toBe(401);
  });
});

it('states each type once (cpb-9), with the operations of plans on Group (CapabilityStatement pdex-server)', async () => {
  const statement = (await (await fetch(`${payer.url}/r4/metadata`)).json()) as {
    readonly rest: readonly [
      { readonly resource: readonly { readonly type: string; readonly operation?: object[] }[] },
    ];
  };
  const [{ resource }] = statement.rest;
  const types = resource.map(({ type }) => type);

  expect(types).toEqual([...new Set(types)]);
  expect(resource.find(({ type }) => type === 'Group')?.operation).toHaveLength(2);
});

describe('a match', () => {
  it('is 202 with a status, then 202 with progress and Retry-After, then the manifest (pdex-137)', async () => {
    const token = await tokenFor(matchScope);
    const body = parametersOf([bundleOf(clinical, 'one')]);
    const begun = await kickOff('Group/$bulk-member-match', body, token);
    const status = begun.headers.get('content-location') ?? '';
    const first = await get(status, token);
    const second = await get(status, token);
    expect([begun.status, first.status, second.status]).toEqual([202, 202, 200]);
    expect([first.headers.get('retry-after'), first.headers.get('x-progress')]).toEqual(['1', '50% complete']);
    expect(second.headers.get('content-type')).toBe('application/json');
    expect(await second.json()).toEqual({
      transactionTime: expect.stringMatching(/^\d{4}-.*Z$/),
      request: `${payer.url}/r4/Group/$bulk-member-match`,
      requiresAccessToken: true,
      output: [{ type: 'Group', url: expect.any(String), count: 1 }],
      error: [],
    });
  });

  it('puts each member into the Group of their outcome, as submitted (pdex-150 to 154b)', async () => {
    const meta = {
      versionId: '7',
      lastUpdated: '2026-01-01T00:00:00Z',
      security: [{ code: 'R' }],
      tag: [{ code: 't' }],
    };
    const contained = [{ resourceType: 'Organization', id: 'nested' }];
    const expired = consentOf('c', {}, { period: { start: '2020-01-01', end: '2020-12-31' } });
    const { groups, coded, matched } = await match([
      bundleOf(clinical, 'a', { patient: { meta, contained, telecom: [{ system: 'phone', value: '617-555-0100' }] } }),
      bundleOf(nobody, 'b'),
      bundleOf(claims, 'c', { consent: expired }),
      bundleOf(child, 'd', { coverage: { identifier: [], subscriberId: claims.memberId, dependent: '02' } }),
    ]);
    expect(groups.map((group) => [group.code.coding[0], submittedIn(group)])).toEqual([
      [
        expect.objectContaining({ system: `${pdex}/CodeSystem/PdexMultiMemberMatchResultCS`, code: 'match' }),
        ['a', 'd'],
      ],
      [expect.objectContaining({ code: 'nomatch' }), ['b']],
      [expect.objectContaining({ code: 'consentconstraint' }), ['c']],
    ]);
    expect(matched.member?.map(({ entity }) => entity.reference)).toEqual(
      [clinical, child].map((member) => `Patient/${recordOf(member).patientId}`),
    );
    expect(coded('nomatch')[0]?.member?.[0]?.entity.reference).toBe('#b');
    expect(matched.contained?.[0]).toEqual({
      resourceType: 'Patient',
      id: 'a',
      meta: { tag: [{ code: 't' }] },
      identifier: [{ system: 'https://new-plan.example/member', value: 'new-a' }],
      name: [{ family: clinical.lastName, given: [clinical.firstName] }],
      gender: 'female',
      birthDate: clinical.birthDate,
      telecom: [{ system: 'phone', value: '617-555-0100' }],
    });
    expect(matched).toMatchObject({
      type: 'person',
      actual: true,
      identifier: [newPlanNpi],
      managingEntity: { identifier: formerPlanNpi },
      characteristic: [{ exclude: false, valueReference: { identifier: newPlanNpi } }],
    });
    // A Group says no more of a consent than that it constrains (pdex-154c).
    expect(JSON.stringify(coded('consentconstraint'))).not.toMatch(/2020/);
  });

  it('has the Group of matched members even if nobody is in it, and the coverages of one submitted twice (pdex-153)', async () => {
    const none = await match([bundleOf(nobody, 'b')]);
    expect(none.groups.map((group) => [group.code.coding[0]?.code, group.member?.length])).toEqual([
      ['match', undefined],
      ['nomatch', 1],
    ]);
    const other = { coverage: { id: 'other', identifier: [], subscriberId: 'elsewhere' } };
    const { coded } = await match([bundleOf(clinical, 'a'), bundleOf(clinical, 'a', other)]);
    const coverages = ['match', 'nomatch'].map((code) =>
      coded(code)[0]?.member?.flatMap(({ entity }) =>
        entity.extension.flatMap(({ url, valueReference }) =>
          url === `${pdex}/StructureDefinition/base-ext-match-coverage` ? [valueReference.reference] : [],
        ),
      ),
    );
    expect(coverages).toEqual([['#coverage-a'], ['#other']]);
    expect(coded('nomatch')[0]?.contained?.map(({ id }) => id)).toEqual(['a', 'other']);
  });

  it.each([
    ['is not active', consentOf('a', { status: 'inactive' })],
    ['has no policy of HRex', consentOf('a', { policy: [] })],
    ['denies', consentOf('a', {}, { type: 'deny' })],
    ['ended yesterday', consentOf('a', {}, { period: { start: '2020-01-01', end: dayFromNow(-1) } })],
    ['begins tomorrow', consentOf('a', {}, { period: { start: dayFromNow(1), end: '2099-01-01' } })],
    ['names no plan', consentOf('a', {}, { actor: [] })],
  ])('constrains a member whose consent %s', async (_what, consent) => {
    const { coded } = await match([bundleOf(clinical, 'a', { consent })]);
    expect(coded('consentconstraint')).toHaveLength(1);
  });

  it('constrains a member of whose record the law protects a part, if the consent is for the rest only (pdex-154)', async () => {
    const uri = 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#regular';
    const consent = (id: string) => ({ consent: consentOf(id, { policy: [{ uri }] }) });
    const { matched, coded } = await match([
      bundleOf(sensitive, 'a', consent('a')),
      bundleOf(claims, 'b', consent('b')),
      bundleOf(sensitive, 'c'),
    ]);
    expect([submittedIn(coded('consentconstraint')[0]!), submittedIn(matched)]).toEqual([['a'], ['b', 'c']]);
  });

  it('takes a consent that ends today, in UTC', async () => {
    const consent = consentOf('a', {}, { period: { start: '2020-01-01', end: dayFromNow(0) } });
    expect(submittedIn((await match([bundleOf(clinical, 'a', { consent })])).matched)).toEqual(['a']);
  });

  const one = bundleOf(clinical, 'a');
  it.each([
    [400, 'without Prefer', parametersOf([one]), { prefer: 'return=representation' }],
    [415, 'of another type', parametersOf([one]), { 'content-type': 'text/plain' }],
    [400, 'that is not JSON', '{', {}],
    [400, 'that is no Parameters', { resourceType: 'Bundle' }, {}],
    [400, 'without a member', parametersOf([]), {}],
    [
      400,
      'without a Consent',
      parametersOf([{ name: 'MemberBundle', part: (one['part'] as object[]).slice(0, 2) }]),
      {},
    ],
    [400, 'with two patients of one id', parametersOf([one, bundleOf(claims, 'a')]), {}],
  ])('is %i %s', async (status, _what, body, headers) => {
    const token = await tokenFor(matchScope);
    const answer = await kickOff('Group/$bulk-member-match', body, token, headers);
    expect([answer.status, ((await answer.json()) as Resource).resourceType]).toEqual([status, 'OperationOutcome']);
  });
});

describe('an export', () => {
  it('has the whole record of the members, each resource once, but no amounts of claims (pdex-158)', async () => {
    const { matched, token } = await match([bundleOf(claims, 'a'), bundleOf(allTypes, 'b'), bundleOf(child, 'c')]);
    const { begun, manifest, resources } = await exportOf(matched.id, token);
    expect(begun.status).toBe(202);
    expect(manifest.request).toBe(`${payer.url}/r4/Group/${matched.id}/$davinci-data-export`);
    const named = (one: Resource): string => `${one.resourceType}/${one.id}`;
    const own = [claims, allTypes, child]
      .flatMap((member) => recordOf(member).resources)
      .map((text) => JSON.parse(text.replaceAll(fhirBase, `${payer.url}/r4`)) as Resource);
    const expected = own.filter(({ resourceType }) => resourceType !== 'Binary');
    // Of practitioners and places come those to which the record refers.
    const shared = /^(?:Location|Organization|Practitioner)/;
    const text = JSON.stringify(resources);
    const due = expected.map(named).filter((name) => !shared.test(name) || text.includes(`${name}"`));
    expect(resources.map(named).sort()).toEqual([...new Set(due)].sort());
    const unchanged = resources.filter(({ resourceType }) => !/^(ExplanationOf|DocumentRef)/.test(resourceType));
    for (const one of unchanged) expect(expected).toContainEqual(one);
    const claimed = resources.filter((each) => each['use'] === 'claim');
    expect(claimed.length).toBeGreaterThan(5);
    for (const each of claimed) {
      expect(validate(each)).toEqual([]);
      expect(JSON.stringify(each)).not.toMatch(/"(?:amount|total|payment|net|unitPrice)":/);
      expect(JSON.stringify(each['meta'])).toMatch(/C4BB-ExplanationOfBenefit-[\w-]+-Basis\|2\.2\.0"/);
    }
    const note = resources.find(({ resourceType }) => resourceType === 'DocumentReference');
    const [{ attachment }] = note!['content'] as [{ readonly attachment: Record<string, unknown> }];
    expect(Buffer.from(String(attachment['data']), 'base64')).toHaveLength(attachment['size'] as number);
    const counts = Map.groupBy(resources, ({ resourceType }) => resourceType);
    expect(manifest.output.map(({ type, count }) => [type, count])).toEqual(
      [...counts].map(([type, of]) => [type, of.length]),
    );
  });

  it('is narrowed by patient, _type, _since and _until', async () => {
    const { matched, token } = await match([bundleOf(claims, 'a'), bundleOf(bare, 'b')]);
    const patient = { name: 'patient', valueReference: { reference: `Patient/${recordOf(bare).patientId}` } };
    const types = { name: '_type', valueString: 'Patient,Coverage' };
    const exported = async (...more: object[]) => (await exportOf(matched.id, token, more)).resources;
    expect((await exported(patient)).map(({ id }) => id)).toEqual([recordOf(bare).patientId]);
    expect(new Set((await exported(types)).map(({ resourceType }) => resourceType))).toEqual(
      new Set(['Patient', 'Coverage']),
    );
    const all = await exported();
    const at = all.map(({ meta }) => (meta as { lastUpdated: string }).lastUpdated).sort()[all.length >> 1]!;
    const later = await exported({ name: '_since', valueInstant: at });
    const before = await exported({ name: '_until', valueInstant: at });
    const same = all.filter(({ meta }) => (meta as { lastUpdated: string }).lastUpdated === at).length;
    expect(later.length + before.length + same).toBe(all.length);
    expect(later.length).toBeGreaterThan(0);
  });

  it.each([
    ['another exportType', [{ name: 'exportType', valueCanonical: 'hl7.fhir.us.davinci-atr' }]],
    [
      '_typeFilter, which it does not support (pdex-180d)',
      [{ name: '_typeFilter', valueString: 'Encounter?date=ge2024' }],
    ],
    ['a _since that is a day', [{ name: '_since', valueDate: '2026-01-01' }]],
    ['a type that is no record', [{ name: '_type', valueString: 'Binary' }]],
    ['a patient who is not in the Group', [{ name: 'patient', valueReference: { reference: 'Patient/another' } }]],
    ['an unknown parameter', [{ name: 'includeAssociatedData', valueString: 'x' }]],
  ])('is 400 with %s', async (_what, parameters) => {
    const { matched, token } = await match([bundleOf(bare, 'a')]);
    const answer = await kickOff(`Group/${matched.id}/$davinci-data-export`, exportParameters(parameters), token);
    expect([answer.status, ((await answer.json()) as Resource).resourceType]).toEqual([400, 'OperationOutcome']);
  });

  it('leaves out a member whose consent has ended since the match (pdex-167)', async () => {
    const ends = consentOf('a', {}, { period: { start: '2020-01-01', end: dayFromNow(1) } });
    const { matched } = await match([bundleOf(bare, 'a', { consent: ends }), bundleOf(claims, 'b')]);
    moved = 3 * 86_400_000;
    const assertion = await assertionOf(clientId, tokenEndpoint(), key, {
      exp: Math.floor((Date.now() + moved) / 1000) + 60,
    });
    const { body } = await post(tokenEndpoint(), tokenForm(assertion, groupScope));
    const patients = { name: '_type', valueString: 'Patient' };
    const { resources } = await exportOf(matched.id, String(body['access_token']), [patients]);
    expect(resources.map(({ id }) => id)).toEqual([recordOf(claims).patientId]);
  });

  it('has files that are read by ranges, with a token only, until its status is deleted', async () => {
    const { matched, token } = await match([bundleOf(claims, 'a')]);
    const { manifest, status } = await exportOf(matched.id, token);
    const { url } = manifest.output.find(({ type }) => type === 'Observation')!;
    const whole = await get(url, token);
    const text = await whole.text();
    expect([whole.headers.get('content-type'), whole.headers.get('accept-ranges')]).toEqual([
      'application/fhir+ndjson',
      'bytes',
    ]);
    const rest = await get(url, token, { range: 'bytes=1000-' });
    const size = Buffer.byteLength(text);
    expect([rest.status, rest.headers.get('content-range')]).toEqual([206, `bytes 1000-${size - 1}/${size}`]);
    expect(Buffer.from(await rest.arrayBuffer())).toEqual(Buffer.from(text).subarray(1000));
    expect((await get(url, token, { range: `bytes=${size}-` })).status).toBe(416);
    expect((await fetch(url)).status).toBe(401);
    expect((await get(status, token, {}, 'DELETE')).status).toBe(202);
    expect([(await get(status, token)).status, (await get(url, token)).status]).toEqual([404, 404]);
  });

  it('streams the readings of a member who has 80,000', async () => {
    const { matched, token } = await match([bundleOf(large, 'a')]);
    const begun = await kickOff(`Group/${matched.id}/$davinci-data-export`, exportParameters(), token);
    const manifest = await manifestAt(begun.headers.get('content-location') ?? '', token);
    const readings = manifest.output.find(({ type }) => type === 'Observation')!;
    const last = await get(readings.url, token, { range: 'bytes=-3000' });
    expect(readings.count).toBe(80_000);
    expect(linesOf((await last.text()).replace(/^.*\n/, '')).at(-1)?.id).toBe('glucose-079999');
  });
});

describe('Groups', () => {
  it('are found by identifier, characteristic and code, and read (pdex-157, 163, 394)', async () => {
    const { matched, token } = await match([bundleOf(bare, 'a')]);
    const found = async (query: string): Promise<unknown> => {
      const bundle = (await (await get(`${payer.url}/r4/Group?${query}`, token)).json()) as {
        entry: { resource: Group }[];
      };
      return bundle.entry.some(({ resource }) => resource.id === matched.id);
    };
    expect(await found(`identifier=${newPlanNpi.system}|${newPlanNpi.value}`)).toBe(true);
    expect([await found('code=match'), await found('characteristic=match'), await found('code=nomatch')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(await (await get(`${payer.url}/r4/Group/${matched.id}`, token)).json()).toEqual(matched);
    expect((await get(`${payer.url}/r4/Group/unknown`, token)).status).toBe(404);
    expect((await get(`${payer.url}/r4/Group?member=x`, token)).status).toBe(400);
  });
});

describe('the generated members', () => {
  it('are 10,000, the same ones for a seed, each with a record of their own', async () => {
    const asked = [0, 1, 9999, 10_000].map((index) => bundleOf(generatedMember(index), `n${index}`));
    const { matched, coded, token } = await match(asked);
    expect([submittedIn(matched), submittedIn(coded('nomatch')[0]!)]).toEqual([['n0', 'n1', 'n9999'], ['n10000']]);
    const { resources } = await exportOf(matched.id, token);
    expect(new Set(resources.map(({ resourceType, id }) => `${resourceType}/${id}`)).size).toBe(resources.length);
    expect([matched, ...resources].flatMap(validate)).toEqual([]);
    const people = resources.filter(({ resourceType }) => resourceType === 'Patient');
    expect(people.map(({ birthDate }) => birthDate)).toEqual(
      [0, 1, 9999].map((index) => generatedMember(index).birthDate),
    );
    const about = resources.map((one) => /"Patient\/([^"]+)"/.exec(JSON.stringify(one))?.[1]);
    expect(about.filter((id) => id === 'generated-09999')).toHaveLength(9);
  });

  it('fill as many files, and as large ones, as a test wants, each read from any byte', async () => {
    const at = await start({ generated: { members: 100, readings: 100, readingBytes: 3000 }, linesPerFile: 5 });
    const { matched, token } = await match(
      Array.from({ length: 100 }, (_, index) => bundleOf(generatedMember(index), `n${index}`)),
      at,
    );
    const begun = await kickOff(`Group/${matched.id}/$davinci-data-export`, exportParameters(), token, {}, at);
    const manifest = await manifestAt(begun.headers.get('content-location') ?? '', token);
    const readings = manifest.output.filter(({ type }) => type === 'Observation');
    expect([readings.length, readings[0]?.count]).toEqual([2000, 5]);
    const text = await (await get(readings[1999]!.url, token)).text();
    const end = await (await get(readings[1999]!.url, token, { range: 'bytes=7001-' })).text();
    expect([Buffer.byteLength(text), end]).toEqual([15_000, text.slice(7001)]);
    expect(linesOf(text).at(-1)?.id).toBe('generated-observation-00099-00099');
    await at.close();
  });
});

const { tested, withSwitch } = switchTests(() => payer.url);
const begin = async (path: string, body: unknown = exportParameters()) =>
  kickOff(path, body, await tokenFor(`${matchScope} ${groupScope}`));
const beginMatch = () => begin('Group/$bulk-member-match', parametersOf([bundleOf(bare, 'a')]));
const statusOf = ({ headers }: Response): string => headers.get('content-location') ?? '';
/** An export of two members that was started before any switch was on. */
const exportBefore = async () => {
  await setSwitches(payer.url, []);
  const { matched, token } = await match([bundleOf(bare, 'a'), bundleOf(claims, 'b')]);
  return { group: matched.id, token };
};
const withFault = async <Value>(name: string, then: () => Promise<Value>): Promise<Value> => {
  await setSwitches(payer.url, [`exchange-${name}`]);
  return then();
};

withSwitch('exchange-409', () => {
  it('refuses every second kick-off', async () => {
    const answers = [await beginMatch(), await beginMatch(), await beginMatch()];
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 409]));
    expect(answers.find(({ status }) => status === 409)?.headers.get('retry-after')).toBe('2');
  });
});

withSwitch('exchange-429', () => {
  it('throttles every second request', async () => {
    const answers = [await beginMatch(), await beginMatch()];
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 429]));
  });
});

withSwitch('exchange-hour', () => {
  it('ends after an hour', async () => {
    const token = await tokenFor(matchScope);
    const status = statusOf(await kickOff('Group/$bulk-member-match', parametersOf([bundleOf(bare, 'a')]), token));
    const early = [await get(status, token), await get(status, token), await get(status, token)];
    expect(early.map((one) => [one.status, one.headers.get('retry-after')])).toEqual(early.map(() => [202, '120']));
    moved = 3_600_000;
    const exp = Math.floor((Date.now() + moved) / 1000) + 60;
    const later = await post(
      tokenEndpoint(),
      tokenForm(await assertionOf(clientId, tokenEndpoint(), key, { exp }), matchScope),
    );
    expect((await get(status, String(later.body['access_token']))).status).toBe(200);
  });
});

withSwitch('exchange-500-once', () => {
  it('fails the first look only, and says that it is transient', async () => {
    const token = await tokenFor(matchScope);
    const status = statusOf(await kickOff('Group/$bulk-member-match', parametersOf([bundleOf(bare, 'a')]), token));
    const first = await get(status, token);
    expect([first.status, (await first.json()) as unknown]).toEqual([
      500,
      expect.objectContaining({ issue: [expect.objectContaining({ code: 'transient' })] }),
    ]);
    expect((await manifestAt(status, token)).output).toHaveLength(1);
  });
});

withSwitch('exchange-fails', () => {
  it('fails', async () => {
    const token = await tokenFor(matchScope);
    const status = statusOf(await kickOff('Group/$bulk-member-match', parametersOf([bundleOf(bare, 'a')]), token));
    await expect(manifestAt(status, token)).rejects.toThrow('status 500');
  });
});

withSwitch('exchange-cut', () => {
  it('breaks the first read of a file in the middle, and goes on by range', async () => {
    const { group, token } = await exportBefore();
    const manifest = await manifestAt(
      statusOf(await kickOff(`Group/${group}/$davinci-data-export`, exportParameters(), token)),
      token,
    );
    const url = manifest.output[0]?.url ?? '';
    const cut = await withFault('cut', () => get(url, token));
    const size = Number(cut.headers.get('content-length'));
    await expect(cut.text()).rejects.toThrow(/terminated/);
    const rest = await get(url, token, { range: `bytes=${size >> 1}-` });
    expect([rest.status, (await rest.arrayBuffer()).byteLength]).toEqual([206, size - (size >> 1)]);
  });
});

/** Each file's lines: as the manifest counts them, and as they came. */
const countsWith = async (fault: string, more: readonly object[] = []) =>
  withFault(fault, async () => {
    const { group, token } = await exportBefore();
    await setSwitches(payer.url, [`exchange-${fault}`]);
    const begun = await kickOff(`Group/${group}/$davinci-data-export`, exportParameters(more), token);
    const manifest = await manifestAt(statusOf(begun), token);
    return Promise.all(
      manifest.output.map(async ({ url, count = 0 }) => {
        const lines = (await (await get(url, token)).text()).split('\n');
        return { announced: count, lines: lines.slice(0, -1), end: lines.at(-1) };
      }),
    );
  });

withSwitch('exchange-short', () => {
  it('gives half of each file, whole lines, and announces all', async () => {
    const files = await countsWith('short');
    expect(files.map(({ lines }) => lines.length)).toEqual(files.map(({ announced }) => announced >> 1));
    expect(files.some(({ announced }) => announced > 5)).toBe(true);
    expect(files.every(({ end }) => end === '')).toBe(true);
  });
});

withSwitch('exchange-counts-lie', () => {
  it('announces one line too many', async () => {
    const files = await countsWith('counts-lie');
    expect(files.map(({ announced }) => announced)).toEqual(files.map(({ lines }) => lines.length + 1));
  });
});

withSwitch('exchange-stranger', () => {
  it('has a matched member whom nobody submitted, and their record', async () => {
    const { matched, token } = await match([bundleOf(bare, 'a')]);
    expect(submittedIn(matched)).toEqual(['a', 'stranger']);
    const { resources } = await exportOf(matched.id, token, [{ name: '_type', valueString: 'Patient' }]);
    expect(resources).toHaveLength(2);
  });
});

withSwitch('exchange-unmentioned', () => {
  it('has one matched member in no Group', async () => {
    const { groups } = await match([bundleOf(bare, 'a'), bundleOf(claims, 'b'), bundleOf(nobody, 'c')]);
    expect(groups.flatMap(submittedIn)).toEqual(['a', 'c']);
  });
});

withSwitch('exchange-no-members', () => {
  it('matches nobody', async () => {
    const { matched, coded, token } = await match([bundleOf(bare, 'a')]);
    expect([matched.member, submittedIn(coded('nomatch')[0]!)]).toEqual([undefined, ['a']]);
    expect((await exportOf(matched.id, token)).manifest.output).toEqual([]);
  });
});

withSwitch('exchange-two-groups', () => {
  it('has two Groups of matched members, which share them', async () => {
    const { coded, token } = await match([bundleOf(bare, 'a'), bundleOf(claims, 'b')]);
    expect(coded('match').map(submittedIn)).toEqual([['a'], ['b']]);
    const second = await exportOf(coded('match')[1]!.id, token, [{ name: '_type', valueString: 'Patient' }]);
    expect(second.resources.map(({ id }) => id)).toEqual([recordOf(claims).patientId]);
  });
});

describe.each([
  ['exchange-envelope-beside', ['Group', 'Parameters']],
  ['exchange-envelope-alone', ['Parameters']],
])('with %s', (name, types) => {
  tested.push(name);
  beforeEach(async () => void (await setSwitches(payer.url, [name])));
  afterEach(async () => void (await setSwitches(payer.url, [])));

  it('wraps the Groups as PDex 2.1 did (pdex-138a)', async () => {
    const { manifest, token } = await match([bundleOf(bare, 'a'), bundleOf(nobody, 'b')]);
    expect(manifest.output.map(({ type }) => type)).toEqual(types);
    const wrapped = (await filesOf(manifest, token)).find(({ resourceType }) => resourceType === 'Parameters');
    const parameters = wrapped?.['parameter'] as { readonly name: string; readonly resource: Group }[];
    expect(parameters.map((one) => [one.name, submittedIn(one.resource)])).toEqual([
      ['MatchedMembers', ['a']],
      ['NonMatchedMembers', ['b']],
    ]);
  });
});

withSwitch('exchange-token-per-file', () => {
  it('needs a new token for the second file', async () => {
    const { group } = await exportBefore();
    const token = await tokenFor(groupScope);
    const begun = await kickOff(`Group/${group}/$davinci-data-export`, exportParameters(), token);
    const { output } = await manifestAt(statusOf(begun), token);
    const answers = await withFault('token-per-file', async () => {
      const [first, second] = [output[0]?.url ?? '', output[1]?.url ?? ''];
      return [
        await get(first, token),
        await get(first, token, { range: 'bytes=0-9' }),
        await get(second, token),
        await get(second, await tokenFor(groupScope)),
      ];
    });
    expect(answers.map(({ status }) => status)).toEqual([200, 206, 401, 200]);
  });
});

withSwitch('exchange-elsewhere', () => {
  it('has its files on another host, which hears the token', async () => {
    const { manifest, groups } = await match([bundleOf(bare, 'a')]);
    expect(new URL(manifest.output[0]?.url ?? '').hostname).toBe('localhost');
    expect(groups).toHaveLength(1);
    expect(heard.filter(({ at }) => at === 'file').map(({ host }) => host.split(':')[0])).toEqual(['localhost']);
  });
});

describe.each([
  ['exchange-redirect-status', 302],
  ['exchange-redirect-files', 307],
  ['exchange-redirect-kick-off', 307],
])('with %s', (name, status) => {
  tested.push(name);
  afterEach(async () => void (await setSwitches(payer.url, [])));

  it(`answers ${status} with another host, which hears whoever follows`, async () => {
    const { group, token } = await exportBefore();
    const begun = await kickOff(`Group/${group}/$davinci-data-export`, exportParameters(), token);
    const { output } = await manifestAt(statusOf(begun), token);
    await setSwitches(payer.url, [name]);
    const asked = {
      'exchange-redirect-status': () => get(statusOf(begun), token),
      'exchange-redirect-files': () => get(output[0]?.url ?? '', token),
      'exchange-redirect-kick-off': () => kickOff(`Group/${group}/$davinci-data-export`, exportParameters(), token),
    };
    const answer = await asked[name as keyof typeof asked]();
    const location = answer.headers.get('location') ?? '';
    expect([answer.status, new URL(location).hostname]).toEqual([status, 'localhost']);
    await fetch(location, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: 'data' });
    expect(heard.at(-1)).toMatchObject({
      at: 'elsewhere',
      body: 'data',
      headers: { authorization: `Bearer ${token}` },
    });
  });
});

withSwitch('exchange-deleted', () => {
  it('names what was deleted', async () => {
    const { matched, token } = await match([bundleOf(bare, 'a')]);
    const { manifest } = await exportOf(matched.id, token);
    expect(manifest.deleted).toEqual([{ type: 'Bundle', url: expect.any(String), count: 1 }]);
    const [bundle] = linesOf(await (await get(manifest.deleted?.[0]?.url ?? '', token)).text());
    expect(bundle).toMatchObject({ type: 'transaction', entry: [{ request: { method: 'DELETE' } }] });
  });
});

withSwitch('exchange-other-patient', () => {
  it('has a line about somebody who is not in the Group', async () => {
    const lines = (await countsWith('other-patient')).flatMap((file) => file.lines);
    expect(lines.filter((line) => line.includes('"Patient/another"'))).toHaveLength(1);
  });
});

withSwitch('exchange-not-json', () => {
  it('has a line that is not JSON', async () => {
    const lines = (await countsWith('not-json')).flatMap((file) => file.lines);
    expect(() => lines.map((line) => JSON.parse(line) as unknown)).toThrow(SyntaxError);
  });
});

withSwitch('exchange-huge-line', () => {
  it('has a line of 12 MB', async () => {
    const lines = (await countsWith('huge-line')).flatMap((file) => file.lines);
    expect(lines.filter((line) => line.length > 12_000_000)).toHaveLength(1);
  });
});

withSwitch('exchange-since-ignored', () => {
  it('gives what is older, too', async () => {
    const since = { name: '_since', valueInstant: new Date().toISOString() };
    expect((await countsWith('since-ignored', [since])).length).toBeGreaterThan(1);
  });
});

withSwitch('exchange-type-filter-ignored', () => {
  it('gives what does not match, too', async () => {
    const nothing = { name: '_typeFilter', valueString: 'Coverage?status=cancelled' };
    const lines = (await countsWith('type-filter-ignored', [nothing])).flatMap((file) => file.lines);
    expect(lines.some((line) => line.startsWith('{"resourceType":"Coverage"'))).toBe(true);
  });
});

withSwitch('exchange-no-ranges', () => {
  it('sends files whole', async () => {
    const { manifest, token } = await match([bundleOf(bare, 'a')]);
    const answer = await get(manifest.output[0]?.url ?? '', token, { range: 'bytes=5-' });
    expect([answer.status, answer.headers.get('accept-ranges')]).toEqual([200, null]);
  });
});

withSwitch('exchange-gzip', () => {
  it('compresses files', async () => {
    const { manifest, groups, token } = await match([bundleOf(bare, 'a')]);
    const answer = await get(manifest.output[0]?.url ?? '', token);
    expect([answer.headers.get('content-encoding'), groups.length]).toEqual(['gzip', 1]);
  });
});

withSwitch('exchange-delete-ends-group', () => {
  it('forgets the Group with its match', async () => {
    const { matched, status, token } = await match([bundleOf(bare, 'a')]);
    await get(status, token, {}, 'DELETE');
    expect((await kickOff(`Group/${matched.id}/$davinci-data-export`, exportParameters(), token)).status).toBe(404);
  });
});

describe('the switches of a former plan', () => {
  it('each have a test here', () => {
    expect([...tested].sort()).toEqual(exchangeFaults.map(({ name }) => name).sort());
  });
});

describe('variants of a former plan', () => {
  it('are exports by GET, _typeFilter, and files without a token', async () => {
    const at = await start({ exportMethod: 'GET', typeFilter: true, requiresAccessToken: false });
    const token = await tokenFor(`${matchScope} ${groupScope}`, at);
    const body = parametersOf([bundleOf(claims, 'a')]);
    const matching = statusOf(await kickOff('Group/$bulk-member-match', body, token, {}, at));
    const groups = (await manifestAt(matching, token)).output[0]?.url ?? '';
    expect((await get(groups, token)).status).toBe(400);
    const [group] = linesOf(await (await fetch(groups)).text());
    const path = `Group/${group?.id}/$davinci-data-export`;
    expect((await kickOff(path, exportParameters(), token, {}, at)).status).toBe(405);
    const query = new URLSearchParams([
      ['exportType', exportType],
      ['_type', 'Encounter,Patient'],
      ['_typeFilter', 'Encounter?date=ge2100-01-01'],
      ['_typeFilter', 'Encounter?date=lt1900-01-01'],
    ]);
    const begun = await get(`${at.url}/r4/${path}?${query}`, token, { prefer: 'respond-async' });
    const manifest = await manifestAt(statusOf(begun), token);
    expect([manifest.requiresAccessToken, manifest.output.map(({ type }) => type)]).toEqual([false, ['Patient']]);
    await at.close();
  });

  it('are a payer that takes its time: before each answer, and for all that it sends at once', async () => {
    const generated = { members: 1, readings: 100, readingBytes: 3000 };
    const at = await start({ generated, linesPerFile: 50, pace: { latencyMs: 50, bytesPerSecond: 600_000 } });
    const since = (startedAt: number): number => performance.now() - startedAt;
    const beganAt = performance.now();
    const { matched, token } = await match([bundleOf(generatedMember(0), 'a')], at);
    // A token, a kick-off, two looks and the Groups. A timer may end a millisecond early.
    expect(since(beganAt)).toBeGreaterThan(240);
    const begun = await kickOff(`Group/${matched.id}/$davinci-data-export`, exportParameters(), token, {}, at);
    const { output } = await manifestAt(statusOf(begun), token);
    const startedAt = performance.now();
    const urls = output.filter(({ type }) => type === 'Observation').map(({ url }) => url);
    const texts = await Promise.all(urls.map(async (url) => (await get(url, token)).text()));
    expect(texts.map((text) => Buffer.byteLength(text))).toEqual([150_000, 150_000]);
    expect(since(startedAt)).toBeGreaterThan(520);
    await at.close();
  });

  it('are plans to which it may not disclose', async () => {
    const at = await start({ newPlans: [{ ...newPlanNpi, value: '9800000025' }] });
    const { coded } = await match([bundleOf(bare, 'a')], at);
    expect(coded('consentconstraint')).toHaveLength(1);
    await at.close();
  });
});
