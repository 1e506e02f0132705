import { generateRecords } from '../../sandbox/payer/data/generate.ts';
import { testMembers } from '../../sandbox/payer/data/member-list.ts';
import { fhirBase } from '../../sandbox/payer/data/record.ts';
import { generatedMember } from '../../sandbox/payer/exchange/generated.ts';
import type { FormerPlanOptions, HeardRequest } from '../../sandbox/payer/exchange/options.ts';
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
      expect(validate({ ...each, meta: {} })).toEqual([]);
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

  it('leaves out what is especially protected, where the consent is for the rest only', async () => {
    const regular = consentOf('a', {
      policy: [{ uri: 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#regular' }],
    });
    const labeled = async (change: object): Promise<number> => {
      const { matched, token } = await match([bundleOf(sensitive, 'a', change)]);
      const { resources } = await exportOf(matched.id, token);
      return resources.filter(({ meta }) => JSON.stringify(meta).includes('"security"')).length;
    };
    expect([await labeled({ consent: regular }), await labeled({})]).toEqual([0, expect.any(Number)]);
    expect(await labeled({})).toBeGreaterThan(8);
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
    const claim = (one: Resource): boolean => one.resourceType === 'ExplanationOfBenefit';
    expect(resources.filter((one) => !claim(one)).flatMap(validate)).toEqual([]);
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
