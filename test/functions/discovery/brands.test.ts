import { gunzipSync } from 'node:zlib';
import { answerBrands } from '../../../functions/discovery/brands/answer-brands.ts';
import { brandsBundle } from '../../../functions/discovery/brands/bundle.ts';
import type { RequestRecord } from '../../../functions/shared/record/request-record.ts';
import type { Directory } from '../../../functions/shared/registry/directory.ts';
import type { Registry } from '../../../functions/shared/registry/registry.ts';
import { createValidator, type ResourceWithMeta } from '../../profiles/validate.ts';
import { apiEvent, call, localData, startMs } from '../../support/gateway.ts';
import { bundleOf, extensionsOf, resourcesOf, rules, type Bundle } from './brands-bundle.ts';
import { directoryOf, stageWith } from './directory-stage.ts';

const asResource = (bundle: object): ResourceWithMeta => bundle as ResourceWithMeta;

const full = {
  id: 'lakeside',
  displayName: 'Lakeside',
  linesOfBusiness: ['Medicaid', 'Marketplace'],
  brand: {
    website: 'https://www.lakeside.example/members?from=app',
    logo: 'https://www.lakeside.example/logo.svg',
    otherNames: ['Lakeside Mutual'],
    identifiers: { payerId: ['LKSD1'], naic: ['12345'], hios: ['54321'], npi: ['1234567893'] },
  },
};
const bare = { id: 'bare', displayName: 'Bare' };

describe('the brands', () => {
  const stage = stageWith([full, bare, { ...full, id: 'other', displayName: 'Other' }]);
  const get: ReturnType<typeof directoryOf>['get'] = (...request) => directoryOf(stage).get(...request);

  it.each(rules)('as a User Access Brands Bundle, %s', async (_rule, holds) => {
    expect(holds(bundleOf(await get('/brands')))).toBe(true);
  });

  it('are valid FHIR R4, the bundle and each resource', async () => {
    const validate = createValidator();
    const bundle = bundleOf(await get('/brands'));

    expect(bundle.entry).toHaveLength(6);
    expect(validate(asResource(bundle))).toEqual([]);
    for (const { resource } of bundle.entry) expect(validate(resource)).toEqual([]);
    expect(validate(asResource({ ...bundle, type: undefined }))).not.toEqual([]);
  });

  it('have all that the configuration says of a payer', async () => {
    const lakeside = resourcesOf(bundleOf(await get('/brands')), 'Organization').find(({ id }) => id === 'lakeside');
    const carin = 'http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType';

    expect(lakeside).toMatchObject({
      name: 'Lakeside',
      alias: ['Lakeside Mutual'],
      telecom: [{ system: 'url', value: 'https://www.lakeside.example/members?from=app' }],
      identifier: [
        { system: 'urn:ietf:rfc:3986', value: 'http://localhost:3000/r4/lakeside' },
        { system: 'urn:ietf:rfc:3986', value: 'https://lakeside.example' },
        { type: { coding: [{ system: carin, code: 'payerid' }] }, value: 'LKSD1' },
        {
          type: { coding: [{ system: carin, code: 'naiccode' }] },
          system: 'urn:oid:2.16.840.1.113883.6.300',
          value: '12345',
        },
        { type: { text: 'HIOS issuer ID' }, value: '54321' },
        { system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' },
      ],
    });
    expect(extensionsOf(lakeside!, 'organization-brand')[0]?.extension).toEqual([
      { url: 'brandLogo', valueUrl: 'https://www.lakeside.example/logo.svg' },
    ]);
    expect(extensionsOf(lakeside!, 'organization-portal')[0]?.extension).toEqual([
      { url: 'portalName', valueString: 'Lakeside' },
      { url: 'portalDescription', valueMarkdown: 'For members of: Medicaid, Marketplace.' },
      { url: 'portalEndpoint', valueReference: { reference: 'Endpoint/lakeside' } },
    ]);
  });

  it('have no more than its name and where to sign in, of a payer that the configuration says no more of', async () => {
    const unknown = resourcesOf(bundleOf(await get('/brands')), 'Organization').find(({ id }) => id === 'bare');
    const extensions = 'http://hl7.org/fhir/StructureDefinition/';

    expect(unknown?.extension).toEqual([
      {
        url: `${extensions}organization-portal`,
        extension: [
          { url: 'portalName', valueString: 'Bare' },
          { url: 'portalEndpoint', valueReference: { reference: 'Endpoint/bare' } },
        ],
      },
    ]);
    expect(unknown?.identifier).toEqual([{ system: 'urn:ietf:rfc:3986', value: 'http://localhost:3000/r4/bare' }]);
    expect(unknown).not.toHaveProperty('alias');
  });

  it('are in the order of their names, and of their ids where two have one name', () => {
    const entries = ['z', 'b', 'a'].map((id) => ({ id, displayName: id === 'z' ? 'First' : 'Second' }));
    const publisher = { origin: 'https://gateway.example', developers: 'https://gateway.example/' };
    const { entry, meta } = brandsBundle(publisher, { entries, version: '1', changedAt: 86_400, isWhole: true });

    expect(entry.map(({ fullUrl }) => fullUrl)).toEqual(
      ['z', 'a', 'b'].flatMap((id) => [
        `https://gateway.example/brands/Organization/${id}`,
        `https://gateway.example/brands/Endpoint/${id}`,
      ]),
    );
    expect(meta).toEqual({ lastUpdated: '1970-01-02T00:00:00.000Z' });
  });

  it('have exactly one Organization for the identifier in each facade’s smart-configuration', async () => {
    const organizations = resourcesOf(bundleOf(await get('/brands')), 'Organization');
    const { getFor } = directoryOf(stageWith([full, bare]));
    const answer = await getFor('lakeside', '/r4/{payer}/.well-known/smart-configuration');
    const told = JSON.parse(answer.body) as {
      readonly user_access_brand_bundle: string;
      readonly user_access_brand_identifier: { readonly system: string; readonly value: string };
    };

    expect(told.user_access_brand_bundle).toBe('http://localhost:3000/brands');
    const { system, value } = told.user_access_brand_identifier;
    const matching = organizations.filter(({ identifier }) =>
      identifier?.some((one) => one.system === system && one.value === value),
    );
    expect(matching.map(({ id }) => id)).toEqual(['lakeside']);
  });

  it('are open to every origin, with the time of the last change', async () => {
    const answer = await get('/brands', {}, { Origin: 'https://anywhere.example' });

    expect(answer).toMatchObject({
      statusCode: 200,
      headers: {
        'Content-Type': 'application/fhir+json',
        'X-Content-Type-Options': 'nosniff',
        'Cache-Control': 'public, max-age=300',
        'Access-Control-Allow-Origin': '*',
        'Access-Control-Expose-Headers': 'ETag',
        Vary: 'Accept-Encoding',
      },
    });
    expect(answer.headers['ETag']).toMatch(/^W\/"[\w-]+"$/);
    expect(bundleOf(answer).timestamp).toBe(new Date(startMs).toISOString());
  });

  it('are gzipped for whoever accepts that, and are the same', async () => {
    const plain = await get('/brands');
    const zipped = await get('/brands', {}, { 'Accept-Encoding': 'gzip, br' });

    expect(zipped.headers['Content-Encoding']).toBe('gzip');
    expect(gunzipSync(zipped.body as unknown as Buffer).toString()).toBe(String(plain.body));
    expect(plain.headers).not.toHaveProperty('Content-Encoding');
  });

  it('name the operator’s website to developers, or the gateway itself', async () => {
    const contactsOf = (bundle: Bundle) => resourcesOf(bundle, 'Endpoint').map(({ contact }) => contact?.[0]?.value);
    const { deps } = directoryOf();
    const website = 'https://operator.example/';
    const answer = await answerBrands({ ...deps, pages: { operator: { name: 'Operator', website } } })(
      apiEvent('/brands'),
      {} as RequestRecord,
    );

    expect(contactsOf(bundleOf(await get('/brands')))[0]).toBe('http://localhost:3000/');
    expect(contactsOf(bundleOf(answer))).toEqual([website, website]);
  });
});

describe('a client’s brands', () => {
  const [first, ...others] = localData().partners;
  const partners = [{ ...first!, payers: ['northwind'] }, ...others];
  const stage = directoryOf({ ...localData(), partners });
  const [limited, unlimited] = partners.map(({ clientId }) => clientId) as [string, string];
  const namesOf = async (query: Record<string, string>) =>
    resourcesOf(bundleOf(await stage.get('/brands', query)), 'Organization').map(({ id }) => id);

  it('are the payers that it may read from, and all without a client', async () => {
    expect(await namesOf({ client_id: limited })).toEqual(['northwind']);
    expect(await namesOf({ client_id: unlimited })).toEqual(['demo-health-plan', 'northwind']);
    expect(await namesOf({})).toEqual(['demo-health-plan', 'northwind']);
  });

  it('have an ETag of their own', async () => {
    const tags = await Promise.all(
      [{}, { client_id: limited }, { client_id: unlimited }].map(
        async (query) => (await stage.get('/brands', query as Record<string, string>)).headers['ETag'],
      ),
    );
    expect(new Set(tags).size).toBe(3);
  });

  it('are refused for a client that is not registered, or named twice', async () => {
    const unknown = await stage.get('/brands', { client_id: '<b>nobody</b>' });
    expect(unknown.statusCode).toBe(400);
    expect(JSON.parse(unknown.body)).toEqual({
      error: 'invalid_request',
      error_description: expect.stringMatching(
        /^No app with this client_id is registered\. Send a registered client_id, or none for every health plan\. \(reference .+\)$/,
      ),
    });
    expect(unknown.body).not.toContain('<b>');

    const named = ['client_id', limited] as const;
    const twice = await call(stage.handler, apiEvent('/brands', { query: [named, named] }));
    expect(twice.statusCode).toBe(400);
    expect(twice.body).toContain('client_id must not be sent more than once.');
  });

  it('are refused for a client that an operator has blocked', async () => {
    stage.stops.set(`partner#${limited}`, { at: 1, by: 'arn', reason: 'leak' });
    const answer = await stage.get('/brands', { client_id: limited });
    stage.stops.clear();

    expect(answer.statusCode).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ error: 'unauthorized_client' });
    expect(JSON.parse(stage.lines.at(-1) ?? '')).toMatchObject({ partner: limited, outcome: 'refused' });
  });
});

describe('the ETag', () => {
  /** A registry whose directory counts how often its entries are looked at. */
  const counted = (registry: Registry) => {
    const looked = { count: 0 };
    const directory = async (clientId?: string): Promise<Directory> => {
      const { entries, ...rest } = await registry.directory(clientId);
      const get = (list: Directory['entries'], name: string | symbol, receiver: unknown): unknown => {
        looked.count += 1;
        return Reflect.get(list, name, receiver);
      };
      return { entries: new Proxy<Directory['entries']>(entries, { get }), ...rest };
    };
    return { looked, registry: { ...registry, directory } };
  };

  it('is answered with 304 if it is current, without a look at any payer', async () => {
    const { deps } = directoryOf();
    const { looked, registry } = counted(deps.registry);
    const answer = answerBrands({ ...deps, registry });
    const first = await answer(apiEvent('/brands'), {} as RequestRecord);
    const tag = first.headers['ETag'] ?? '';
    expect(looked.count).toBeGreaterThan(0);
    looked.count = 0;

    for (const known of [tag, tag.replace('W/', ''), `"other", ${tag}`, '*']) {
      const again = await answer(apiEvent('/brands', { headers: { 'If-None-Match': known } }), {} as RequestRecord);
      expect(again).toMatchObject({ statusCode: 304, body: '', headers: { ETag: tag } });
    }
    expect(looked.count).toBe(0);

    const other = { 'If-None-Match': tag.replace('W/"', '"W/') };
    expect((await answer(apiEvent('/brands', { headers: other }), {} as RequestRecord)).statusCode).toBe(200);
  });

  it('lets a bundle that is kept be sent again without building it', async () => {
    const { deps } = directoryOf();
    const { looked, registry } = counted(deps.registry);
    const answer = answerBrands({ ...deps, registry });
    const first = await answer(apiEvent('/brands'), {} as RequestRecord);
    looked.count = 0;

    expect(await answer(apiEvent('/brands'), {} as RequestRecord)).toEqual(first);
    expect(looked.count).toBe(0);
  });

  it('changes with a payer, so that an older one brings the new bundle', async () => {
    const before = await directoryOf(stageWith([full])).get('/brands');
    const headers = { 'If-None-Match': before.headers['ETag'] ?? '' };
    const after = await directoryOf(stageWith([{ ...full, displayName: 'Lakeside Health' }])).get(
      '/brands',
      {},
      headers,
    );

    expect(after.statusCode).toBe(200);
    expect(after.headers['ETag']).not.toBe(before.headers['ETag']);
  });
});
