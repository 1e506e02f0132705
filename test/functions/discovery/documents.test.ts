import { discoveryHandler } from '../../../functions/discovery/handler.ts';
import type { RegistryData } from '../../../functions/shared/registry/types.ts';
import { apiEvent, call, testDeps } from '../../support/gateway.ts';
import { localRegistry, withPayer } from '../../support/login.ts';
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
