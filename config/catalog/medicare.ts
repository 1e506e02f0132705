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

/** A file of the API's own server, which is public. */
const serverFile = (path: string) => ({
  url: `https://github.com/CMSgov/bluebutton-web-server/blob/ba0c6856a51c13bd849da2fcc0d6e44eed08dc73/${path}`,
  date: '2026-08-21',
});
const tokenCode = serverFile('apps/dot_ext/views/authorization.py');

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
      'The discovery document writes it without the trailing slash.',
    ),
    contractSays('tokenEndpoint', 'https://sandbox.bluebutton.cms.gov/v2/o/token/'),
    factsFrom(serverFile('apps/dot_ext/v2/urls.py'))(
      'revocationEndpoint',
      'https://sandbox.bluebutton.cms.gov/v2/o/revoke_token/',
      'The discovery document writes it without the trailing slash, which the server does not know.',
    ),
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
    { text: 'A page has 10 claims, and 50 at most.', source: pageSizes },
    {
      text: 'An app gets 13 months, or 10 hours without a refresh token, or no limit for research; the token answer says until when (access_grant_expiration).',
      source: timeLimits,
    },
    { text: 'Access tokens live for an hour. A refresh token is good once.', source: contract },
    { text: 'Members may withhold their demographics: Patient is refused then.', source: contract },
  ],
};

const token = factsFrom(tokenCode);
const paths = factsFrom(serverFile('apps/dot_ext/v3/urls.py'));
const published = factsFrom(serverFile('apps/wellknown/views/openid.py'));
const scopes = ['launch/patient', 'patient/Patient.read', 'patient/Coverage.read', 'patient/ExplanationOfBenefit.read'];

/** The version that answers members' identity tokens. Tokens of one version open nothing in the other. */
export const medicareV3: CatalogedPayer = {
  id: 'medicare-v3',
  displayName: 'Medicare (CMS Blue Button, version 3)',
  environment: 'sandbox',
  status: 'published, not tried',
  facts: [
    factsFrom(serverFile('hhs_oauth_server/urls.py'))('fhirBaseUrl', 'https://sandbox.bluebutton.cms.gov/v3/fhir'),
    paths(
      'authorizationEndpoint',
      'https://sandbox.bluebutton.cms.gov/v3/o/authorize/',
      'Its discovery document writes it without the trailing slash.',
    ),
    paths(
      'tokenEndpoint',
      'https://sandbox.bluebutton.cms.gov/v3/o/token',
      'Answers with a trailing slash too, but the aud of an assertion is compared with this, to the letter.',
    ),
    paths(
      'revocationEndpoint',
      'https://sandbox.bluebutton.cms.gov/v3/o/revoke_token/',
      'Ends one token. /v3/o/revoke/ ends all that the member gave the app.',
    ),
    published(
      'clientAuthentication',
      'client_secret_basic',
      'For codes and refreshes. It lists private_key_jwt alone, which is for identity tokens, and the capability client-confidential-symmetric.',
    ),
    published('scopes', scopes, 'It lists patient/Patient.rs and its like too, but no offline_access.'),
    token('patientFrom', 'token', 'Each token answer has patient.'),
    published('quirks.pkce', true, 'S256 only.'),
    documented('quirks.aud', false, 'No documented request has it.'),
    token(
      'identitySignIn',
      {
        issuers: ['https://verified.clearme.com/integrations', 'https://api.idmelabs.com/oidc'],
        assertionAlgorithm: 'ES384',
        scopes,
        noMatch: [{ status: 401, members: { status_code: 401 } }],
        consentLifetime: 90 * 86_400,
      },
      'Production takes https://api.id.me/oidc. The page of its documentation says 24 hours for refreshes, the code 90 days after the last one.',
    ),
    client('everything', false),
    client('wholeRecord', { searches: ['ExplanationOfBenefit', 'Coverage'], pageSize: 50 }, 'From version 2.'),
  ],
  missing: [],
  remarks: [
    {
      text: 'iat and auth_time of an identity token are at most 300 seconds ago, and not a second ahead. Each jti counts once in 300 seconds.',
      source: tokenCode,
    },
    {
      text: 'Whatever is wrong with a token, or fails at the server, is 400 Bad request. An app that is not enabled for this gets 403.',
      source: tokenCode,
    },
    { text: 'An unknown scope is refused when both tokens are spent.', source: tokenCode },
    {
      text: 'The OpenID configuration at the origin is about version 2.',
      source: serverFile('apps/wellknown/urls.py'),
    },
  ],
};
