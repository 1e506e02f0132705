import { factsFrom, type CatalogedPayer } from './fact.ts';
import { anthemIsSlow, apiEvangelist, fastenDefinition, fastenForAll } from './sources.ts';

const collected = (path: string) =>
  apiEvangelist('elevance-health', '70d0fb623b127251b1cb3bcf08289838b600f764', path, '2026-09-07');
const conventions = collected('conventions/elevance-health-conventions.yml');

const authentication = factsFrom(collected('authentication/elevance-health-authentication.yml'));
const discovery = factsFrom(collected('well-known/elevance-health-totalview-smart-configuration.json'));
const client = factsFrom(fastenDefinition('anthem', '2025-11-20'));

export const elevance: CatalogedPayer = {
  id: 'elevance-anthem-blue-cross',
  displayName: 'Elevance Health (Anthem Blue Cross)',
  environment: 'production',
  status: 'published, not tried',
  facts: [
    authentication(
      'fhirBaseUrl',
      'https://totalview.healthos.elevancehealth.com/resources/registered/AnthemBlueCross/api/v1/fhir',
      'Each of thirteen brands has a base of its own behind one authorization server: secretOf.',
    ),
    discovery(
      'authorizationEndpoint',
      'https://totalview.healthos.elevancehealth.com/oauth2.code/registered/api/v1/authorize',
    ),
    discovery('tokenEndpoint', 'https://totalview.healthos.elevancehealth.com/client.oauth2/registered/api/v1/token'),
    discovery(
      'clientAuthentication',
      'private_key_jwt',
      'It lists client_secret_basic, client_secret_post and client-public too.',
    ),
    discovery(
      'scopes',
      ['launch/patient', 'patient/*.read', 'offline_access'],
      'Even so, its grant types lack refresh_token.',
    ),
    discovery('patientFrom', 'token', 'It lists context-standalone-patient.'),
    discovery('quirks.pkce', true),
    factsFrom(fastenForAll)('quirks.aud', true),
    client('everything', true),
    client('quirks.fhirMediaType', 'application/json+fhir'),
    authentication(
      'consentLifetime',
      90 * 86_400,
      'Document IO105 v15.0 of 2025-11-18: then the member consents again.',
    ),
  ],
  missing: [{ field: 'quirks.timeToFirstByte', why: '$everything is reported to be slow, without a number' }],
  remarks: [
    { text: '$everything sends no header before clients give up.', source: anthemIsSlow },
    { text: 'Failures before FHIR come as a JSON of its own, not as OperationOutcome.', source: conventions },
    {
      text: 'The older Patient360 is DSTU2, which the gateway does not read.',
      source: collected('authentication/elevance-health-authentication.yml'),
    },
  ],
};
