import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generateRecords } from '../../sandbox/payer/data/generate.ts';
import { sendBundle } from '../../sandbox/payer/fhir/respond.ts';
import { createFhirApi } from '../../sandbox/payer/fhir/server.ts';
import type { FhirApi } from '../../sandbox/payer/fhir/server.ts';

interface Answer {
  resourceType: string;
  id: string;
  total: number;
  issue: { code: string; diagnostics: string }[];
  link: { relation: string; url: string }[];
  entry?: { fullUrl: string; resource: { resourceType: string; id: string }; search: { mode: string } }[];
}

const [member1, member2] = generateRecords();
if (!member1 || !member2) throw new Error('two members expected');
const me = `Patient/${member1.patientId}`;

let server: Server;
let base: string;

beforeAll(async () => {
  let api: FhirApi | undefined;
  // In these tests the bearer is the member's own id.
  server = createServer((request, response) => {
    const patientId = request.headers.authorization?.replace('Bearer ', '');
    void api?.(request, response, patientId === undefined ? undefined : { patientId });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/r4`;
  const oauth = { authorize: 'http://payer/authorize', token: 'http://payer/token' };
  api = createFhirApi([member1, member2], { baseUrl: base, oauth });
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

const ask = (path: string, init: RequestInit = {}, patientId = member1?.patientId): Promise<Response> => {
  const url = path.startsWith('http') ? path : `${base}/${path}`;
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${patientId}`);
  return fetch(url, { ...init, headers });
};

const read = async (path: string, init: RequestInit = {}): Promise<Answer> => {
  const response = await ask(path, init);
  return (await response.json()) as Answer;
};

const total = async (path: string): Promise<number> => (await read(path)).total;
const modes = ({ entry = [] }: Answer): string[] =>
  entry.map(({ resource, search }) => `${search.mode} ${resource.resourceType}`);
const next = (bundle: Answer): string | undefined => bundle.link.find(({ relation }) => relation === 'next')?.url;

describe('reading', () => {
  it('answers GET Patient with exactly the member, and no next page', async () => {
    const bundle = await read('Patient');
    expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: 1 });
    expect(bundle.entry).toEqual([expect.objectContaining({ fullUrl: `${base}/${me}`, search: { mode: 'match' } })]);
    expect(bundle.link).toEqual([{ relation: 'self', url: `${base}/Patient` }]);
  });

  it("answers a read with the resource's source text, version and time", async () => {
    const response = await ask(me);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
    expect(response.headers.get('etag')).toBe('W/"1"');
    expect(response.headers.get('last-modified')).toMatch(/^Thu, 01 Oct 2020/);
    expect(response.headers.get('content-location')).toBe(`${base}/${me}/_history/1`);
    expect(await response.text()).toBe(member1.resources.find((text) => text.includes('"resourceType":"Patient"')));
    const unchanged = await ask(me, { headers: { 'if-none-match': 'W/"1"' } });
    expect(unchanged.status).toBe(304);
  });

  it('keeps decimals as they were written', async () => {
    const text = await (await ask('Observation?code=5671-3')).text();
    expect(text).toContain('"value":1.00,"unit":"ug/dL"');
  });

  it('resolves absolute references and attachment URLs against its base', async () => {
    const text = await (await ask('DocumentReference')).text();
    expect(text).toContain(`"reference":"${base}/${me}"`);
    expect(text).toContain(`"url":"${base}/Binary/`);
    expect(text).not.toContain('{{');
  });

  it('serves a Binary in its own format, or as a resource if FHIR is requested', async () => {
    const { entry } = await read('Binary?_count=1');
    const path = `Binary/${entry?.[0]?.resource.id}`;
    const own = await ask(path);
    expect(own.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(own.headers.get('cache-control')).toBe('private, no-cache');
    expect(await own.text()).toMatch(/^Emergency department Note/);
    const resource = await read(path, { headers: { accept: 'application/fhir+json' } });
    expect(resource).toMatchObject({ resourceType: 'Binary' });
  });

  it('has one version of everything', async () => {
    const history = await read(`${me}/_history`);
    expect(history).toMatchObject({ type: 'history', total: 1 });
    expect(history.entry).toMatchObject([{ response: { location: `${base}/${me}/_history/1`, etag: 'W/"1"' } }]);
    expect((await ask(`${me}/_history/1`)).status).toBe(200);
    expect((await ask(`${me}/_history/2`)).status).toBe(404);
  });

  it('answers HEAD without a body, with the length of the GET', async () => {
    const search = await ask('Observation', { method: 'HEAD' });
    expect([search.status, await search.text()]).toEqual([200, '']);
    const one = await ask(me, { method: 'HEAD' });
    expect([one.status, await one.text()]).toEqual([200, '']);
    expect(one.headers.get('content-length')).toBe((await ask(me)).headers.get('content-length'));
  });

  it('generates no entry for a HEAD', async () => {
    const made: string[] = [];
    const entries = (function* entriesMade() {
      made.push('one');
      yield { fullUrl: '', text: '{}', beside: {} };
    })();
    const response = { writeHead: () => {}, end: () => {} } as unknown as ServerResponse;
    const head = { method: 'HEAD', headers: {} } as IncomingMessage;
    await sendBundle(head, response, { type: 'searchset', total: 1, links: [], entries });
    expect(made).toEqual([]);
  });

  it.each([
    ['a resource', me, {}, 200],
    ['an unchanged one', me, { 'if-none-match': 'W/"1"' }, 304],
    ['a search', 'Observation?_count=1', {}, 200],
    ['an error', 'Foo', {}, 404],
    ['metadata', 'metadata', {}, 200],
  ])('marks %s as private, and names what it varies by', async (_title, path, headers, status) => {
    const answer = await ask(path, { headers });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('cache-control')).toBe('private, no-cache');
    expect(answer.headers.get('vary')).toBe('Accept, Authorization');
  });
});

describe('searching', () => {
  it('pages through everything exactly once by following next, 50 per page', async () => {
    const ids: string[] = [];
    const sizes: number[] = [];
    for (let url: string | undefined = 'Observation'; url !== undefined;) {
      const bundle: Answer = await read(url);
      sizes.push(bundle.entry?.length ?? 0);
      ids.push(...(bundle.entry ?? []).map(({ resource }) => resource.id));
      url = next(bundle);
      if (url) expect(url.startsWith(`${base}/Observation?_page=`)).toBe(true);
    }
    const count = await total('Observation?_summary=count');
    expect(sizes.slice(0, -1).every((size) => size === 50)).toBe(true);
    expect(new Set(ids).size).toBe(count);
    expect(ids).toHaveLength(count);
  });

  it('repeats the search in the links of its pages', async () => {
    const first = await read('Observation?category=vital-signs&category=vital-signs&_count=7');
    const second = await read(next(first) ?? '');
    expect(second.entry).toHaveLength(7);
    expect(second.total).toBe(first.total);
    const [self, previous] = second.link;
    expect(self?.url).toContain('category=vital-signs&category=vital-signs&_count=7&_page=');
    expect(previous).toEqual({ relation: 'previous', url: first.link[0]?.url });
  });

  it.each([
    ['a token', 'Observation?code=8302-2', 18],
    ['a token with its system', 'Observation?code=http://loinc.org|8302-2', 18],
    ['a token of another system', 'Observation?code=http://snomed.info/sct|8302-2', 0],
    ['alternatives', 'Observation?code=8302-2,29463-7', 36],
    ['two parameters at once', 'Observation?code=8302-2&date=2011', 6],
    ['a code', 'Patient?gender=female', 1],
    ['an identifier', 'Patient?identifier=https://health-plan.example/member-id|01-testmemid', 1],
    ['a parameter of US Core', 'Patient?race=2106-3', 1],
    ['a relative reference', `Observation?patient=${me}&code=8302-2`, 18],
    ['an id as a reference', `Observation?patient=${member1.patientId}&code=8302-2`, 18],
    ['a typed reference', `Observation?subject:Patient=${member1.patientId}&code=8302-2`, 18],
    ['a day', 'Patient?birthdate=2011-01-04', 1],
    ['dates before', 'Immunization?date=lt2011-01-03', 0],
    ['a stretch of dates', 'Immunization?date=ge2011-03-01&date=le2011-03-31', 5],
    ['a period', 'CarePlan?date=2014', 0],
    ['a period that touches', 'CarePlan?date=ge2015-01', 2],
    ['the beginning of a name, without accents', 'Practitioner?name=nunez', 1],
    ['an exact name', 'Practitioner?name:exact=nunez', 0],
    ['a part of a name', 'Practitioner?name:contains=konk', 1],
    ['a quantity', 'Observation?code=5671-3&value-quantity=1.00|http://unitsofmeasure.org|ug/dL', 2],
    ['a quantity of another unit', 'Observation?value-quantity=gt0||furlong', 0],
    ['what is not', 'Condition?clinical-status:not=active', 13],
    ['what is missing', 'Condition?abatement-date:missing=true', 5],
    ['ids', `Patient?_id=${member1.patientId},x`, 1],
    ['the time of loading', 'Patient?_lastUpdated=gt2020-11', 0],
    ['a profile', 'Observation?_profile=http://hl7.org/fhir/us/core/StructureDefinition/us-core-smokingstatus', 3],
    ['a chain', 'Observation?subject.family=vene&code=8302-2', 18],
    ['a typed chain', 'Encounter?location:Location.name=back', 3],
    ['a reverse chain', 'Specimen?_has:Observation:specimen:code=777-3', 1],
    ['a type that the member has nothing of', 'ExplanationOfBenefit', 0],
  ])('finds by %s', async (_title, path, expected) => {
    expect(await total(`${path}${path.includes('?') ? '&' : '?'}_summary=count`)).toBe(expected);
  });

  it('accepts an absolute reference below its base', async () => {
    expect(await total(`Observation?patient=${base}/${me}&code=8302-2`)).toBe(18);
  });

  it('sorts, and puts resources without a value last', async () => {
    const { entry = [] } = await read('Observation?code=8302-2&_sort=-date');
    const dates = entry.map(({ resource }) => (resource as unknown as { effectiveDateTime: string }).effectiveDateTime);
    expect(dates).toEqual(dates.toSorted().toReversed());
    for (const order of ['abatement-date', '-abatement-date']) {
      const conditions = await read(`Condition?_sort=${order}`);
      const has = (conditions.entry ?? []).map(({ resource }) => 'abatementDateTime' in resource);
      // Five have none.
      expect([has.indexOf(false), has.lastIndexOf(true)]).toEqual([has.length - 5, has.length - 6]);
    }
  });

  it('includes what matches refer to, and what refers to them', async () => {
    const reports = await read('DiagnosticReport?code=58410-2&_include=DiagnosticReport:result');
    expect(reports.total).toBe(1);
    expect(modes(reports)).toEqual(['match DiagnosticReport', ...Array<string>(5).fill('include Observation')]);
    const iterated =
      'DiagnosticReport?code=58410-2&_include=DiagnosticReport:result&_include:iterate=Observation:specimen';
    expect(modes(await read(iterated))).toContain('include Specimen');
    const patient = await read('Patient?_revinclude=Goal:patient');
    expect(modes(patient)).toEqual(['match Patient', ...Array<string>(3).fill('include Goal')]);
    expect(modes(await read('MedicationRequest?_count=1&_include=MedicationRequest:subject:Group'))).toHaveLength(1);
  });

  it('searches by POST, which keeps identifiers out of URLs', async () => {
    const body = new URLSearchParams({ code: '8302-2', _count: '5' });
    const bundle = await read('Observation/_search', { method: 'POST', body });
    expect(bundle.total).toBe(18);
    expect((await read(next(bundle) ?? '')).entry).toHaveLength(5);
  });

  it('uses the parameters of both the URL and the form', async () => {
    const body = new URLSearchParams({ date: '2011' });
    expect((await read('Observation/_search?code=8302-2', { method: 'POST', body })).total).toBe(6);
  });

  it('accepts a posted search of a type or of the compartment, and of nothing else', async () => {
    const body = new URLSearchParams({ code: '8302-2' });
    expect((await read(`${me}/Observation/_search`, { method: 'POST', body })).total).toBe(18);
    for (const path of [me, `${me}/$everything`, `${me}/_history`, `${me}/_history/1`]) {
      expect((await ask(`${path}/_search`, { method: 'POST', body: new URLSearchParams() })).status).toBe(404);
    }
  });

  it('searches the member’s compartment', async () => {
    expect(await total(`${me}/Observation?code=8302-2`)).toBe(18);
    expect(await total(`${me}/Practitioner`)).toBe(0);
  });

  it('answers $everything on one page, or in pages', async () => {
    const all = await read(`${me}/$everything`);
    expect(all.entry).toHaveLength(member1.resources.length);
    expect(next(all)).toBeUndefined();
    const paged = await read(`${me}/$everything?_count=100&_type=Observation`);
    expect(paged.entry).toHaveLength(100);
    const rest = await read(next(paged) ?? '');
    const ids = [paged, rest].flatMap(({ entry = [] }) => entry.map(({ resource }) => resource.id));
    expect(ids).toHaveLength(paged.total);
    expect(new Set(ids).size).toBe(paged.total);
    expect(await total(`${me}/$everything?_since=2021-01-01`)).toBe(0);
  });
});

describe('unsupported requests', () => {
  it.each([
    [404, 'not-supported', 'Foo'],
    [404, 'not-supported', ''],
    [404, 'not-supported', 'metadata/more'],
    [404, 'not-found', 'Patient/nobody'],
    [404, 'not-found', `Patient/${member2.patientId}`],
    [404, 'not-found', `Patient/${member2.patientId}/Observation`],
    [404, 'not-found', `Patient/${member2.patientId}/$everything`],
    [404, 'not-found', 'Observation/glucose-000001'],
    [404, 'not-found', `${me}/$summary`],
    [404, 'not-found', `${me}/_history/1/more`],
    [400, 'not-supported', 'Patient?shoe-size=38'],
    [400, 'not-supported', 'Patient?gender:above=female'],
    [400, 'not-supported', 'Patient?_sort=shoe-size'],
    [400, 'not-supported', 'Patient?_include=Patient:shoe'],
    [400, 'not-supported', 'Encounter?_has:Immunization:none:status=completed'],
    [400, 'not-supported', 'Patient?_summary=text'],
    [400, 'not-supported', `${me}/$everything?start=2011`],
    [400, 'invalid', 'Patient?birthdate=yesterday'],
    [400, 'invalid', 'Patient?birthdate:missing=perhaps'],
    [400, 'invalid', 'Observation?value-quantity=much'],
    [400, 'invalid', 'Patient?_count=many'],
    [400, 'invalid', 'Patient?_page=7'],
    [400, 'invalid', 'Patient?_include=Patient'],
    [400, 'invalid', 'Patient?gender.x=1'],
    [400, 'invalid', 'Patient?_has:Observation=1'],
    [400, 'invalid', 'Patient/%E0%A4%A'],
    [406, 'not-supported', 'Patient?_format=xml'],
  ])('get %i %s for %s', async (status, code, path) => {
    const response = await ask(path);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
    expect(await response.json()).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code }] });
  });

  it('include every write', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const response = await ask('Patient', { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('GET, HEAD');
    }
  });

  it('include posted bodies that are not forms, and endless forms', async () => {
    const json = await ask('Patient/_search', {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(json.status).toBe(415);
    const body = new URLSearchParams({ name: 'x'.repeat(70_000) });
    expect((await ask('Patient/_search', { method: 'POST', body })).status).toBe(413);
  });

  it('include Accept headers for XML, but none for FHIR JSON, JSON or anything', async () => {
    for (const accept of ['application/fhir+json', 'application/json;q=0.9', '*/*']) {
      expect((await ask('Patient', { headers: { accept } })).status).toBe(200);
    }
    expect((await ask('Patient', { headers: { accept: 'application/fhir+xml' } })).status).toBe(406);
  });
});

describe('access to records', () => {
  it('is open for metadata, which names the authorization server', async () => {
    const response = await fetch(`${base}/metadata`);
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' });
    expect(text).toContain('"url":"authorize","valueUri":"http://payer/authorize"');
    expect(text).toContain('{"name":"race","type":"token"}');
  });

  it('requires a member for everything else', async () => {
    for (const path of ['Patient', 'Foo', me]) {
      const response = await fetch(`${base}/${path}`);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  it("is limited to the member's own record", async () => {
    const mine = (await ask('Observation?_count=1000')).text();
    expect(await mine).not.toContain(member2.patientId);
    const theirs = await ask('Patient', {}, member2.patientId);
    expect(((await theirs.json()) as Answer).entry?.map(({ resource }) => resource.id)).toEqual([member2.patientId]);
    expect(await total(`Observation?patient=${member2.patientId}`)).toBe(0);
  });
});
