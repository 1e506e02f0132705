import { factsFrom, type CatalogedPayer } from './fact.ts';

const source = { url: 'https://devportal-dev.blueshieldca.com/bsc/fhir-sandbox/subscribeapi', date: '2026-11-30' };
const page = factsFrom(source);

export const blueShieldCalifornia: CatalogedPayer = {
  id: 'blue-shield-california',
  displayName: 'Blue Shield of California',
  environment: 'sandbox',
  status: 'published, not tried',
  facts: [
    page('authorizationEndpoint', 'https://dev-ext.blueshieldca.com/as/authorization.oauth2'),
    page('tokenEndpoint', 'https://dev-ext.blueshieldca.com/as/token.oauth2'),
    page('clientAuthentication', 'client_secret_basic'),
    page('scopes', ['interop', 'openid'], 'Neither names a resource type.'),
    page('quirks.aud', false, 'The documented request has none.'),
    page('quirks.redirectUriAtToken', false, 'The documented token request has only the code.'),
  ],
  missing: [
    { field: 'fhirBaseUrl', why: 'the page that was read does not name it' },
    { field: 'patientFrom', why: 'there is an id_token, but no source says which of its members names the patient' },
    { field: 'quirks.pkce', why: 'public clients are taken, but the documented request has no challenge; ask it' },
    { field: 'grantedScope', why: 'if it grants interop in place of resource types, asRequested is needed; ask it' },
  ],
  remarks: [],
};
