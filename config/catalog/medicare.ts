import { factsFrom, type CatalogedPayer } from './fact.ts';
import { apiEvangelist, fastenDefinition } from './sources.ts';

const docs = { url: 'https://bluebutton.cms.gov/api-documentation/authorization/', date: '2026-11-26' };
const timeLimits = {
  url: 'https://groups.google.com/g/developer-group-for-cms-blue-button-api/c/ICDomfEUaxY',
  date: '2024-06-04',
};
const pageSizes = {
  url: 'https://groups.google.com/g/developer-group-for-cms-blue-button-api/c/lk8XhTO4g2c',
  date: '2018-03-29',
};
const contract = apiEvangelist(
  'cms-blue-button',
  'bcafda82a8062c0d64f248bef00a7062ff758a2e',
  'openapi/_original/cms-blue-button-openapi.yml',
  '2026-07-11',
);

const serverCode = {
  url: 'https://github.com/CMSgov/bluebutton-web-server/blob/master/apps/dot_ext/views/authorization.py',
  date: '2026-08-21',
};

const documented = factsFrom(docs);
const discovery = factsFrom(
  apiEvangelist(
    'cms',
    '78040a96c96f36ba96e2fabff3a7f1e71cee508d',
    'well-known/cms-bluebutton-sandbox-openid-configuration.json',
    '2026-08-15',
  ),
);
const contractSays = factsFrom(contract);
const client = factsFrom(fastenDefinition('medicare', '2024-01-13'));

export const medicare: CatalogedPayer = {
  id: 'medicare',
  displayName: 'Medicare (CMS Blue Button 2.0)',
  environment: 'sandbox',
  status: 'published, not tried',
  facts: [
    contractSays('fhirBaseUrl', 'https://sandbox.bluebutton.cms.gov/v2/fhir'),
    documented(
      'authorizationEndpoint',
      'https://sandbox.bluebutton.cms.gov/v2/o/authorize/',
      'The discovery document writes it without the last slash.',
    ),
    contractSays('tokenEndpoint', 'https://sandbox.bluebutton.cms.gov/v2/o/token/'),
    discovery('revocationEndpoint', 'https://sandbox.bluebutton.cms.gov/v2/o/revoke_token'),
    discovery('issuer', 'https://sandbox.bluebutton.cms.gov', 'At the origin, not below the FHIR base.'),
    documented('clientAuthentication', 'client_secret_basic', 'Confidential clients only.'),
    contractSays('scopes', [
      'launch/patient',
      'patient/Patient.read',
      'patient/Coverage.read',
      'patient/ExplanationOfBenefit.read',
    ]),
    contractSays('patientFrom', 'token', "Its scope launch/patient puts the patient's id into the token answer."),
    documented('quirks.pkce', true, 'Required, S256 only.'),
    documented('quirks.aud', false, 'No documented request has it.'),
    client('everything', false),
    client(
      'wholeRecord',
      { searches: ['ExplanationOfBenefit', 'Coverage'], pageSize: 50 },
      'Claims only, nothing clinical. The page size is the server’s limit, which its developer group names.',
    ),
    contractSays('pagingParameters', ['startIndex']),
  ],
  missing: [],
  remarks: [
    {
      text: 'Version 3 answers an app with a token of CLEAR or ID.me (client_credentials, IAL2): https://sandbox.bluebutton.cms.gov/v3/o/token/. A 401 with status_code and message means no match; refreshes want a client secret; /v3/o/revoke ends the client’s whole access to the member, so leave revocationEndpoint out.',
      source: serverCode,
    },
    { text: 'A page has 10 claims, and 50 at most.', source: pageSizes },
    {
      text: 'An app gets 13 months, or 10 hours without a refresh token, or no limit for research; the token answer says until when (access_grant_expiration).',
      source: timeLimits,
    },
    { text: 'Access tokens live for an hour. A refresh token is good once.', source: contract },
    { text: 'Members may withhold their demographics: Patient is refused then.', source: contract },
  ],
};
