import { factsFrom, type CatalogedPayer } from './fact.ts';

const source = {
  url: 'https://www.bluecrossnc.com/policies-best-practices/notification-information-other-payers/api-access-payers/developer-sandbox-payer-to-payer',
  date: '2026-11-30',
};
const page = factsFrom(source);

export const bcbsNorthCarolina: CatalogedPayer = {
  id: 'bcbs-north-carolina',
  displayName: 'Blue Cross and Blue Shield of North Carolina',
  environment: 'sandbox',
  status: 'published, not tried',
  facts: [
    page('fhirBaseUrl', 'https://apiservicessb-ext.bcbsnc.com/fhir/sb/R4/payer-to-payer', 'Of its payer-to-payer API.'),
    page(
      'authorizationEndpoint',
      'https://oauthp2psb.bcbsnc.com/CMSP2PMemberSB/sps/oauth/oauth20/authorize',
      'Patient Access has its own, at https://oauthsb.bcbsnc.com/fhirmember/sps/oauth/oauth20/authorize.',
    ),
    page('scopes', ['openid', 'read', 'profile', 'clinical'], 'None names a resource type.'),
    page('quirks.aud', false, 'The documented request has none.'),
    page('quirks.pkce', true, 'For apps without a secret; described for others, too.'),
  ],
  missing: [
    { field: 'tokenEndpoint', why: 'the part of the page that was read shows the authorize request only' },
    { field: 'clientAuthentication', why: 'web applications are confidential clients, but no method is named' },
    {
      field: 'patientFrom',
      why: 'the page speaks of FHIRUser, but shows no token answer; ask which member names the patient',
    },
    {
      field: 'exchange',
      why: 'its payer-to-payer API is opened by a member who signs in; nothing that was read has an operation for plans’ systems',
    },
    { field: 'grantedScope', why: 'if it grants clinical in place of resource types, asRequested is needed; ask it' },
  ],
  remarks: [{ text: 'A member says whether they act for themselves or as a personal representative.', source }],
};
