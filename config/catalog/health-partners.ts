import { factsFrom, type CatalogedPayer } from './fact.ts';

const smart = { url: 'https://developerportal.healthpartners.com/smart-auth', date: '2026-11-30' };
const page = factsFrom(smart);

export const healthPartners: CatalogedPayer = {
  id: 'health-partners',
  displayName: 'HealthPartners',
  environment: 'production',
  status: 'published, not tried',
  facts: [
    factsFrom({ url: 'https://developerportal.healthpartners.com/patient-access', date: '2026-11-30' })(
      'fhirBaseUrl',
      'https://api-developerportal.healthpartners.com/interop/external/fhir',
    ),
    page('clientAuthentication', 'client_secret_basic', 'Confidential clients only.'),
    page('scopes', ['openid', 'fhirUser', 'launch/patient', 'patient/*.rs'], 'No others are supported.'),
    page('patientFrom', 'token', 'Its gateway requires a patient claim, which launch/patient asks for.'),
    page('quirks.aud', false, 'The documented request has none.'),
  ],
  missing: [
    { field: 'authorizationEndpoint', why: 'it is in smart-configuration below the base, which was not read' },
    { field: 'tokenEndpoint', why: 'it is in smart-configuration below the base, which was not read' },
    { field: 'quirks.pkce', why: 'the documented requests have no challenge, and no sentence speaks of it' },
  ],
  remarks: [{ text: 'It lists no offline_access, so a grant ends with its access token.', source: smart }],
};
