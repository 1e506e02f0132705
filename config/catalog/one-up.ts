import { factsFrom, type CatalogedPayer } from './fact.ts';

const page = factsFrom({
  url: 'https://docs.1up.health/help-center/Content/en-US/get-started/cms-patient-access/p-to-p.html',
  date: '2026-11-26',
});

/** For plans that are not customers and ask about members who have left a customer. */
const forPlans = {
  url: 'https://docs.1up.health/help-center/Content/en-US/payer-to-payer_0057/p2p-implementation-payers.html',
  date: '2026-12-01',
};

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
  missing: [
    { field: 'everything', why: 'the page names no operation' },
    {
      field: 'exchange',
      why: "its page for other plans shows a client id with a secret, $member-match of one member and a bulk $export; nothing that was read has PDex's $bulk-member-match, or a signed assertion",
    },
  ],
  remarks: [
    {
      text: 'Other plans get a token by client_credentials at https://gateway.1up.health/auth/realms/dev-portal/protocol/openid-connect/token, for $member-match and a bulk export; its sandbox has a tenant for that.',
      source: forPlans,
    },
  ],
};
