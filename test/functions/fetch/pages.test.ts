import { randomBytes } from 'node:crypto';
import { sealPage } from '../../../functions/shared/fhir/page-link.ts';
import { fetchGateway, fhir, issueOf, read, type FetchGateway, type TestGrant } from '../../support/fetch-gateway.ts';
import { withPayer } from '../../support/login.ts';
import { words } from '../../support/words.ts';

const payer = 'http://127.0.0.1:3003/r4';
const ours = 'http://localhost:3000/r4/northwind';
const observations = 'patient/Observation.rs';

/** The answer of a payer whose Bundle has this link. */
const bundleWith = (url: string, relation = 'next') =>
  fhir({ resourceType: 'Bundle', type: 'searchset', link: [{ relation, url }], entry: [] });

interface Links {
  readonly link: readonly { readonly relation: string; readonly url: string }[];
}

/** Asks for a Bundle with this link, and returns the link as the partner gets it. */
const linkOf = async (
  test: FetchGateway,
  { token }: Pick<TestGrant, 'token'>,
  url: string,
  { path = 'Observation', query = '', relation = 'next' } = {},
): Promise<string> => {
  test.payer.http = async () => bundleWith(url, relation);
  const answer = await read(test.deps, path, token, { query });
  expect(answer.statusCode).toBe(200);
  return (answer.json() as Links).link[0]!.url;
};

const follow = (test: FetchGateway, token: string, link: string, deps = test.deps) => {
  test.payer.http = async () => fhir({ resourceType: 'Bundle' });
  expect(link).toMatch(/^http:\/\/localhost:3000\/r4\/northwind\?_link=[A-Za-z0-9_-]+$/);
  return read(deps, '', token, { query: link.slice(link.indexOf('?') + 1) });
};

/** Follows a payer's link, and returns what the payer was asked. */
const followed = async (url: string, asked?: Parameters<typeof linkOf>[3], scope = 'patient/*.rs') => {
  const test = fetchGateway();
  const grant = await test.grant({ scope });
  const link = await linkOf(test, grant, url, asked);
  const answer = await follow(test, grant.token, link);
  return { answer, test, requested: test.payer.requests.slice(1).map(({ url: sent }) => sent) };
};

const damaged = 'This page link is damaged or was made for another sign-in. Start the search again.';

describe('a page link', () => {
  it.each([
    ...words(`
      ${payer}?_getpages=a-b&_getpagesoffset=10&_bundletype=searchset
      ${payer}/Observation?code=http%3A%2F%2Floinc.org%7C1&_page=2&a=b+c&a=%20&_count=1&z='*'&plain
      ${payer}/Observation/_search?_page=2 ${payer}/pages/1;v=2/3?x=%2F..%2F
    `),
    payer,
    `${payer}/`,
  ])('is followed exactly: %s', async (url) => {
    const { answer, requested } = await followed(url);
    expect(answer.statusCode).toBe(200);
    expect(requested).toEqual([url]);
  });

  it.each([
    ['?_page=2', 'Observation', `${payer}/Observation?_page=2`],
    ['Condition?_page=2', 'Observation', `${payer}/Condition?_page=2`],
    ['/r4/Observation?_page=2', 'Observation', `${payer}/Observation?_page=2`],
    ['//127.0.0.1:3003/r4?_page=2', 'Observation', `${payer}?_page=2`],
    ['../../Observation?_page=2', 'Patient/patient-1/Observation', `${payer}/Observation?_page=2`],
    ['$everything?_page=2', 'Patient/patient-1/$everything', `${payer}/Patient/patient-1/$everything?_page=2`],
    ['HTTP://127.0.0.1:3003/r4?_page=2#part', 'Observation', `${payer}?_page=2`],
    [`${payer}/Observation?_page=2#part`, 'Observation', `${payer}/Observation?_page=2`],
    [`${payer}/Observation?name=Zoë ☃`, 'Observation', `${payer}/Observation?name=Zo%C3%AB%20%E2%98%83`],
  ])('%s on a page of %s is followed as a client resolves it', async (url, path, expected) => {
    const { answer, requested } = await followed(url, { path });
    expect(answer.statusCode).toBe(200);
    expect(requested).toEqual([expected]);
  });

  it('below an alias is followed below the base', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    const deps = test.reconfigured(withPayer('northwind', { fhirBaseUrlAliases: ['http://internal:8080/fhir'] }));
    const link = await linkOf({ ...test, deps }, grant, 'http://internal:8080/fhir/Observation?_page=2');
    expect((await follow(test, grant.token, link, deps)).statusCode).toBe(200);
    expect(test.payer.requests.at(-1)?.url).toBe(`${payer}/Observation?_page=2`);
  });

  it('below a further base is followed there, and nowhere if the profile no longer has it', async () => {
    const goals = 'http://127.0.0.1:3009/fhir';
    const test = fetchGateway();
    const grant = await test.grant({ scope: 'patient/Goal.rs' });
    const deps = test.reconfigured(
      withPayer('northwind', { everything: false, furtherBases: [{ fhirBaseUrl: goals, types: ['Goal'] }] }),
    );
    const linked = (url: string) => linkOf({ ...test, deps }, grant, url, { path: 'Goal' });
    const [own, bare] = [await linked(`${goals}/Goal?_page=2`), await linked(`${goals}?_page=2`)];
    const other = await linked(`${payer}/Goal?_page=2`);
    const before = test.payer.requests.length;

    for (const link of [own, bare]) expect((await follow(test, grant.token, link, deps)).statusCode).toBe(200);
    const gone = await follow(test, grant.token, own);

    expect(test.payer.requests.map(({ url }) => url)).toEqual([
      ...Array.from({ length: before }, () => `${goals}/Goal`),
      `${goals}/Goal?_page=2`,
      `${goals}?_page=2`,
    ]);
    expect([gone.statusCode, issueOf(gone).diagnostics]).toEqual([400, expect.stringContaining(damaged)]);
    // A next link to another base stays as it is, and is no link of ours.
    expect(other).toBe(`${payer}/Goal?_page=2`);
  });

  it.each([
    `${payer}/../admin?x`,
    `${payer}/%2e%2e/admin?x`,
    `${payer}x/Observation?_page=2`,
    ...words(`
      http://user@127.0.0.1:3003/r4/Observation?_page=2 http://127.0.0.1:3004/r4/Observation?_page=2
      https://elsewhere.example/r4?_page=2 /Observation?_page=2 ../../admin urn:uuid:1 http://
    `),
    '',
  ])('to elsewhere is not made followable: %s', async (url) => {
    const test = fetchGateway();
    const link = await linkOf(test, await test.grant(), url);
    expect(link).not.toContain('_link');
    expect(link).toBe(url.replace(/^http:\/\/127\.0\.0\.1:3003\/r4(?=\/)/, ours));
  });

  it('in a header is one of ours too, and no URL of the payer’s is in a header', async () => {
    const test = fetchGateway();
    const { token } = await test.grant({ scope: 'patient/*.rs' });
    const linkIn = async (link: string, path = 'Observation') => {
      test.payer.http = async () => fhir({ resourceType: 'Bundle' }, { headers: { link } });
      const { headers } = await read(test.deps, path, token);
      expect(JSON.stringify(headers)).not.toMatch(/3003|elsewhere/);
      return headers['Link'];
    };

    const given = await linkIn(
      `<${payer}?_page=9>; title="a, <b>"; rel="last help", </r4?_page=2>; rel=Next; crossorigin, <${payer}/docs>; rel="help", <https://elsewhere.example/r4?_page=1>; rel="prev"`,
    );
    const [next = '', last = ''] = given?.match(/http[^>]*/g) ?? [];
    expect(given).toBe(`<${next}>; rel="next", <${last}>; rel="last"`);
    for (const [link, url] of [
      [next, `${payer}?_page=2`],
      [last, `${payer}?_page=9`],
    ] as const) {
      expect((await follow(test, token, link)).statusCode).toBe(200);
      expect(test.payer.requests.at(-1)?.url).toBe(url);
    }
    expect(await linkIn(`<${payer}?_page=2>; rel=next`, 'Observation/1')).toBeUndefined();
    const long = await linkIn(`<${payer}?_page=${'2'.repeat(4900)}>; rel=next, <${payer}?_page=1>; rel=first`);
    expect(long).toMatch(/^<[^>]{6000,}>; rel="next"$/);
    expect(test.log().at(-1)).not.toHaveProperty('unsealedLinks');
    // Without a next link, this page would look like the last one.
    const lostLink = `<${ours}?_link=unavailable>; rel="next"`;
    for (const lost of [
      `<${payer}?_page=${'2'.repeat(5100)}>; rel=next`,
      `${payer}?_page=2; rel=next`,
      '<https://elsewhere.example/r4?_page=2>; rel=next',
      `<${payer}?_page=2>; rel=next; anchor="#other"`,
    ]) {
      expect(await linkIn(lost)).toBe(lostLink);
      expect(test.log().at(-1)).toMatchObject({ unsealedLinks: 1 });
    }
    const beside = await linkIn(`<${payer}?_page=1>; rel=first, <https://elsewhere.example>; rel=next`);
    expect(beside).toMatch(/^<[^>]*_link=unavailable>; rel="next", <[^>]*>; rel="first"$/);
    const two = await linkIn(`<https://elsewhere.example>; rel=next, <${payer}?_page=2>; rel=next`);
    expect(two).toMatch(/^<[^>]*_link=[\w-]{50,}>; rel="next"$/);
    expect(await linkIn(`<${payer}?_page=2>; rel=next-page`)).toMatch(/^<[^>]*_link=[\w-]{50,}>; rel="next"$/);
    const before = test.payer.requests.length;
    const told = await read(test.deps, '', token, { query: '_link=unavailable' });
    expect([told.statusCode, issueOf(told).diagnostics]).toEqual([400, expect.stringContaining('may not be all')]);
    expect(test.payer.requests).toHaveLength(before);
    expect(await linkIn(`${payer}/license; rel=license`)).toBeUndefined();
    expect(await linkIn(`<${payer}/license>; rel=license; anchor="#other"`)).toBeUndefined();
    expect(test.log().at(-1)).not.toHaveProperty('unsealedLinks');
  });

  it.each([
    ...words('links Link Links _links'),
    ...words('next Next nextPage next-page next_page nextLink nextUrl page pages paging pagination previous last'),
  ])('in %s, which FHIR does not have, is one of ours too', async (name) => {
    const test = fetchGateway();
    const { token } = await test.grant({ scope: 'patient/*.rs' });
    const url = `${payer}/Observation?_page=2`;
    for (const value of [url, { next: url }, [{ relation: 'next', url }], { next: { href: url } }]) {
      test.payer.http = async () => fhir({ resourceType: 'Bundle', [name]: value, entry: [] });
      const text = JSON.stringify((await read(test.deps, 'Observation', token)).json());
      expect(text).not.toContain(payer);
      const [link = ''] = /http[^"]*/.exec(text) ?? [];
      expect((await follow(test, token, link)).statusCode).toBe(200);
      expect(test.payer.requests.at(-1)?.url).toBe(url);
    }
    // In a resource it is content.
    const patient = fhir({ resourceType: 'Patient', id: 'patient-1', [name]: [{ url }] });
    test.payer.http = async () => patient;
    expect((await read(test.deps, 'Patient/patient-1', token)).json()).toMatchObject({ [name]: [{ url }] });
  });

  it('with the relation self stays readable', async () => {
    const test = fetchGateway();
    const url = `${payer}/Observation?code=1`;
    expect(await linkOf(test, await test.grant(), url, { relation: 'self' })).toBe(`${ours}/Observation?code=1`);
  });

  it('is not a link in a resource that is read, even if that is a Bundle', async () => {
    const test = fetchGateway();
    const url = `${payer}/Condition?x`;
    expect(await linkOf(test, await test.grant(), url, { path: 'Bundle/1' })).toBe(`${ours}/Condition?x`);
  });

  it('leads from page to page, for the same types', async () => {
    const test = fetchGateway();
    const grant = await test.grant({ scope: observations });
    let link = await linkOf(test, grant, `${payer}?_getpages=a&_offset=1`);
    for (const offset of [2, 3, 4]) {
      const query = link.slice(link.indexOf('?') + 1);
      link = await linkOf(test, grant, `${payer}?_getpages=a&_offset=${offset}`, { path: '', query });
    }
    expect((await follow(test, grant.token, link)).statusCode).toBe(200);
    expect(test.payer.requests.map(({ url }) => url.slice(payer.length))).toEqual(
      words(`
      /Observation ?_getpages=a&_offset=1 ?_getpages=a&_offset=2 ?_getpages=a&_offset=3 ?_getpages=a&_offset=4
    `),
    );
    expect(test.log().at(-1)).toMatchObject({ interaction: 'page Observation', status: 200 });
  });

  it('of a search by POST is followed by GET', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.payer.http = async () => bundleWith('?_page=2');
    const answer = await read(test.deps, 'Observation/_search', grant.token, { method: 'POST', form: { code: 'x' } });
    const { url } = (answer.json() as Links).link[0]!;
    expect((await follow(test, grant.token, url)).statusCode).toBe(200);
    expect(test.payer.requests.at(-1)).toMatchObject({
      url: `${payer}/Observation/_search?_page=2`,
      init: { method: 'GET' },
    });
  });

  it('reveals nothing of the payer’s URL, and differs each time', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    const url = `${payer}/Observation?patient=patient-1`;
    const links = [await linkOf(test, grant, url), await linkOf(test, grant, url)];
    expect(new Set(links).size).toBe(2);
    for (const link of links) {
      expect(Buffer.from(link.slice(link.indexOf('=') + 1), 'base64url').toString('latin1')).not.toMatch(/Obs|patient/);
    }
  });

  it('of 5,000 bytes fits beside the other headers; one byte more passes unsealed, is counted, and cannot be followed', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    const longest = `${payer}?${'a'.repeat(5000 - payer.length - 1)}`;
    const include = 'Observation:subject Observation:performer Observation:focus Observation:has-member'.split(' ');
    const query = `_include=${include.join(',')}`;
    const link = await linkOf(test, grant, longest, { query });
    expect(link.length).toBeLessThan(8000);
    expect((await follow(test, grant.token, link)).statusCode).toBe(200);
    const tooLong = await linkOf(test, grant, `${longest}a`);
    expect(tooLong).toBe(`${longest}a`.replace(payer, ours));
    expect(test.log().at(-1)).toMatchObject({ unsealedLinks: 1, status: 200 });
    const { statusCode } = await read(test.deps, '', grant.token, { query: tooLong.slice(ours.length + 1) });
    expect(statusCode).toBe(400);
    expect(test.payer.requests).toHaveLength(3);
  });

  it('may come with the format parameters that clients add, and with nothing else', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    const link = await linkOf(test, grant, `${payer}?_getpages=a`);
    const query = link.slice(link.indexOf('?') + 1);
    const asked = async (more: string) => {
      test.payer.requests.length = 0;
      const answer = await read(test.deps, '', grant.token, { query: more });
      return { answer, sent: test.payer.requests.map(({ url }) => url) };
    };
    for (const more of [`${query}&_format=json`, `_format=application/fhir%2Bjson&${query}&_pretty=true`]) {
      const { answer, sent } = await asked(more);
      expect(answer.statusCode).toBe(200);
      expect(sent).toEqual([`${payer}?_getpages=a`]);
    }
    expect((await asked(`${query}&_format=xml`)).answer.statusCode).toBe(406);
    for (const name of ['_getpages', '_count', '_type', 'patient', '_LINK', '_link', 'x'.repeat(1000)]) {
      const { answer, sent } = await asked(`${query}&${name}=secret`);
      expect(answer.statusCode).toBe(400);
      expect(issueOf(answer).diagnostics).toContain(`"${name.slice(0, 64)}`);
      expect(issueOf(answer).diagnostics).toContain('Follow a page link as it is.');
      expect(answer.text).not.toContain('secret');
      expect(sent).toEqual([]);
    }
    expect((await read(test.deps, 'Observation', grant.token, { query })).statusCode).toBe(400);
  });
});

describe('who may follow a page link', () => {
  it.each([
    ['patient/Observation.rs', 'Observation', '', 200],
    ['patient/*.rs', 'Observation', '', 200],
    ['patient/Observation.r', 'Observation', '', 403],
    ['patient/Condition.rs', 'Observation', '', 403],
    ['patient/Observation.rs patient/Specimen.r', 'Observation', '_include=Observation:specimen', 200],
    ['patient/Observation.rs', 'Observation', '_include=Observation:specimen', 403],
    ['patient/Observation.rs patient/Condition.rs', '', '_lastUpdated=2020', 403],
    ['patient/Patient.rs patient/Observation.rs', 'Patient/patient-1/$everything', '', 403],
    ['patient/*.rs', 'Patient/patient-1/$everything', '', 200],
    ['patient/Patient.r', 'Patient/patient-1/_history', '', 200],
  ])('with a scope of %s now, a page of %s?%s gives %i', async (scope, path, query, expected) => {
    const test = fetchGateway();
    const grant = await test.grant();
    const link = await linkOf(test, grant, `${payer}?_getpages=a`, { path, query });
    const item = test.dynamo.items('Grants').get(grant.grantId)!;
    Object.assign(item, { accessScope: { S: scope } });
    const answer = await follow(test, grant.token, link);
    expect(answer.statusCode).toBe(expected);
    expect(test.payer.requests).toHaveLength(expected === 200 ? 2 : 1);
    if (expected === 403) expect(answer.headers['WWW-Authenticate']).toContain('insufficient_scope');
  });

  it.each([
    [`${payer}/Condition?_page=2`, 403],
    [`${payer}/Condition/1`, 403],
    [`${payer}/Patient/patient-1/Condition?_page=2`, 403],
    [`${payer}/Patient/patient-1/$everything?_page=2`, 403],
    [`${payer}/Observation?_Include[]=Observation:encounter`, 403],
    [`${payer}/Observation/$lastn?_page=2`, 403],
    [`${payer}/Observation/_x/../../Condition?_page=2`, 403],
    [`${payer}/Observation/_x/%2e%2e/%2E%2e/Condition?_page=2`, 403],
    [`${payer}/Observation\\..\\Condition?_page=2`, 403],
    [`${payer}/x/../../r4/Condition?_page=2`, 403],
    [`${payer}/Condition;v=1?_page=2`, 403],
    [`${payer}/x/..%2fCondition?_page=2`, 403],
    [`${payer}/..%2fr4/Condition?_page=2`, 403],
    [`${payer}/Observation;jsessionid=1?_page=2`, 200],
    [`${payer}/Condition%2F1`, 403],
    [`${payer}/Condition%5c1`, 403],
    [`${payer}/Condition/../Observation?_page=2`, 200],
    [`${payer}?_getpages=a&_type=Condition`, 403],
    [`${payer}/Observation?_include=Observation:encounter`, 403],
    [`${payer}/Observation?_revinclude=Provenance:target`, 403],
    [`${payer}?_getpages=a&_type=Observation`, 200],
    [`${payer}/Observation?_include=Observation:has-member:Observation&ct=x`, 200],
    [`${payer}/Patient/patient-1/Observation?_page=2`, 200],
  ])('with a token for Observation alone, a payer’s link that is %s gives %i', async (url, expected) => {
    const { answer, requested } = await followed(url, {}, observations);
    expect(answer.statusCode).toBe(expected);
    expect(requested).toHaveLength(expected === 200 ? 1 : 0);
  });

  it.each([
    [`${payer}/Patient/patient-2/Observation?_page=2`, 403],
    [`${payer}/Patient/patient-2`, 403],
    [`${payer}/x/Patient/patient-2/y`, 403],
    [`${payer}/%50atient/patient-2`, 403],
    [`${payer}/%2550atient/patient-2`, 403],
    [`${payer}/Patient%2Fpatient-2`, 403],
    [`${payer}/Patient%252Fpatient-2`, 403],
    [`${payer}/Patient%5Cpatient-2`, 403],
    [`${payer}/Patient\\patient-2`, 403],
    [`${payer}/Patient/x/../patient-2`, 403],
    [`${payer}/x/../../r4/Observation?patient=patient-2`, 403],
    [`${payer}/Patient;x/patient-2/$everything`, 403],
    [`${payer}/Patient/patient-1/..%2fpatient-2/$everything`, 403],
    [`${payer}/Patient/patient-1/%252e%252e/patient-2`, 403],
    [`${payer}/..%2fr4?_getpages=a`, 403],
    [`${payer}/Observation;?patient=patient-2`, 403],
    [`${payer}?_getpages=a&patient=patient-2`, 403],
    [`${payer}?_getpages=a&subject:Patient=patient-1,patient-2`, 403],
    [`${payer}/$x?patient=patient-2`, 403],
    [`${payer}?_getpages=a&patient=patient-1`, 200],
    [`${payer}/Patient/./patient-2`, 403],
    [`${payer}/Patient/patient-1/../patient-2/Observation`, 403],
    [`${payer}/Observation?patient=patient-2&_page=2`, 403],
    [`${payer}/Observation?subject=Patient/patient-2&_page=2`, 403],
    [`${payer}?_getpages=a&q=Observation%3Fsubject%3DPatient%2Fpatient-2`, 403],
    [`${payer}/Patient?_id=patient-2`, 403],
    // Names that a payer may read as the parameter that they are nearly spelled like.
    [`${payer}/Observation?patient[]=patient-2`, 403],
    [`${payer}/Observation?%20patient=patient-2`, 403],
    [`${payer}/Observation?%2570atient=patient-2`, 403],
    [`${payer}/Observation?code=x;patient=patient-2`, 403],
    [`${payer}/Observation?PATIENT.identifier=patient-2`, 403],
    [`${payer}/Patient?_ID[]=patient-2`, 403],
    [`${payer}/Coverage?beneficiary[]=patient-2`, 403],
    [`${payer}/?_type=Patient&_id=patient-2`, 403],
    [`${payer}/?_TYPE=Observation,Patient&_id=patient-2`, 403],
    [`${payer}/?_type=Observation,Patient&link=patient-2`, 403],
    [`${payer}/Observation?patient[]=patient-1;SUBJECT=Patient/patient-1&Page.Id=patient-2&_format=json;x=1`, 200],
    [`${payer}/?_type=Patient,Observation&_id=patient-1&_page=patient-2`, 200],
    [`${payer}/Patient/patient-1/Observation?_page=2`, 200],
    [`${payer}/Observation?patient=patient-1&subject=Patient/patient-1&identifier=x&_page=patient-2`, 200],
    [`${payer}/Patient/_search?_id=patient-1`, 200],
    [`${payer}?_getpages=a&page.token=x&-pageContext=1&a[]=2&identifier=3`, 200],
  ])('with a grant for one member, a payer’s link that is %s gives %i', async (url, expected) => {
    const { answer, requested } = await followed(url);
    expect(answer.statusCode).toBe(expected);
    expect(requested).toHaveLength(expected === 200 ? 1 : 0);
  });

  it('no one without a token, or with a token of another payer', async () => {
    const test = fetchGateway();
    const link = await linkOf(test, await test.grant(), `${payer}?_getpages=a`);
    const query = link.slice(link.indexOf('?') + 1);
    const elsewhere = await test.grant({ payer: 'demo-health-plan' });
    expect((await read(test.deps, '', undefined, { query })).statusCode).toBe(401);
    expect((await read(test.deps, '', elsewhere.token, { query })).statusCode).toBe(401);
    const atOther = await read(test.deps, '', elsewhere.token, { query, payer: 'demo-health-plan' });
    expect([atOther.statusCode, issueOf(atOther).diagnostics]).toEqual([400, expect.stringContaining(damaged)]);
    expect(test.payer.requests).toHaveLength(1);
  });

  it('no other grant, even of the same member, partner and payer', async () => {
    const test = fetchGateway();
    const [mine, other] = [await test.grant(), await test.grant()];
    const link = await linkOf(test, mine, `${payer}?_getpages=a`);
    const answer = await follow(test, other.token, link);
    expect([answer.statusCode, issueOf(answer).diagnostics]).toEqual([400, expect.stringContaining(damaged)]);
    // Not even with the same key, since the link is bound to the grant.
    const items = test.dynamo.items('Grants');
    Object.assign(items.get(other.grantId)!, { linkKey: items.get(mine.grantId)!['linkKey'] });
    expect((await follow(test, other.token, link)).statusCode).toBe(400);
    expect((await follow(test, mine.token, link)).statusCode).toBe(200);
  });

  it('no one after the grant has ended', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    const link = await linkOf(test, grant, `${payer}?_getpages=a`);
    Object.assign(test.dynamo.items('Grants').get(grant.grantId)!, { revokedAt: { N: '1' } });
    expect((await follow(test, grant.token, link)).statusCode).toBe(401);
  });

  it('no partner with a link that it made: any other key, every cut and every flipped bit is refused', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    const types = [{ type: '*', needs: 'rs' }] as const;
    const minted = sealPage(
      { rest: '/Condition', types },
      { grantId: grant.grantId, linkKey: grant.grantKey },
      randomBytes(12),
    );
    const link = await linkOf(test, grant, `${payer}?_getpages=a`);
    const token = link.slice(link.indexOf('=') + 1);
    const bytes = Buffer.from(token, 'base64url');
    const flipped = Array.from({ length: bytes.length * 8 }, (_none, bit) => {
      const copy = Buffer.from(bytes);
      copy[bit >> 3]! ^= 1 << (bit & 7);
      return copy.toString('base64url');
    });
    const cut = Array.from({ length: token.length }, (_none, length) => token.slice(0, length));
    const last = Array.from(
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
      (letter) => token.slice(0, -1) + letter,
    );
    const odd = [minted!, `${token}=`, `${token}A`, ` ${token}`, `${token}\n`, token.toUpperCase(), 'null', '=', '%00'];
    for (const one of [...flipped, ...cut, ...last.filter((other) => other !== token), ...odd]) {
      const answer = await read(test.deps, '', grant.token, { query: new URLSearchParams({ _link: one }).toString() });
      expect([one, answer.statusCode]).toEqual([one, 400]);
      expect(issueOf(answer).diagnostics).toContain(damaged);
    }
    expect(test.payer.requests).toHaveLength(1);
    expect((await follow(test, grant.token, link)).statusCode).toBe(200);
  });
});

describe('a grant of version 0.1, which has no link key', () => {
  const old = async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    delete test.dynamo.items('Grants').get(grant.grantId)!['linkKey'];
    test.dynamo.calls();
    return { test, grant };
  };

  it('gets one with its first pages, by one write, and keeps it', async () => {
    const { test, grant } = await old();
    const link = await linkOf(test, grant, `${payer}?_getpages=a`);
    expect(test.dynamo.calls()).toEqual(['GetItem', 'UpdateItem']);
    expect((await follow(test, grant.token, link)).statusCode).toBe(200);
    expect(test.dynamo.calls()).toEqual(['GetItem']);
  });

  it('needs none to read a resource', async () => {
    const { test, grant } = await old();
    test.payer.http = async () => fhir({ resourceType: 'Patient' });
    expect((await read(test.deps, 'Patient/patient-1', grant.token)).statusCode).toBe(200);
    expect(test.dynamo.calls()).toEqual(['GetItem']);
  });

  it('has one key, however many reads start together', async () => {
    const { test, grant } = await old();
    const links = await Promise.all(
      Array.from({ length: 10 }, () => linkOf(test, grant, `${payer}/Observation?_page=2`)),
    );
    for (const link of links) expect((await follow(test, grant.token, link)).statusCode).toBe(200);
  });
});
