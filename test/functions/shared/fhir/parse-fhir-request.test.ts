import { parseFhirRequest } from '../../../../functions/shared/fhir/parse-fhir-request.ts';
import { parseSearchPath } from '../../../../functions/shared/fhir/search-path.ts';
import { payerUrl } from '../../../../functions/shared/fhir/to-payer-url.ts';
import { words } from '../../../support/words.ts';
import { parse, refusal } from './requests.ts';

const needsOf = (line: string) => parse(line).types.map(({ type, needs }) => `${type}.${needs}`);
const refused = (line: string, options?: { everything: boolean }) => {
  const { status, issueType, publicMessage } = refusal(() => parse(line, options));
  expect(publicMessage).toMatch(/^[A-Z].*\.$/);
  return `${status} ${issueType}`;
};

describe('interactions', () => {
  it.each([
    ['GET /Patient/1', 'read', 'Patient.r'],
    ['GET /Patient/1/', 'read', 'Patient.r'],
    ['GET /Binary/a.b~c_d-e?_format=text/plain', 'read', 'Binary.r'],
    ['GET /Observation/.a', 'read', 'Observation.r'],
    [`GET /Patient/${'1'.repeat(128)}`, 'read', 'Patient.r'],
    ['GET /Patient/1/_history/2', 'vread', 'Patient.r'],
    ['GET /Binary/1/_history/2?_format=text/plain', 'vread', 'Binary.r'],
    ['GET /Patient/1/_history', 'history-instance', 'Patient.r'],
    ['GET /Observation/_history?_since=2020', 'history-type', 'Observation.s'],
    ['GET /Observation', 'search-type', 'Observation.s'],
    ['GET /Observation?code=1&code=2', 'search-type', 'Observation.s'],
    ['POST /Observation/_search code=1', 'search-type', 'Observation.s'],
    ['POST /Observation/_search?_count=1', 'search-type', 'Observation.s'],
    ['GET /Patient/1/Observation?code=1', 'search-compartment', 'Observation.s'],
    ['GET /Patient/1/*', 'search-compartment', '*.s'],
    ['GET /Patient/1/$everything?_since=2020', 'everything', '*.rs'],
    ['GET /?_id=1', 'search-system', '*.s'],
    ['GET /?_count=10', 'search-system', '*.s'],
    // A payer may ignore `_type`: one type is asked for by its path, and several need what all types need.
    ['GET /?_type=Patient', 'search-type', 'Patient.s'],
    ['GET /?_type=Patient&name=x&_type=Patient', 'search-type', 'Patient.s'],
    ['GET /?_type=Patient,Person&name=x', 'search-system', '*.s Patient.s Person.s'],
    ['GET /Patient/1/$everything?_type=Condition', 'everything', '*.rs Condition.s'],
  ])('%s is a %s and needs %s', (line, interaction, needs) => {
    expect(parse(line).interaction).toBe(interaction);
    expect(needsOf(line).join(' ')).toBe(needs);
  });

  it('of the profile’s operations are reads of one patient by GET, and need what each returns', () => {
    const operations = { 'generate-insurance-card': ['Coverage', 'Patient'], all: ['*'] };

    expect(parse('GET /Patient/1/$generate-insurance-card?_format=json', { operations })).toMatchObject({
      interaction: 'operation',
      resourceType: 'Patient',
      id: '1',
      types: [
        { type: 'Coverage', needs: 'rs' },
        { type: 'Patient', needs: 'rs' },
      ],
      segments: ['Patient', '1', '$generate-insurance-card'],
    });
    expect(parse('GET /Patient/1/$all', { operations }).types).toEqual([{ type: '*', needs: 'rs' }]);
    for (const line of [
      'GET /Patient/$all',
      'GET /Coverage/1/$all',
      'GET /$all',
      'GET /Patient/1/$constructor',
      'POST /Patient/1/$all',
      'GET /Patient/1/$all/x',
      'GET /Patient/1/$all?patient=2',
    ]) {
      expect(() => parse(line, { operations })).toThrow();
    }
  });

  it('keeps path, query and form unchanged', () => {
    expect(parse('POST /Observation/_search?_count=2 code=a|b&code=c')).toEqual({
      interaction: 'search-type',
      method: 'POST',
      resourceType: 'Observation',
      searched: ['Observation'],
      types: [{ type: 'Observation', needs: 's' }],
      segments: ['Observation', '_search'],
      query: [['_count', '2']],
      form: [
        ['code', 'a|b'],
        ['code', 'c'],
      ],
    });
    expect(parse('GET /Patient/1')).toMatchObject({ resourceType: 'Patient', id: '1', method: 'GET' });
    expect(parse('GET /Patient/1')).not.toHaveProperty('form');
  });

  it('asks for one type by its path', () => {
    expect(parse('GET /?_type=Observation&code=a&_type=Observation&date=2020')).toMatchObject({
      resourceType: 'Observation',
      segments: ['Observation'],
      query: [
        ['code', 'a'],
        ['date', '2020'],
      ],
    });
  });

  it('does not read a form with GET', () => {
    const request = parseFhirRequest({
      method: 'GET',
      segments: ['Patient'],
      query: [],
      form: [['_id', '2']],
      everything: true,
    });
    expect(request).not.toHaveProperty('form');
  });
});

describe('what is refused', () => {
  /** By status and issue type, and by method. */
  const refusals: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    '405 not-supported': {
      PUT: '/Patient/1 /Patient/_search',
      POST: `
        / /Patient /Patient/1 /Patient/_search/1 /_search /Patient/1/Observation/_search /Patient/$match
        /Patient/1/$everything
      `,
      DELETE: '/Patient/1',
      PATCH: '/Patient/1',
      HEAD: '/Patient/1',
      get: '/Patient/1',
      GET: `
        /$export /Patient/1/$export /Observation/$lastn /Patient/$everything /Patient/$match /Patient/1/$member-match
        /Patient/$x/$everything /Encounter/1/$everything /Patient/_search?_id=1
      `,
    },
    '404 not-supported': {
      GET: `
        /Patient/1/$everything/x / /metadata /_history /patient/1 /Nonsense /Encounter/1/Observation
        /Patient/1/Nonsense /Patient/1/Observation/2 /Patient/1/_history/2/3
      `,
      POST: '/Nonsense/_search',
    },
    '400 invalid': {
      GET: `
        /. /.. /a%2Fb /Patient/.. /Patient/. /Patient/1/.. /Patient/1/a%2Fb /Patient/1/_history/..
        /Patient/1/_history/_x /Patient/_history/1 /Patient/_search/1 /Patient/%2e%2e /Patient/a%2Fb /Patient/a%00
        /Patient/a%5Cb /Patient/a;b /Patient/a%3Fb /Patient/_foo /Patient/* /Patient/a$b /Patient//1
        /Patient/${'1'.repeat(129)} /?_type=Nonsense /?_type=patient /?_type= /Patient/1/$everything?_type=Patient,x
      `,
    },
    '406 not-supported': { GET: '/Patient?_format=xml /Patient?_format=json&_format=ttl /Binary?_format=xml' },
    '400 not-supported': {
      GET: `
        /Patient?_filter=name%20eq%20x /Patient?_query=current /Observation?subject._filter=x
        /Patient?_has:Observation:patient:_filter=x
      `,
    },
  };

  it.each(
    Object.entries(refusals).flatMap(([expected, byMethod]) =>
      Object.entries(byMethod).flatMap(([method, paths]) =>
        words(paths).map((path) => [`${method} ${path}`, expected]),
      ),
    ),
  )('%s is %s', (line = '', expected = '') => {
    expect(refused(line)).toBe(expected);
  });

  it('refuses what is wrong in a form as in a query', () => {
    expect(refused('POST /Patient/_search _format=html')).toBe('406 not-supported');
  });

  it.each([
    ['PUT /Patient/_search', 'This server is read-only: GET, or POST to {type}/_search and Patient/$export.'],
    ['GET /Patient/$match', 'Of the operations only Patient/{id}/$everything and Patient/$export are supported.'],
    ['GET /Observations', 'FHIR R4 has no resource type "Observations". The nearest is Observation.'],
    ['GET /patient', 'FHIR R4 has no resource type "patient". The nearest is Patient.'],
    ['GET /Patient/1/Nonsense', 'FHIR R4 has no such resource type.'],
    ['GET /Encounter/1/Observation', 'This server has no such path.'],
    ['GET /Patient?_filter=x', 'The gateway cannot check "_filter"; use search parameters.'],
    ['GET /?_type=x', 'FHIR R4 has no such resource type.'],
  ])('says why %s is refused: %s', (line, message) => {
    expect(refusal(() => parse(line)).publicMessage).toBe(message);
  });

  // RFC 9110 §10.2.1, §15.5.6: the methods that the path takes.
  it.each([
    ['POST /_search', 'GET, OPTIONS'],
    ['POST /Patient', 'GET, OPTIONS'],
    ['PUT /Patient/_search', 'POST, OPTIONS'],
    ['GET /Patient/_search', 'POST, OPTIONS'],
    ['PUT /Patient/$export', 'GET, POST, OPTIONS'],
    ['PUT /Foo/$export', 'OPTIONS'],
    ['GET /Foo/$export', 'OPTIONS'],
    ['POST /$export', 'OPTIONS'],
    ['POST /Group/$bulk-member-match', 'OPTIONS'],
    ['PUT /Group/1/$davinci-data-export', 'OPTIONS'],
    ['POST /Patient/1/$everything', 'GET, OPTIONS'],
    ['GET /Patient/1/$other', 'OPTIONS'],
  ])('%s is 405, and Allow names %s', (line, allow) => {
    const told = { status: 405, headers: { Allow: allow } };
    expect(() => parse(line)).toThrow(expect.objectContaining(told) as Error);
  });

  it('refuses $everything if the payer does not have it', () => {
    expect(refused('GET /Patient/1/$everything', { everything: false })).toBe('405 not-supported');
  });

  it.each(['\uD800', '\u0000', '\u0085'])('refuses text that a payer may fail on: %j', (text) => {
    const query = [['gender', text]] as const;
    expect(
      refusal(() => parseFhirRequest({ method: 'GET', segments: ['Patient'], query, everything: true })).status,
    ).toBe(400);
  });

  it.each([
    ...words(`
      json application/json application/fhir%2Bjson application/fhir+json application/fhir%2Bjson;%20fhirVersion=4.0
      application/json%20;%20charset=utf-8 JSON
    `),
    '',
  ])('treats _format=%s as JSON', (format) => {
    expect(parse(`GET /Patient?_format=${format}`).interaction).toBe('search-type');
  });
});

describe('parseSearchPath', () => {
  it.each(['subject.na\nme', '_has:Observation:patient:co\nde'])('never ignores the rest of the name %j', (name) => {
    expect(refusal(() => parseSearchPath(name, ['Patient'])).status).toBe(400);
  });
});

describe('types that a search can return or must search', () => {
  it.each([
    ['_include=Observation:specimen', 'Specimen.r'],
    ['_include=Observation:encounter', 'Encounter.r EpisodeOfCare.r'],
    ['_include=Observation:subject', 'Device.r Group.r Location.r Patient.r'],
    ['_include=Observation:subject:Patient', 'Patient.r'],
    ['_include=observation:SUBJECT:patient', 'Patient.r'],
    ['_include:iterate=Encounter:location', 'Location.r'],
    ['_include:recurse=Encounter:location', 'Location.r'],
    ['_include=Observation:specimen,%20Observation:device', 'Specimen.r Device.r DeviceMetric.r'],
    ['_include=*', '*.r'],
    ['_include=Observation:*', '*.r'],
    ['_include=Observation:nonsense', '*.r'],
    ['_include=Nonsense:subject', '*.r'],
    ['_include=*:subject:Observation', '*.r'],
    ['_include=::Observation', '*.r'],
    ['_include=Observation', '*.r'],
    ['_include=', '*.r'],
    ['_include=Observation:subject:Nonsense', '*.r'],
    ['_include=Observation:subject:*', '*.r'],
    ['_include=Provenance:target', '*.r'],
    ['_include=Provenance:target:Observation', 'Observation.rs'],
    ['_revinclude=Provenance:target', 'Provenance.s'],
    ['_revinclude:iterate=Provenance:target:Observation', 'Provenance.s'],
    ['_revinclude=*', '*.s'],
    ['_revinclude=Nonsense:target', '*.s'],
    ['_include=Observation:specimen&_revinclude=Specimen:patient', 'Specimen.rs'],
    ['_include=Observation:specimen&_include=Observation:specimen', 'Specimen.r'],
    ['specimen.type=x', 'Specimen.s'],
    ['subject:Patient.name=x', 'Patient.s'],
    ['subject:Patient.organization.name=x', 'Patient.s Organization.s'],
    ['encounter.patient.name=x', 'Encounter.s EpisodeOfCare.s Patient.s'],
    ['subject._id=x', 'Device.s Group.s Location.s Patient.s'],
    ['_has:Provenance:target:agent=1', 'Provenance.s'],
    ['_has:Provenance:target:_has:AuditEvent:entity:agent=1', 'Provenance.s AuditEvent.s'],
    ['encounter:Encounter._has:Flag:encounter:author:Patient.name=1', 'Encounter.s Flag.s Patient.s'],
    ['_list=42', 'List.s'],
    ['_contained=true', '*.s'],
    ['_contained=both&_containedType=container', '*.s'],
    ['_contained=false', ''],
    ['_sort=', ''],
    ['_sort=-date,code', ''],
    ['_sort=has-member.code', 'MolecularSequence.s QuestionnaireResponse.s'],
    ['_sort=-specimen.type,code', 'Specimen.s'],
    ['subject=Patient/1&code:in=x&_elements=id&_count=5&_total=none', ''],
  ])('besides Observation, Observation?%s needs %s', (query, others) => {
    const needs = needsOf(`GET /Observation?${query}`);
    const own = others === 'Observation.rs' ? [] : ['Observation.s'];
    expect(needs).toEqual([...own, ...others.split(' ').filter((need) => need !== '')]);
  });

  it('reads a form like a query', () => {
    expect(needsOf('POST /Observation/_search _include=Observation:specimen')).toEqual(['Observation.s', 'Specimen.r']);
  });
});

const gatewayBase = 'https://gateway.example/r4/payer';
const base = 'https://payer.example/r4';
const url = (line: string, from = base) => payerUrl({ fhirBaseUrl: from }, parse(line), { gatewayBase });

const goals = 'https://goals.example/fhir';
const furtherBases = [{ fhirBaseUrl: goals, types: ['Goal'] }];

describe('payerUrl', () => {
  it.each([
    ['GET /Patient/1', `${base}/Patient/1`],
    ['GET /Patient/1/', `${base}/Patient/1`],
    ['GET /Patient/1/$everything', `${base}/Patient/1/$everything`],
    ['GET /Patient/1/*?_count=1', `${base}/Patient/1/*?_count=1`],
    ['GET /?_id=a', `${base}?_id=a`],
    ['GET /Observation?code=b&date=ge1&code=a&date=lt2', `${base}/Observation?code=b&date=ge1&code=a&date=lt2`],
    ['GET /Observation?code=http://loinc.org|1-2,x', `${base}/Observation?code=http://loinc.org%7C1-2,x`],
    ['GET /Observation?_has:Provenance:target:agent=1', `${base}/Observation?_has:Provenance:target:agent=1`],
    ['GET /Patient?name=%26a%3D%2B%23%3F+%25%C3%AB', `${base}/Patient?name=%26a%3D%2B%23%3F%20%25%C3%AB`],
    ['GET /Patient?name', `${base}/Patient?name=`],
  ])('%s goes to %s', (line, expected) => {
    expect(url(line)).toEqual({ method: 'GET', url: expected });
  });

  it('accepts a trailing slash of the base', () => {
    expect(url('GET /Patient/1', `${base}/`)).toEqual({ method: 'GET', url: `${base}/Patient/1` });
  });

  it.each([
    [`${gatewayBase}/Patient/1`, `${base}/Patient/1`],
    [gatewayBase, base],
    [`a,${gatewayBase}/Patient/1,${gatewayBase}?x`, `a,${base}/Patient/1,${base}?x`],
    [`${gatewayBase}2/Patient/1`, `${gatewayBase}2/Patient/1`],
    [`x${gatewayBase}/Patient/1`, `x${gatewayBase}/Patient/1`],
  ])('replaces the base in the value %s with the payer’s', (value, expected) => {
    const query = new URLSearchParams({ subject: value }).toString();
    const sent = new URL(url(`GET /Observation?${query}`).url).searchParams.get('subject');
    expect(sent).toBe(expected);
    const { body } = url(`POST /Observation/_search ${query}`);
    expect(new URLSearchParams(body).get('subject')).toBe(expected);
  });

  it.each([
    ['GET /Goal/1', '/Goal/1'],
    ['GET /Goal/1/_history/2', '/Goal/1/_history/2'],
    ['GET /Goal?_count=1', '/Goal?_count=1'],
    ['GET /?_type=Goal', '/Goal'],
    ['GET /Patient/1/Goal', '/Patient/1/Goal'],
    [`GET /Goal?subject=${gatewayBase}/Patient/1`, `/Goal?subject=${goals}/Patient/1`],
    [`GET /Goal?x=${gatewayBase}/Condition/1`, `/Goal?x=${base}/Condition/1`],
    ['GET /Patient/1', undefined],
    ['GET /Patient/1/Condition', undefined],
  ])('where Goals have a base of their own, %s is sent there, or to the first', (line, below) => {
    const { url: sent } = payerUrl({ fhirBaseUrl: base, furtherBases }, parse(line.replace('x=', 'subject=')), {
      gatewayBase,
    });

    expect(sent).toBe(below === undefined ? base + line.slice('GET '.length) : goals + below.replace('x=', 'subject='));
  });

  it('sends a form beside a query, in order', () => {
    expect(url('POST /Observation/_search?_count=2 code=b&code=a%20c')).toEqual({
      method: 'POST',
      url: `${base}/Observation/_search?_count=2`,
      body: 'code=b&code=a%20c',
    });
    expect(url('POST /Observation/_search')).toEqual({ method: 'POST', url: `${base}/Observation/_search`, body: '' });
  });

  // https://hl7.org/fhir/R4/http.html#search
  it.each([
    ['GET /Observation?code=a&_count=2', 'POST', '/Observation/_search', 'code=a&_count=2'],
    ['GET /Patient/1/Observation?code=a', 'POST', '/Patient/1/Observation/_search', 'code=a'],
    ['GET /?_id=a', 'POST', '/_search', '_id=a'],
    ['POST /Observation/_search?_count=2 code=b', 'POST', '/Observation/_search', '_count=2&code=b'],
    ['GET /Patient/1', 'GET', '/Patient/1', undefined],
    ['GET /Patient/1/$everything?_count=1', 'GET', '/Patient/1/$everything?_count=1', undefined],
    ['GET /Patient/1/_history', 'GET', '/Patient/1/_history', undefined],
  ])('%s is a %s to %s where searches are posted', (line, method, path, body) => {
    const sent = payerUrl({ fhirBaseUrl: base }, parse(line), { gatewayBase, searchMethod: 'POST' });

    expect(sent).toEqual({ method, url: base + path, ...(body === undefined ? {} : { body }) });
  });
});
