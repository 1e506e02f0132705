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

interface Reference {
  readonly reference: string;
}

interface Group extends Resource {
  readonly code: { readonly coding: readonly { readonly system: string; readonly code: string }[] };
  readonly contained?: readonly Resource[];
  readonly member?: readonly {
    readonly entity: Reference & { readonly extension: readonly { url: string; valueReference: Reference }[] };
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
/** A time in the payer's clock, in epoch seconds. */
const seconds = (from: number): number => Math.floor((Date.now() + moved) / 1000) + from;
const bothScopes = `${matchScope} ${groupScope}`;
const askToken = async (scope: string, { claims = {}, header = {}, signer = key, at = payer } = {}) => {
  const assertion = await assertionOf(clientId, tokenEndpoint(at), signer, { exp: seconds(240), ...claims }, header);
  return post(tokenEndpoint(at), tokenForm(assertion, scope));
};
const tokenFor = async (scope = bothScopes, at = payer): Promise<string> =>
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
/** A file, or a range of its bytes. */
const read = async (url: string, token: string, range?: string) => {
  const answer = await get(url, token, range === undefined ? {} : { range });
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
};
const statusOf = ({ headers }: Response): string => headers.get('content-location') ?? '';

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
  text.split('\n').flatMap((line) => (line === '' ? [] : (JSON.parse(line) as Resource)));
const filesOf = async (manifest: Manifest, token: string): Promise<Resource[]> => {
  const texts = await Promise.all(manifest.output.map(async ({ url }) => (await get(url, token)).text()));
  return texts.flatMap(linesOf);
};

const matchPath = 'Group/$bulk-member-match';
const beginMatch = (bundles: readonly object[], token: string, at = payer) =>
  kickOff(matchPath, parametersOf(bundles), token, {}, at);
const match = async (bundles: readonly object[], at = payer) => {
  const token = await tokenFor(bothScopes, at);
  const status = statusOf(await beginMatch(bundles, token, at));
  const manifest = await manifestAt(status, token);
  const groups = (await filesOf(manifest, token)).filter(({ resourceType }) => resourceType === 'Group') as Group[];
  const coded = (code: string) => groups.filter((group) => group.code.coding[0]?.code === code);
  return { token, status, manifest, groups, coded, matched: coded('match')[0]! };
};

const exportPath = (group: string): string => `Group/${group}/$davinci-data-export`;
const exportParameters = (more: readonly object[] = []) =>
  parametersOf([{ name: 'exportType', valueCanonical: exportType }, ...more]);
const beginExport = (group: string, token: string, more: readonly object[] = [], at = payer) =>
  kickOff(exportPath(group), exportParameters(more), token, {}, at);
const exportOf = async (group: string, token: string, more: readonly object[] = [], at = payer) => {
  const status = statusOf(await beginExport(group, token, more, at));
  const manifest = await manifestAt(status, token);
  return { status, manifest, files: manifest.output.map(({ url }) => url) };
};
const exported = async (group: string, token: string, more: readonly object[] = []): Promise<Resource[]> =>
  filesOf((await exportOf(group, token, more)).manifest, token);
const patientsOnly = { name: '_type', valueString: 'Patient' };

/** What a Group refers to for each of its members, in one of the extensions of PDex. */
const extended = ({ member = [] }: Group, name: string): string[] =>
  member.flatMap(({ entity }) =>
    entity.extension.flatMap(({ url, valueReference }) =>
      url === `${pdex}/StructureDefinition/base-ext-match-${name}` ? [valueReference.reference.slice(1)] : [],
    ),
  );
const submittedIn = (group: Group): string[] => extended(group, 'parameters');
const outcomes = (groups: readonly Group[]) => groups.map((group) => [group.code.coding[0]?.code, submittedIn(group)]);
const idsOf = (resources: readonly Resource[]): string[] => resources.map(({ id }) => id);
const refused = async (answer: Response): Promise<readonly unknown[]> => [
  answer.status,
  ((await answer.json()) as Resource).resourceType,
];

const dayFromNow = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
/** A Consent from one day to another. */
const during = (id: string, first: string, last: string) => consentOf(id, {}, { period: { start: first, end: last } });
const validate = createValidator();
const { clinical, claims, child, sensitive, bare, 'all-types': allTypes, large } = testMembers;
const nobody = { firstName: 'No', lastName: 'Body', birthDate: '1990-01-01', memberId: '99-nobody' };
const records = generateRecords();
const recordOf = ({ memberId }: { readonly memberId: string }) =>
  records.find(({ member }) => member.memberId === memberId)!;
const patientOf = (member: { readonly memberId: string }): string => recordOf(member).patientId;

describe('the token endpoint of a former plan', () => {
  it('gives a bearer token of five minutes, of the scopes asked for, and no refresh token', async () => {
    const { status, body } = await askToken(bothScopes);
    const token = { access_token: expect.any(String), token_type: 'bearer', expires_in: 300, scope: bothScopes };
    expect([status, body]).toEqual([200, token]);
  });

  it.each([
    ['iss is another client', { claims: { iss: 'another' } }],
    ['sub is not iss', { claims: { sub: 'another' } }],
    ['aud is another endpoint', { claims: { aud: 'https://elsewhere.example/token' } }],
    ['exp is missing', { claims: { exp: undefined } }],
    ['exp is past', { claims: { exp: seconds(-5) } }],
    ['exp is six minutes away', { claims: { exp: seconds(360) } }],
    ['jti is missing', { claims: { jti: undefined } }],
    ['the key is unknown', { header: { kid: 'another' } }],
    ['the signature is of another key', { signer: backendKey() }],
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
    const body = [bundleOf(clinical, 'one')];
    const reads = async () => (await get(`${payer.url}/r4/Group`, groupsOnly)).status;
    const matches = [(await beginMatch(body, groupsOnly)).status, (await beginMatch(body, 'unknown')).status];
    expect([...matches, await reads()]).toEqual([403, 401, 200]);
    moved = 301_000;
    expect(await reads()).toBe(401);
  });
});

it('states each type once (cpb-9), with the operations of plans on Group (CapabilityStatement pdex-server)', async () => {
  const statement = (await (await fetch(`${payer.url}/r4/metadata`)).json()) as {
    readonly rest: readonly [{ readonly resource: readonly { type: string; operation?: object[] }[] }];
  };
  const [{ resource }] = statement.rest;
  const types = resource.map(({ type }) => type);

  expect(types).toEqual([...new Set(types)]);
  expect(resource.find(({ type }) => type === 'Group')?.operation).toHaveLength(2);
});

describe('a match', () => {
  it('is 202 with a status, then 202 with progress and Retry-After, then the manifest (pdex-137)', async () => {
    const token = await tokenFor(matchScope);
    const begun = await beginMatch([bundleOf(clinical, 'one')], token);
    const [first, second] = [await get(statusOf(begun), token), await get(statusOf(begun), token)];
    expect([begun.status, first.status, second.status]).toEqual([202, 202, 200]);
    expect([first.headers.get('retry-after'), first.headers.get('x-progress')]).toEqual(['1', '50% complete']);
    expect(second.headers.get('content-type')).toBe('application/json');
    expect(await second.json()).toEqual({
      transactionTime: expect.stringMatching(/^\d{4}-.*Z$/),
      request: `${payer.url}/r4/${matchPath}`,
      requiresAccessToken: true,
      output: [{ type: 'Group', url: expect.any(String), count: 1 }],
      error: [],
    });
  });

  it('puts each member into the Group of their outcome, as submitted (pdex-150 to 154b)', async () => {
    const security = [{ code: 'R' }];
    const meta = { versionId: '7', lastUpdated: '2026-01-01T00:00:00Z', security, tag: [{ code: 't' }] };
    const contained = [{ resourceType: 'Organization', id: 'nested' }];
    const telecom = [{ system: 'phone', value: '617-555-0100' }];
    const { groups, coded, matched } = await match([
      bundleOf(clinical, 'a', { patient: { meta, contained, telecom } }),
      bundleOf(nobody, 'b'),
      bundleOf(claims, 'c', { consent: during('c', '2020-01-01', '2020-12-31') }),
      bundleOf(child, 'd', { coverage: { identifier: [], subscriberId: claims.memberId, dependent: '02' } }),
    ]);
    expect(outcomes(groups)).toEqual([
      ['match', ['a', 'd']],
      ['nomatch', ['b']],
      ['consentconstraint', ['c']],
    ]);
    expect(matched.member?.map(({ entity }) => entity.reference)).toEqual(
      [clinical, child].map((member) => `Patient/${patientOf(member)}`),
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
      telecom,
    });
    expect(matched).toMatchObject({
      type: 'person',
      actual: true,
      code: { coding: [{ system: `${pdex}/CodeSystem/PdexMultiMemberMatchResultCS`, code: 'match' }] },
      identifier: [newPlanNpi],
      managingEntity: { identifier: formerPlanNpi },
      characteristic: [{ exclude: false, valueReference: { identifier: newPlanNpi } }],
    });
    // A Group says no more of a consent than that it constrains (pdex-154c).
    expect(JSON.stringify(coded('consentconstraint'))).not.toMatch(/2020/);
  });

  it('has the Group of matched members even if nobody is in it, and the coverages of one submitted twice (pdex-153)', async () => {
    const none = await match([bundleOf(nobody, 'b')]);
    expect(none.groups.map(({ code, member }) => [code.coding[0]?.code, member?.length])).toEqual([
      ['match', undefined],
      ['nomatch', 1],
    ]);
    const other = { coverage: { id: 'other', identifier: [], subscriberId: 'elsewhere' } };
    const { coded, matched } = await match([bundleOf(clinical, 'a'), bundleOf(clinical, 'a', other)]);
    const [unmatched] = coded('nomatch') as [Group];
    expect([matched, unmatched].map((group) => extended(group, 'coverage'))).toEqual([['coverage-a'], ['other']]);
    expect(unmatched.contained?.map(({ id }) => id)).toEqual(['a', 'other']);
  });

  it.each([
    ['is not active', consentOf('a', { status: 'inactive' })],
    ['has no policy of HRex', consentOf('a', { policy: [] })],
    ['denies', consentOf('a', {}, { type: 'deny' })],
    ['ended yesterday', during('a', '2020-01-01', dayFromNow(-1))],
    ['begins tomorrow', during('a', dayFromNow(1), '2099-01-01')],
    ['names no plan', consentOf('a', {}, { actor: [] })],
  ])('constrains a member whose consent %s', async (_what, consent) => {
    const { coded } = await match([bundleOf(clinical, 'a', { consent })]);
    expect(coded('consentconstraint')).toHaveLength(1);
  });

  it('constrains a member of whose record the law protects a part, if the consent is for the rest only (pdex-154)', async () => {
    const uri = 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#regular';
    const consent = (id: string) => ({ consent: consentOf(id, { policy: [{ uri }] }) });
    const { groups } = await match([
      bundleOf(sensitive, 'a', consent('a')),
      bundleOf(claims, 'b', consent('b')),
      bundleOf(sensitive, 'c'),
    ]);
    expect(outcomes(groups)).toEqual(
      expect.arrayContaining([
        ['consentconstraint', ['a']],
        ['match', ['b', 'c']],
      ]),
    );
  });

  it('takes a consent that ends today, in UTC', async () => {
    const consent = during('a', '2020-01-01', dayFromNow(0));
    expect(submittedIn((await match([bundleOf(clinical, 'a', { consent })])).matched)).toEqual(['a']);
  });

  const one = bundleOf(clinical, 'a');
  const unconsented = { name: 'MemberBundle', part: (one['part'] as object[]).slice(0, 2) };
  it.each([
    [400, 'without Prefer', parametersOf([one]), { prefer: 'return=representation' }],
    [415, 'of another type', parametersOf([one]), { 'content-type': 'text/plain' }],
    [400, 'that is not JSON', '{', {}],
    [400, 'that is no Parameters', { resourceType: 'Bundle' }, {}],
    [400, 'without a member', parametersOf([]), {}],
    [400, 'without a Consent', parametersOf([unconsented]), {}],
    [400, 'with two patients of one id', parametersOf([one, bundleOf(claims, 'a')]), {}],
  ])('is %i %s', async (status, _what, body, headers) => {
    const answer = await kickOff(matchPath, body, await tokenFor(matchScope), headers);
    expect(await refused(answer)).toEqual([status, 'OperationOutcome']);
  });
});

describe('an export', () => {
  it('has the whole record of the members, each resource once, but no amounts of claims (pdex-158)', async () => {
    const { matched, token } = await match([bundleOf(claims, 'a'), bundleOf(allTypes, 'b'), bundleOf(child, 'c')]);
    const begun = await beginExport(matched.id, token);
    const manifest = await manifestAt(statusOf(begun), token);
    const resources = await filesOf(manifest, token);
    expect([begun.status, manifest.request]).toEqual([202, `${payer.url}/r4/${exportPath(matched.id)}`]);
    const named = (one: Resource): string => `${one.resourceType}/${one.id}`;
    const expected = [claims, allTypes, child]
      .flatMap((member) => recordOf(member).resources)
      .map((text) => JSON.parse(text.replaceAll(fhirBase, `${payer.url}/r4`)) as Resource)
      .filter(({ resourceType }) => resourceType !== 'Binary');
    // Of practitioners and places come those to which the record refers.
    const shared = /^(?:Location|Organization|Practitioner)/;
    const text = JSON.stringify(resources);
    const due = expected.map(named).filter((name) => !shared.test(name) || text.includes(`${name}"`));
    expect(resources.map(named).sort()).toEqual([...new Set(due)].sort());
    const unchanged = resources.filter(({ resourceType }) => !/^(ExplanationOf|DocumentRef)/.test(resourceType));
    const byName = Map.groupBy(expected, named);
    for (const one of unchanged) expect(byName.get(named(one))).toContainEqual(one);
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
    const counts = [...Map.groupBy(resources, ({ resourceType }) => resourceType)].map(([type, of]) => [
      type,
      of.length,
    ]);
    expect(manifest.output.map(({ type, count }) => [type, count])).toEqual(counts);
  });

  it('is narrowed by patient, _type, _since and _until', async () => {
    const { matched, token } = await match([bundleOf(claims, 'a'), bundleOf(bare, 'b')]);
    const narrowed = (...more: object[]) => exported(matched.id, token, more);
    const patient = { name: 'patient', valueReference: { reference: `Patient/${patientOf(bare)}` } };
    expect(idsOf(await narrowed(patient))).toEqual([patientOf(bare)]);
    const two = await narrowed({ name: '_type', valueString: 'Patient,Coverage' });
    expect(new Set(two.map(({ resourceType }) => resourceType))).toEqual(new Set(['Patient', 'Coverage']));
    const times = (await narrowed()).map(({ meta }) => (meta as { lastUpdated: string }).lastUpdated).sort();
    const at = times[times.length >> 1]!;
    const later = await narrowed({ name: '_since', valueInstant: at });
    const before = await narrowed({ name: '_until', valueInstant: at });
    expect(later.length + before.length + times.filter((time) => time === at).length).toBe(times.length);
    expect(later.length).toBeGreaterThan(0);
  });

  it.each([
    ['another exportType', { name: 'exportType', valueCanonical: 'hl7.fhir.us.davinci-atr' }],
    [
      '_typeFilter, which it does not support (pdex-180d)',
      { name: '_typeFilter', valueString: 'Encounter?date=ge2024' },
    ],
    ['a _since that is a day', { name: '_since', valueDate: '2026-01-01' }],
    ['a type that is no record', { name: '_type', valueString: 'Binary' }],
    ['a patient who is not in the Group', { name: 'patient', valueReference: { reference: 'Patient/another' } }],
    ['an unknown parameter', { name: 'includeAssociatedData', valueString: 'x' }],
  ])('is 400 with %s', async (_what, parameter) => {
    const { matched, token } = await match([bundleOf(bare, 'a')]);
    expect(await refused(await beginExport(matched.id, token, [parameter]))).toEqual([400, 'OperationOutcome']);
  });

  it('leaves out a member whose consent has ended since the match (pdex-167)', async () => {
    const consent = during('a', '2020-01-01', dayFromNow(1));
    const { matched } = await match([bundleOf(bare, 'a', { consent }), bundleOf(claims, 'b')]);
    moved = 3 * 86_400_000;
    const patients = await exported(matched.id, await tokenFor(groupScope), [patientsOnly]);
    expect(idsOf(patients)).toEqual([patientOf(claims)]);
  });

  it('has files that are read by ranges, with a token only, until its status is deleted', async () => {
    const { matched, token } = await match([bundleOf(claims, 'a')]);
    const { manifest, status } = await exportOf(matched.id, token);
    const { url } = manifest.output.find(({ type }) => type === 'Observation')!;
    const { headers, ...whole } = await read(url, token);
    expect([headers.get('content-type'), headers.get('accept-ranges')]).toEqual(['application/fhir+ndjson', 'bytes']);
    const size = whole.bytes.length;
    const rest = await read(url, token, 'bytes=1000-');
    expect([rest.status, rest.headers.get('content-range')]).toEqual([206, `bytes 1000-${size - 1}/${size}`]);
    expect(rest.bytes).toEqual(whole.bytes.subarray(1000));
    expect([(await read(url, token, `bytes=${size}-`)).status, (await fetch(url)).status]).toEqual([416, 401]);
    expect((await get(status, token, {}, 'DELETE')).status).toBe(202);
    expect([(await get(status, token)).status, (await get(url, token)).status]).toEqual([404, 404]);
  });

  it('streams the readings of a member who has 80,000', async () => {
    const { matched, token } = await match([bundleOf(large, 'a')]);
    const { manifest } = await exportOf(matched.id, token);
    const { url, count } = manifest.output.find(({ type }) => type === 'Observation')!;
    const last = String((await read(url, token, 'bytes=-3000')).bytes);
    expect([count, linesOf(last.replace(/^.*\n/, '')).at(-1)?.id]).toEqual([80_000, 'glucose-079999']);
  });
});

describe('Groups', () => {
  it('are found by identifier, characteristic and code, and read (pdex-157, 163, 394)', async () => {
    const { matched, token } = await match([bundleOf(bare, 'a')]);
    const ask = (path: string) => get(`${payer.url}/r4/Group${path}`, token);
    const found = async (query: string): Promise<unknown> => {
      const { entry } = (await (await ask(`?${query}`)).json()) as { entry: { resource: Group }[] };
      return entry.some(({ resource }) => resource.id === matched.id);
    };
    expect(await found(`identifier=${newPlanNpi.system}|${newPlanNpi.value}`)).toBe(true);
    const coded = [await found('code=match'), await found('characteristic=match'), await found('code=nomatch')];
    expect(coded).toEqual([true, true, false]);
    expect(await (await ask(`/${matched.id}`)).json()).toEqual(matched);
    expect([(await ask('/unknown')).status, (await ask('?member=x')).status]).toEqual([404, 400]);
  });
});

describe('the generated members', () => {
  it('are 10,000, the same ones for a seed, each with a record of their own', async () => {
    const asked = [0, 1, 9999, 10_000].map((index) => bundleOf(generatedMember(index), `n${index}`));
    const { matched, groups, token } = await match(asked);
    expect(outcomes(groups)).toEqual([
      ['match', ['n0', 'n1', 'n9999']],
      ['nomatch', ['n10000']],
    ]);
    const resources = await exported(matched.id, token);
    expect(new Set(resources.map(({ resourceType, id }) => `${resourceType}/${id}`)).size).toBe(resources.length);
    expect([matched, ...resources].flatMap(validate)).toEqual([]);
    const people = resources.filter(({ resourceType }) => resourceType === 'Patient');
    const born = [0, 1, 9999].map((index) => generatedMember(index).birthDate);
    expect(people.map(({ birthDate }) => birthDate)).toEqual(born);
    const about = resources.map((one) => /"Patient\/([^"]+)"/.exec(JSON.stringify(one))?.[1]);
    expect(about.filter((id) => id === 'generated-09999')).toHaveLength(9);
  });

  it('fill as many files, and as large ones, as a test wants, each read from any byte', async () => {
    const at = await start({ generated: { members: 100, readings: 100, readingBytes: 3000 }, linesPerFile: 5 });
    const everybody = Array.from({ length: 100 }, (_, index) => bundleOf(generatedMember(index), `n${index}`));
    const { matched, token } = await match(everybody, at);
    const { manifest } = await exportOf(matched.id, token, [], at);
    const readings = manifest.output.filter(({ type }) => type === 'Observation');
    expect([readings.length, readings[0]?.count]).toEqual([2000, 5]);
    const { bytes } = await read(readings[1999]!.url, token);
    const end = await read(readings[1999]!.url, token, 'bytes=7001-');
    expect([bytes.length, String(end.bytes)]).toEqual([15_000, String(bytes).slice(7001)]);
    expect(linesOf(String(bytes)).at(-1)?.id).toBe('generated-observation-00099-00099');
    await at.close();
  });
});

const { tested, withSwitch } = switchTests(() => payer.url);
/** One test with a switch on, from its beginning. */
const itWith = (fault: string, promise: string, test: () => Promise<void>): void =>
  withSwitch(`exchange-${fault}`, () => it(promise, test));
const turnOn = (fault: string) => setSwitches(payer.url, [`exchange-${fault}`]);
const matchBare = async (token?: string) => beginMatch([bundleOf(bare, 'a')], token ?? (await tokenFor()));
/** The Group of two members, who were matched before any switch was on. */
const groupBefore = async () => {
  await setSwitches(payer.url, []);
  const { matched, token } = await match([bundleOf(bare, 'a'), bundleOf(claims, 'b')]);
  return { group: matched.id, token };
};
/** Each file of an export with a fault: the lines that its manifest announces, those that came, and what is behind the last. */
const filesWith = async (fault: string, more: readonly object[] = []) => {
  const { group, token } = await groupBefore();
  await turnOn(fault);
  const { manifest } = await exportOf(group, token, more);
  return Promise.all(
    manifest.output.map(async ({ url, count = 0 }) => {
      const lines = String((await read(url, token)).bytes).split('\n');
      return { announced: count, lines: lines.slice(0, -1), end: lines.at(-1) };
    }),
  );
};

itWith('409', 'refuses every second kick-off', async () => {
  const answers = [await matchBare(), await matchBare(), await matchBare()];
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 409]));
  expect(answers.find(({ status }) => status === 409)?.headers.get('retry-after')).toBe('2');
});

itWith('429', 'throttles every second request', async () => {
  const answers = [await matchBare(), await matchBare()];
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 429]));
});

itWith('hour', 'ends after an hour', async () => {
  const token = await tokenFor(matchScope);
  const status = statusOf(await matchBare(token));
  const early = [await get(status, token), await get(status, token), await get(status, token)];
  expect(early.map((one) => [one.status, one.headers.get('retry-after')])).toEqual(early.map(() => [202, '120']));
  moved = 3_600_000;
  expect((await get(status, await tokenFor(matchScope))).status).toBe(200);
});

itWith('500-once', 'fails the first look only, and says that it is transient', async () => {
  const token = await tokenFor(matchScope);
  const status = statusOf(await matchBare(token));
  const first = await get(status, token);
  expect([first.status, await first.json()]).toMatchObject([500, { issue: [{ code: 'transient' }] }]);
  expect((await manifestAt(status, token)).output).toHaveLength(1);
});

itWith('fails', 'fails', async () => {
  const token = await tokenFor(matchScope);
  await expect(manifestAt(statusOf(await matchBare(token)), token)).rejects.toThrow('status 500');
});

itWith('cut', 'breaks the first read of a file in the middle, and goes on by range', async () => {
  const { group, token } = await groupBefore();
  const [url = ''] = (await exportOf(group, token)).files;
  await turnOn('cut');
  const cut = await get(url, token);
  const size = Number(cut.headers.get('content-length'));
  await expect(cut.text()).rejects.toThrow(/terminated/);
  const rest = await read(url, token, `bytes=${size >> 1}-`);
  expect([rest.status, rest.bytes.length]).toEqual([206, size - (size >> 1)]);
});

itWith('short', 'gives half of each file, whole lines, and announces all', async () => {
  const files = await filesWith('short');
  expect(files.map(({ lines, end }) => [lines.length, end])).toEqual(files.map((file) => [file.announced >> 1, '']));
  expect(files.some(({ announced }) => announced > 5)).toBe(true);
});

itWith('counts-lie', 'announces one line too many', async () => {
  const files = await filesWith('counts-lie');
  expect(files.map(({ announced }) => announced)).toEqual(files.map(({ lines }) => lines.length + 1));
});

itWith('stranger', 'has a matched member whom nobody submitted, and their record', async () => {
  const { matched, token } = await match([bundleOf(bare, 'a')]);
  expect(submittedIn(matched)).toEqual(['a', 'stranger']);
  expect(await exported(matched.id, token, [patientsOnly])).toHaveLength(2);
});

itWith('unmentioned', 'has one matched member in no Group', async () => {
  const { groups } = await match([bundleOf(bare, 'a'), bundleOf(claims, 'b'), bundleOf(nobody, 'c')]);
  expect(groups.flatMap(submittedIn)).toEqual(['a', 'c']);
});

itWith('no-members', 'matches nobody', async () => {
  const { matched, coded, token } = await match([bundleOf(bare, 'a')]);
  expect([matched.member, submittedIn(coded('nomatch')[0]!)]).toEqual([undefined, ['a']]);
  expect((await exportOf(matched.id, token)).files).toEqual([]);
});

itWith('two-groups', 'has two Groups of matched members, which share them', async () => {
  const { coded, token } = await match([bundleOf(bare, 'a'), bundleOf(claims, 'b')]);
  expect(coded('match').map(submittedIn)).toEqual([['a'], ['b']]);
  expect(idsOf(await exported(coded('match')[1]!.id, token, [patientsOnly]))).toEqual([patientOf(claims)]);
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

itWith('token-per-file', 'needs a new token for the second file', async () => {
  const { group } = await groupBefore();
  const token = await tokenFor(groupScope);
  const [first = '', second = ''] = (await exportOf(group, token)).files;
  await turnOn('token-per-file');
  const answers = [
    await read(first, token),
    await read(first, token, 'bytes=0-9'),
    await read(second, token),
    await read(second, await tokenFor(groupScope)),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 206, 401, 200]);
});

itWith('elsewhere', 'has its files on another host, which hears the token', async () => {
  const { manifest, groups } = await match([bundleOf(bare, 'a')]);
  const hosts = heard.filter(({ at }) => at === 'file').map(({ host }) => host.split(':')[0]);
  expect([new URL(manifest.output[0]!.url).hostname, groups.length, hosts]).toEqual(['localhost', 1, ['localhost']]);
});

describe.each([
  ['exchange-redirect-status', 302],
  ['exchange-redirect-files', 307],
  ['exchange-redirect-kick-off', 307],
] as const)('with %s', (name, status) => {
  tested.push(name);
  afterEach(async () => void (await setSwitches(payer.url, [])));

  it(`answers ${status} with another host, which hears whoever follows`, async () => {
    const { group, token } = await groupBefore();
    const before = await exportOf(group, token);
    await setSwitches(payer.url, [name]);
    const answer = await {
      'exchange-redirect-status': () => get(before.status, token),
      'exchange-redirect-files': () => get(before.files[0]!, token),
      'exchange-redirect-kick-off': () => beginExport(group, token),
    }[name]();
    const location = answer.headers.get('location') ?? '';
    expect([answer.status, new URL(location).hostname]).toEqual([status, 'localhost']);
    const headers = { authorization: `Bearer ${token}` };
    await fetch(location, { method: 'POST', headers, body: 'data' });
    expect(heard.at(-1)).toMatchObject({ at: 'elsewhere', body: 'data', headers });
  });
});

itWith('deleted', 'names what was deleted', async () => {
  const { matched, token } = await match([bundleOf(bare, 'a')]);
  const { deleted } = (await exportOf(matched.id, token)).manifest;
  expect(deleted).toEqual([{ type: 'Bundle', url: expect.any(String), count: 1 }]);
  const [bundle] = linesOf(await (await get(deleted![0]!.url, token)).text());
  expect(bundle).toMatchObject({ type: 'transaction', entry: [{ request: { method: 'DELETE' } }] });
});

const isNotJson = (line: string): boolean => {
  try {
    return JSON.parse(line) === undefined;
  } catch {
    return true;
  }
};
const wrongLines: readonly [string, string, (line: string) => boolean][] = [
  ['other-patient', 'has a line about somebody who is not in the Group', (line) => line.includes('"Patient/another"')],
  ['not-json', 'has a line that is not JSON', isNotJson],
  ['huge-line', 'has a line of 12 MB', (line) => line.length > 12_000_000],
];
for (const [fault, promise, isWrong] of wrongLines) {
  itWith(fault, promise, async () => {
    const lines = (await filesWith(fault)).flatMap((file) => file.lines);
    expect(lines.filter(isWrong)).toHaveLength(1);
  });
}

itWith('since-ignored', 'gives what is older, too', async () => {
  const since = { name: '_since', valueInstant: new Date().toISOString() };
  expect((await filesWith('since-ignored', [since])).length).toBeGreaterThan(1);
});

itWith('type-filter-ignored', 'gives what does not match, too', async () => {
  const nothing = { name: '_typeFilter', valueString: 'Coverage?status=cancelled' };
  const lines = (await filesWith('type-filter-ignored', [nothing])).flatMap((file) => file.lines);
  expect(lines.some((line) => line.startsWith('{"resourceType":"Coverage"'))).toBe(true);
});

itWith('no-ranges', 'sends files whole', async () => {
  const { manifest, token } = await match([bundleOf(bare, 'a')]);
  const { status, headers } = await read(manifest.output[0]!.url, token, 'bytes=5-');
  expect([status, headers.get('accept-ranges')]).toEqual([200, null]);
});

itWith('gzip', 'compresses files', async () => {
  const { manifest, groups, token } = await match([bundleOf(bare, 'a')]);
  const { headers } = await read(manifest.output[0]!.url, token);
  expect([headers.get('content-encoding'), groups.length]).toEqual(['gzip', 1]);
});

itWith('delete-ends-group', 'forgets the Group with its match', async () => {
  const { matched, status, token } = await match([bundleOf(bare, 'a')]);
  await get(status, token, {}, 'DELETE');
  expect((await beginExport(matched.id, token)).status).toBe(404);
});

describe('the switches of a former plan', () => {
  it('each have a test here', () => {
    expect([...tested].sort()).toEqual(exchangeFaults.map(({ name }) => name).sort());
  });
});

describe('variants of a former plan', () => {
  it('are exports by GET, _typeFilter, and files without a token', async () => {
    const at = await start({ exportMethod: 'GET', typeFilter: true, requiresAccessToken: false });
    const token = await tokenFor(bothScopes, at);
    const matching = statusOf(await beginMatch([bundleOf(claims, 'a')], token, at));
    const groups = (await manifestAt(matching, token)).output[0]!.url;
    expect((await get(groups, token)).status).toBe(400);
    const [group] = linesOf(await (await fetch(groups)).text()) as [Group];
    expect((await beginExport(group.id, token, [], at)).status).toBe(405);
    const query = new URLSearchParams([
      ['exportType', exportType],
      ['_type', 'Encounter,Patient'],
      ['_typeFilter', 'Encounter?date=ge2100-01-01'],
      ['_typeFilter', 'Encounter?date=lt1900-01-01'],
    ]);
    const begun = await get(`${at.url}/r4/${exportPath(group.id)}?${query}`, token, { prefer: 'respond-async' });
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
    const { manifest } = await exportOf(matched.id, token, [], at);
    const startedAt = performance.now();
    const readings = manifest.output.filter(({ type }) => type === 'Observation');
    const files = await Promise.all(readings.map(({ url }) => read(url, token)));
    expect(files.map(({ bytes }) => bytes.length)).toEqual([150_000, 150_000]);
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
