import { factsFrom, type CatalogedPayer } from './fact.ts';

const page = factsFrom({
  url: 'https://docs.1up.health/help-center/Content/en-US/get-started/cms-patient-access/p-to-p.html',
  date: '2026-11-26',
});

export const oneUp: CatalogedPayer = {
  id: 'one-up-demo-health-plan',
  displayName: '1upHealth Demo Health Plan',
  environment: 'sandbox',
  status: 'published, not tried',
  facts: [
    page('fhirBaseUrl', 'https://api.1updemohealthplan.com/r4'),
    page('authorizationEndpoint', 'https://auth.1updemohealthplan.com/oauth2/authorize/payer2payer'),
    page('tokenEndpoint', 'https://auth.1updemohealthplan.com/oauth2/token'),
    page('clientAuthentication', 'client_secret_post'),
    page('scopes', [], 'No documented request has a scope.'),
    page('patientFrom', 'search', 'The documented token answer names no patient; GET Patient returns the member.'),
    page('quirks.responseType', false, 'No documented request has response_type, aud or PKCE.'),
    page('quirks.aud', false),
    page('quirks.pkce', false),
    page('quirks.redirectUriAtToken', false),
  ],
  missing: [{ field: 'everything', why: 'the page names no operation' }],
  remarks: [],
};
