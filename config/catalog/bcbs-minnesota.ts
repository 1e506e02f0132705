import { factsFrom, type CatalogedPayer } from './fact.ts';

const source = { url: 'https://fhir-developer.bluecrossmn.com/smart-on-fhir', date: '2026-11-30' };
const page = factsFrom(source);

export const bcbsMinnesota: CatalogedPayer = {
  id: 'bcbs-minnesota',
  displayName: 'Blue Cross and Blue Shield of Minnesota',
  environment: 'production',
  status: 'published, not tried',
  facts: [
    page('quirks.pkce', false, 'Its authorization server does not support PKCE; ask it, since it takes requests.'),
  ],
  missing: [
    { field: 'fhirBaseUrl', why: 'the page links to it for registered developers' },
    { field: 'authorizationEndpoint', why: 'it is in the well-known document, which was not read' },
    { field: 'tokenEndpoint', why: 'it is in the well-known document, which was not read' },
    { field: 'clientAuthentication', why: 'apps get a client id and a secret, but no method is named' },
    { field: 'scopes', why: 'it follows the SMART App Launch Framework; the scopes were not read' },
    { field: 'patientFrom', why: 'no source says that the token answer names the patient' },
    { field: 'quirks.aud', why: 'the page does not say whether aud is wanted' },
  ],
  remarks: [{ text: 'Sandbox and production each have an authorization server.', source }],
};
