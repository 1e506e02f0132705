import middy from '@middy/core';
import { openToAll } from '../../../functions/discovery/cors.ts';
import { discoveryHandler } from '../../../functions/discovery/handler.ts';
import type { ApiEvent, ApiResponse } from '../../../functions/shared/http/api.ts';
import type { RegistryData } from '../../../functions/shared/registry/types.ts';
import { apiEvent, call, startMs, testDeps } from '../../support/gateway.ts';
import { localRegistry, withPayer } from '../../support/login.ts';
import { reference } from '../../support/reference.ts';
import { words } from '../../support/words.ts';

const origin = 'http://localhost:3000';
const base = `${origin}/r4/northwind`;

/** What a partner reads at a route of Northwind's facade, while Northwind itself requires a token. */
const read = async (resource: string, registry: RegistryData = localRegistry()): Promise<unknown> => {
  const { deps, payer } = testDeps({ registry });
  payer.http = async () => new Response('', { status: 401 });
  const { body } = await call(discoveryHandler(deps), apiEvent(resource, { path: { payer: 'northwind' } }));
  return JSON.parse(body);
};

const authentication = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'];
const oauth = {
  authorization_endpoint: `${origin}/oauth2/authorize/northwind`,
  token_endpoint: `${origin}/oauth2/token`,
  token_endpoint_auth_methods_supported: authentication,
  token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
  revocation_endpoint: `${origin}/oauth2/revoke`,
  revocation_endpoint_auth_methods_supported: authentication,
  revocation_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
  introspection_endpoint: `${origin}/oauth2/introspect`,
  introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  introspection_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  code_challenge_methods_supported: ['S256'],
  scopes_supported: words('launch/patient offline_access patient/*.rs patient/*.r patient/*.s patient/*.read'),
};

describe('what a partner app is told before it has a token', () => {
  it('is, in smart-configuration, this and nothing else', async () => {
    expect(await read('/r4/{payer}/.well-known/smart-configuration')).toEqual({
      ...oauth,
      user_access_brand_bundle: 'http://localhost:3000/brands',
      user_access_brand_identifier: { system: 'urn:ietf:rfc:3986', value: base },
      management_endpoint: 'http://localhost:3000/connections/northwind',
      capabilities: words(`
        launch-standalone authorize-post client-public client-confidential-symmetric client-confidential-asymmetric
        context-standalone-patient permission-offline permission-patient permission-v1 permission-v2
        http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export
      `),
    });
  });

  it('is, in the metadata of RFC 8414, the same with an issuer', async () => {
    expect(await read('/.well-known/oauth-authorization-server/r4/{payer}')).toEqual({
      issuer: base,
      ...oauth,
      authorization_response_iss_parameter_supported: true,
    });
  });
});

describe('the statement for a payer that shows none without a token', () => {
  const interaction = [{ code: 'read' }, { code: 'search-type' }];
  const byId = { name: '_id', type: 'token', definition: 'http://hl7.org/fhir/SearchParameter/Resource-id' };
  const byPatient = (type: string) => ({
    type,
    interaction,
    searchParam: [
      byId,
      { name: 'patient', type: 'reference', definition: `http://hl7.org/fhir/SearchParameter/${type}-patient` },
    ],
  });
  const onlyById = (type: string) => ({ type, interaction, searchParam: [byId] });
  const everything = {
    name: 'everything',
    definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything',
  };
  const wholeRecord = {
    name: 'export',
    definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export',
  };
  const instantiates = { instantiates: ['http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data'] };
  const statement = (ofPatient: object, more: object = instantiates) => ({
    ...more,
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2026-11-25',
    kind: 'instance',
    implementation: { description: 'Northwind Health, read through the gateway', url: base },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        documentation:
          'The health plan requires a token for its own capability statement. This is the gateway’s summary: it may list requests that the plan does not answer.',
        security: {
          extension: [
            {
              url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
              extension: [
                { url: 'authorize', valueUri: `${origin}/oauth2/authorize/northwind` },
                { url: 'token', valueUri: `${origin}/oauth2/token` },
                { url: 'revoke', valueUri: `${origin}/oauth2/revoke` },
                { url: 'introspect', valueUri: `${origin}/oauth2/introspect` },
              ],
            },
          ],
          cors: true,
          service: [
            {
              coding: [
                {
                  system: 'http://terminology.hl7.org/CodeSystem/restful-security-service',
                  code: 'SMART-on-FHIR',
                  display: 'SMART-on-FHIR',
                },
              ],
              text: 'OAuth2 using the SMART App Launch profile (see http://docs.smarthealthit.org)',
            },
          ],
        },
        resource: [
          byPatient('AllergyIntolerance'),
          byPatient('CarePlan'),
          byPatient('CareTeam'),
          byPatient('Condition'),
          byPatient('Coverage'),
          byPatient('Device'),
          byPatient('DiagnosticReport'),
          byPatient('DocumentReference'),
          byPatient('Encounter'),
          byPatient('ExplanationOfBenefit'),
          byPatient('Goal'),
          byPatient('Immunization'),
          onlyById('Location'),
          onlyById('Medication'),
          byPatient('MedicationDispense'),
          byPatient('MedicationRequest'),
          byPatient('Observation'),
          onlyById('Organization'),
          { ...onlyById('Patient'), ...ofPatient },
          onlyById('Practitioner'),
          onlyById('PractitionerRole'),
          byPatient('Procedure'),
          byPatient('Provenance'),
        ],
      },
    ],
  });

  it("lists the types of the exchange in order, the searches of each, and a patient's operations", async () => {
    expect(await read('/r4/{payer}/metadata')).toEqual(statement({ operation: [everything, wholeRecord] }));
  });

  it('lists no $everything if the payer has none', async () => {
    const registry = localRegistry();
    const without = registry.payers.map((payer) => ({ ...payer, everything: false }));

    expect(await read('/r4/{payer}/metadata', { ...registry, payers: without })).toEqual(
      statement({ operation: [wholeRecord] }),
    );
  });

  it('declares no export if grants are bound to no patient', async () => {
    const without = withPayer('northwind', { patientFrom: 'none' })(localRegistry());
    expect(await read('/r4/{payer}/metadata', without)).toEqual(statement({ operation: [everything] }, {}));
    const smart = await read('/r4/{payer}/.well-known/smart-configuration', without);
    expect(JSON.stringify(smart)).not.toContain('bulkdata');
  });
});

const start = () => {
  const { deps, lines, payer } = testDeps();
  payer.http = async () => new Response('', { status: 401 });
  const ask = (resource: string, options: { method?: string; payer?: string } = {}, given: Partial<typeof deps> = {}) =>
    call(
      discoveryHandler({ ...deps, ...given }),
      apiEvent(resource, { method: options.method ?? 'GET', path: { payer: options.payer ?? 'northwind' } }),
    );
  return { ask, deps, lines };
};

const errorHeaders = {
  'Access-Control-Allow-Origin': '*',
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'X-Content-Type-Options': 'nosniff',
};
const oauthHeaders = { ...errorHeaders, 'Content-Type': 'application/json' };
const fhirHeaders = { ...errorHeaders, 'Content-Type': 'application/fhir+json' };

describe('a payer that the gateway does not know', () => {
  const text = 'The gateway knows no health plan of this name.';

  it('is reported to an OAuth client in OAuth’s format', async () => {
    const { statusCode, headers, body } = await start().ask('/oauth2/jwks/{payer}', { payer: 'nobody' });

    expect({ statusCode, headers, body: JSON.parse(body) as unknown }).toEqual({
      statusCode: 404,
      headers: oauthHeaders,
      body: { error: 'not_found', error_description: `${text} (reference ${reference})` },
    });
  });

  it('is reported to a FHIR client in FHIR’s', async () => {
    const { statusCode, headers, body } = await start().ask('/r4/{payer}/metadata', { payer: 'nobody' });

    expect({ statusCode, headers, body: JSON.parse(body) as unknown }).toEqual({
      statusCode: 404,
      headers: fhirHeaders,
      body: {
        resourceType: 'OperationOutcome',
        issue: [
          { severity: 'error', code: 'not-found', details: { text }, diagnostics: `${text} (reference ${reference})` },
        ],
      },
    });
  });
});

describe('a payer that an operator has paused', () => {
  const paused = () => {
    const test = testDeps();
    test.stops.set('payer#northwind', { at: 1, by: 'arn:aws:iam::111122223333:user/one', reason: 'Ticket 4711' });
    test.payer.http = async () => Response.json({ resourceType: 'CapabilityStatement', rest: [{ mode: 'server' }] });
    const ask = async (resource: string) =>
      call(discoveryHandler(test.deps), apiEvent(resource, { path: { payer: 'northwind' } }));
    return { ...test, ask };
  };

  it('gets no request for its statement: ours is served, and the log says why', async () => {
    const { ask, payer, lines } = paused();
    const { statusCode, body } = await ask('/r4/{payer}/metadata');

    expect(statusCode).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      resourceType: 'CapabilityStatement',
      implementation: { url: 'http://localhost:3000/r4/northwind' },
    });
    expect(body).toContain('The health plan requires a token for its own capability statement.');
    expect(payer.requests).toEqual([]);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ outcome: 'ok', detail: 'metadata: the payer is paused' });
  });

  it.each([
    '/r4/{payer}/.well-known/smart-configuration',
    '/.well-known/oauth-authorization-server/r4/{payer}',
    '/oauth2/jwks/{payer}',
  ])('is still described at %s, for members who hold a grant', async (resource) => {
    const { ask, deps } = paused();
    const whilePaused = await ask(resource);

    expect(whilePaused.statusCode).toBe(200);
    const { body } = await call(
      discoveryHandler({ ...deps, registry: testDeps().deps.registry }),
      apiEvent(resource, { path: { payer: 'northwind' } }),
    );
    expect(whilePaused.body).toBe(body);
  });
});

describe('an error on the way to a statement', () => {
  const issueOf = ({ body }: { body: string }): unknown =>
    (JSON.parse(body) as { issue: { code: string; diagnostics: string }[] }).issue[0];

  it('is an exception if it is ours, without its cause', async () => {
    const { ask, deps } = start();
    const registry = {
      ...deps.registry,
      payer: async (): Promise<never> => {
        throw new Error('a private reason');
      },
    };
    const response = await ask('/r4/{payer}/metadata', {}, { registry });

    expect(response).toMatchObject({ statusCode: 500, headers: fhirHeaders });
    expect(issueOf(response)).toMatchObject({
      code: 'exception',
      diagnostics: `Something went wrong on our side. (reference ${reference})`,
    });
  });

  it('is not-supported for another method', async () => {
    const response = await start().ask('/r4/{payer}/metadata', { method: 'PUT' });

    expect(response).toMatchObject({ statusCode: 405, headers: { ...fhirHeaders, Allow: 'GET, HEAD' } });
    expect(issueOf(response)).toMatchObject({
      code: 'not-supported',
      diagnostics: `Use GET or HEAD. (reference ${reference})`,
    });
  });
});

it.each(
  words(`
  /r4/{payer}/oauth2/jwks/{kid} /r4/{payer}/.well-known/smart-configuration/else
  /r4/{payer}/.well-known/oauth-authorization-server/else /.well-known/oauth-authorization-server/r4/{payer}/else
  /r4/{payer}/metadata/else /r4/{payer}/metadata-else /oauth2/else/{payer}
`),
)('a path that only contains one of ours is unknown: %s', async (resource) => {
  const { statusCode, headers, body } = await start().ask(resource);

  expect({ statusCode, headers, body: JSON.parse(body) as unknown }).toEqual({
    statusCode: 404,
    headers: oauthHeaders,
    body: { error: 'not_found', error_description: `No such path. (reference ${reference})` },
  });
});

it('a preflight lets every page read with its token along, and is kept for a day', async () => {
  expect(await start().ask('/r4/{payer}/metadata', { method: 'OPTIONS' })).toEqual({
    statusCode: 204,
    headers: {
      Allow: 'GET, HEAD, OPTIONS',
      'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
      'Access-Control-Allow-Headers': 'Authorization, Accept, Content-Type, Cache-Control, If-None-Match, Prefer',
      'Access-Control-Max-Age': '86400',
      'Access-Control-Allow-Origin': '*',
    },
    body: '',
  });
});

it('an unanswered error is not hidden by CORS headers', async () => {
  const unanswered = new Error('unanswered');
  const handler = middy<ApiEvent, ApiResponse>()
    .use(openToAll())
    .handler(async () => {
      throw unanswered;
    });

  await expect(call(handler, apiEvent('/r4/{payer}/metadata'))).rejects.toBe(unanswered);
});

describe('the log line', () => {
  const common = {
    level: 'info',
    time: new Date(startMs).toISOString(),
    function: 'discovery',
    step: 'discovery',
    method: 'GET',
    payer: 'northwind',
    status: 200,
    outcome: 'ok',
  };

  it('says what was requested for which payer', async () => {
    const { ask, lines } = start();
    await ask('/oauth2/jwks/{payer}');

    const line = JSON.parse(lines[0] ?? '') as object;
    expect(line).toMatchObject({ ...common, route: '/oauth2/jwks/{payer}' });
    expect(line).not.toHaveProperty('detail');
  });

  it('says why the payer’s own statement was not served', async () => {
    const { ask, lines } = start();
    await ask('/r4/{payer}/metadata');

    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      ...common,
      route: '/r4/{payer}/metadata',
      detail: 'metadata: status 401',
    });
  });

  const unknown = 'The gateway knows no health plan of this name.';
  it.each([
    ['an unknown payer', '/oauth2/jwks/{payer}', { payer: 'nobody' }, 404, unknown],
    ['an unknown payer’s statement', '/r4/{payer}/metadata', { payer: 'nobody' }, 404, unknown],
    ['another method', '/r4/{payer}/metadata', { method: 'PUT' }, 405, 'Use GET or HEAD.'],
    ['another path', '/r4/{payer}/else', {}, 404, 'No such path.'],
  ])(
    'of a refusal for %s names the payer if there is one, and says why',
    async (_, resource, options, status, detail) => {
      const { ask, lines } = start();
      await ask(resource, options);

      const line = JSON.parse(lines[0] ?? '') as { payer?: string };
      expect(line).toMatchObject({ function: 'discovery', outcome: 'refused', status, detail });
      expect(line.payer).toBe('payer' in options ? undefined : 'northwind');
    },
  );
});
