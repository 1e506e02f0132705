import { fetchHandler } from '../../../../functions/fetch/handler.ts';
import { async, exportGateway, type ExportGateway } from '../../../support/export-gateway.ts';
import { issueOf, read, readEvent, type TestGrant } from '../../../support/fetch-gateway.ts';
import { callStreaming } from '../../../support/stream-handler.ts';

let test: ExportGateway;
let grant: TestGrant;
beforeEach(async () => {
  test = exportGateway();
  grant = await test.grant();
});

const lenient = { ...async, Prefer: 'respond-async, handling=lenient' };
const kickOff = (query: string, headers: Record<string, string> = async) =>
  read(test.deps, 'Patient/$export', grant.token, { query, headers });

const post = (body: unknown, headers: Record<string, string> = async, isBase64Encoded = false) => {
  const event = readEvent('Patient/$export', grant.token, {
    method: 'POST',
    headers: { 'Content-Type': 'application/fhir+json', ...headers },
  });
  const text = typeof body === 'string' ? body : JSON.stringify({ resourceType: 'Parameters', parameter: body });
  return callStreaming(fetchHandler(test.deps), {
    ...event,
    body: isBase64Encoded ? Buffer.from(text).toString('base64') : text,
    isBase64Encoded,
  });
};

describe('a parameter in the query', () => {
  it.each(['application/fhir+ndjson', 'application/ndjson', 'ndjson', 'application/fhir ndjson'])(
    '_outputFormat can be %s',
    async (format) => {
      expect((await kickOff(`_outputFormat=${encodeURIComponent(format)}`)).statusCode).toBe(202);
    },
  );

  it.each(['application/json', 'text/csv', 'ndjson,csv'])(
    '_outputFormat "%s" is a 400 that names it',
    async (format) => {
      const answer = await kickOff(`_outputFormat=${encodeURIComponent(format)}`);
      expect(answer.statusCode).toBe(400);
      expect(issueOf(answer)).toMatchObject({
        code: 'not-supported',
        diagnostics: expect.stringContaining('_outputFormat') as string,
      });
    },
  );

  it('_type may be a list and may be repeated', async () => {
    await kickOff('_type=Patient,%20Observation&_type=Condition,Patient');
    expect(test.requireStored(grant.grantId).types).toEqual(['Patient', 'Observation', 'Condition']);
  });

  // An empty value asks for nothing that can be given: without it the export would be another one.
  it.each([
    ...['_outputFormat', '_type', '_since', '_until', '_typeFilter', '_format', '_pretty', 'patient'].flatMap(
      (name): [string, string][] => [
        [name, `${name}=`],
        [name, `${name}=%20`],
        [name, name],
      ],
    ),
    ['_type', '_type=,'],
    ['_type', '_type=Patient,'],
    ['_type', '_type=Patient&_type='],
  ])('%s that is empty is a 400 that names it, lenient or not: %s', async (name, query) => {
    for (const headers of [async, lenient]) {
      const answer = await kickOff(query, headers);
      expect([answer.statusCode, issueOf(answer).diagnostics]).toEqual([400, expect.stringContaining(name)]);
    }
    const posted = await post([{ name, valueString: '' }], lenient);
    expect(posted.statusCode).toBe(400);
    expect(test.dynamo.items('Exports').size).toBe(0);
  });

  it.each(['Nothing', 'patient', 'Patient,Nothing', '*'])(
    '_type=%s is a 400 that names it, lenient or not',
    async (type) => {
      for (const headers of [async, lenient]) {
        const answer = await kickOff(`_type=${encodeURIComponent(type)}`, headers);
        expect(answer.statusCode).toBe(400);
        expect(issueOf(answer).diagnostics).toContain(`_type names "${type.split(',').at(-1)}",`);
      }
    },
  );

  it.each([
    '2026-01-31T00:00:00Z',
    '2026-01-31T00:00:00.123+01:00',
    '2026-01-31T00:00:00 01:00',
    '2099-01-01T00:00:00Z',
  ])('_since can be %s', async (since) => {
    expect((await kickOff(`_since=${encodeURIComponent(since)}`)).statusCode).toBe(202);
    expect(test.requireStored(grant.grantId).since).toBe(since.replace(' ', '+'));
  });

  it.each(['2026-01-31', 'yesterday', '2026-13-31T00:00:00Z', '2026-02-30T00:00:00Z', '2026-02-28T24:00:00Z', ''])(
    '_since "%s" is a 400 that names it',
    async (since) => {
      const answer = await kickOff(`_since=${since}`, lenient);
      expect(answer.statusCode).toBe(400);
      expect(issueOf(answer).diagnostics).toContain('_since');
    },
  );

  it('_typeFilter whose & is not encoded is a 400 that says so', async () => {
    const answer = await kickOff('_typeFilter=Observation?code=1234-5&date=ge2020');
    expect(answer.statusCode).toBe(400);
    expect(issueOf(answer).diagnostics).toMatch(
      /^"date" is not supported .* _typeFilter, encode that whole value: & is %26\.$/,
    );
  });

  it('_until is an instant, and is kept', async () => {
    const until = '2026-01-31T00:00:00Z';
    expect((await kickOff('_until=2026-01-31', lenient)).statusCode).toBe(400);
    expect((await kickOff(`_until=${until}`)).statusCode).toBe(202);
    expect(test.requireStored(grant.grantId).until).toBe(until);
  });

  it('_typeFilter has searches of types, one or several in a value', async () => {
    const [first, second] = [
      'ExplanationOfBenefit?service-date=ge2021-01-01&status=active,draft',
      'Coverage?status=active',
    ];
    const query = new URLSearchParams([
      ['_typeFilter', `${first},${second}`],
      ['_typeFilter', 'Observation?date=ge2021'],
      ['_typeFilter', second],
    ]);

    expect((await kickOff(query.toString())).statusCode).toBe(202);
    expect(test.requireStored(grant.grantId)).toMatchObject({ filters: [first, second, 'Observation?date=ge2021'] });
  });

  // Bulk Data 2.0.0, "_typeFilter": what a server cannot do is an error, and here it is one for a lenient caller too.
  it.each([
    'x',
    'Observation',
    'Observation?',
    'Nothing?date=ge2020',
    // No search finds those of one member, and without the filter the export would be another one.
    'Organization?name=x',
    'Practitioner?name=x',
    'Location?status=active',
    'Medication?status=active',
    'Observation?nonsense=1',
    'Observation?patient=other',
    'Observation?subject=Patient/other',
    'Observation?encounter.status=x',
    'Observation?_has:Provenance:target:agent=1',
    'Observation?_include=Observation:encounter',
    'Observation?date=',
    'Observation?date=ge2020,Nothing?a=b',
    `Observation?code=${'x'.repeat(1000)}`,
  ])('_typeFilter=%s is a 400 that names it, lenient or not', async (filter) => {
    for (const headers of [async, lenient]) {
      const answer = await kickOff(new URLSearchParams({ _typeFilter: filter }).toString(), headers);
      expect([answer.statusCode, issueOf(answer).diagnostics]).toEqual([400, expect.stringContaining('_typeFilter')]);
    }
    expect(test.dynamo.items('Exports').size).toBe(0);
  });

  it('_typeFilter of a type that _type does not name is a 400', async () => {
    const query = new URLSearchParams({ _type: 'Patient', _typeFilter: 'Coverage?status=active' }).toString();
    expect((await kickOff(query)).statusCode).toBe(400);
  });

  it('_since must not be sent with two values', async () => {
    expect((await kickOff('_since=2026-01-31T00:00:00Z&_since=2026-02-01T00:00:00Z')).statusCode).toBe(400);
  });

  it('that is unknown is a 400 that names it, in safe characters', async () => {
    for (const [query, name] of [
      ['includeAssociatedData=LatestProvenanceResources', '"includeAssociatedData"'],
      ['organizeOutputBy=Patient', '"organizeOutputBy"'],
      ['%3Cscript%3E=1', '"?script?"'],
    ] as const) {
      const answer = await kickOff(query);
      expect(answer.statusCode).toBe(400);
      expect(issueOf(answer)).toMatchObject({
        code: 'not-supported',
        diagnostics: expect.stringContaining(name) as string,
      });
    }
    expect(test.lines.join('')).not.toContain('script');
  });

  it('that is unknown is left out for a lenient caller, and the answer and the manifest say so', async () => {
    const answer = await kickOff('_elements=id&_typeFilters=x&_type=Patient', lenient);
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toMatchObject({
      issue: [{ severity: 'warning', diagnostics: 'The export has started without: _elements, _typeFilters.' }],
    });
    const item = test.requireStored(grant.grantId);
    expect([item.ignored, item.types]).toEqual([['_elements', '_typeFilters'], ['Patient']]);
    await test.end(grant, item, []);
  });

  it('patient is not taken, even from a lenient caller: it would be another record', async () => {
    for (const headers of [async, lenient]) {
      const answer = await kickOff('patient=Patient/patient-1', headers);
      expect(answer.statusCode).toBe(400);
      expect(issueOf(answer).diagnostics).toContain('"patient"');
    }
  });
});

describe('a Parameters body', () => {
  it('is read as bulk-data-client and Inferno send it', async () => {
    const answer = await post([
      { name: '_outputFormat', valueString: 'application/fhir+ndjson' },
      { name: '_since', valueInstant: '2026-01-31T00:00:00Z' },
      { name: '_type', valueString: 'Patient' },
      { name: '_type', valueUri: 'Observation' },
      { name: 'patient', valueReference: { reference: 'Patient/patient-1' } },
    ]);
    expect(answer.statusCode).toBe(202);
    expect(test.requireStored(grant.grantId)).toMatchObject({
      types: ['Patient', 'Observation'],
      since: '2026-01-31T00:00:00Z',
      request: 'http://localhost:3000/r4/northwind/Patient/$export',
    });
  });

  it('may be in base64, or empty', async () => {
    expect((await post('')).statusCode).toBe(202);
    test.dynamo.items('Exports').clear();
    expect((await post([{ name: '_type', valueString: 'Patient' }], async, true)).statusCode).toBe(202);
    expect(test.requireStored(grant.grantId).types).toEqual(['Patient']);
  });

  it('may name the member below our base or the payer’s, and nobody else', async () => {
    const named = async (reference: string) =>
      (await post([{ name: 'patient', valueReference: { reference } }])).statusCode;
    expect(await named('http://localhost:3000/r4/northwind/Patient/patient-1')).toBe(202);
    test.dynamo.items('Exports').clear();
    const payer = await test.deps.registry.payer('northwind');
    expect(await named(`${payer?.fhirBaseUrl}/Patient/patient-1`)).toBe(202);
    test.dynamo.items('Exports').clear();
    for (const slashes of ['//', '///']) {
      expect(await named(`${payer?.fhirBaseUrl}${slashes}Patient/patient-1`)).toBe(202);
      test.dynamo.items('Exports').clear();
    }
    for (const other of [
      'Patient/patient-2',
      'Patient/patient-1/../patient-2',
      'https://else.example/Patient/patient-1',
      `${payer?.fhirBaseUrl}//Patient/patient-2`,
      `${payer?.fhirBaseUrl}///Patient/patient-2`,
    ]) {
      expect(await named(other)).toBe(403);
    }
  });

  it.each([
    ['another resource', '{"resourceType":"Patient"}'],
    ['no JSON', '<Parameters/>'],
    ['a parameter without a name', '{"resourceType":"Parameters","parameter":[{"valueString":"x"}]}'],
    ['a parameter without a value', '{"resourceType":"Parameters","parameter":[{"name":"_type"}]}'],
    ['a parameter with parts', '{"resourceType":"Parameters","parameter":[{"name":"_type","part":[]}]}'],
    ['two values', '{"resourceType":"Parameters","parameter":[{"name":"_type","valueString":"a","valueUri":"b"}]}'],
  ])('with %s is a 400', async (_what, body) => {
    expect((await post(body)).statusCode).toBe(400);
  });

  it('of another content type is a 400', async () => {
    expect((await post([], { ...async, 'Content-Type': 'application/x-www-form-urlencoded' })).statusCode).toBe(400);
  });

  it('has 64 KB at most; one byte more is a 413', async () => {
    const parameters = '{"resourceType":"Parameters"}';
    expect((await post(parameters.padEnd(65_537))).statusCode).toBe(413);
    expect((await post(parameters.padEnd(65_536))).statusCode).toBe(202);
  });

  it('lists twenty of the parameters that it ignores, at most', async () => {
    const names = Array.from({ length: 21 }, (_, at) => `_other${at}`);
    const query = names.map((name) => `${name}=x`).join('&');
    expect((await kickOff(query, lenient)).statusCode).toBe(202);
    expect(test.requireStored(grant.grantId).ignored).toEqual(names.slice(0, 20));
  });
});

describe('what is no kick-off', () => {
  it.each(['$export', 'Group/1/$export', 'Patient/patient-1/$export', 'Observation/$export', 'Patient/$export/1'])(
    '%s is refused',
    async (path) => {
      const answer = await read(test.deps, path, grant.token, { headers: async });
      expect([404, 405]).toContain(answer.statusCode);
    },
  );

  it('is $everything without Prefer: respond-async, or with another preference', async () => {
    test.payer.http = () => Promise.resolve(Response.json({ resourceType: 'Bundle' }));
    for (const headers of [undefined, { Prefer: 'return=minimal' }]) {
      expect(
        (await read(test.deps, 'Patient/patient-1/$everything', grant.token, headers === undefined ? {} : { headers }))
          .statusCode,
      ).toBe(200);
    }
    expect(test.payer.requests).toHaveLength(2);
  });
});
