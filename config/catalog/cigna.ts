import { factsFrom, type CatalogedPayer } from './fact.ts';
import { apiEvangelist, fastenDefinition, fastenEndpoints, fastenForAll } from './sources.ts';

const contract = apiEvangelist(
  'cigna',
  '1d23d4ce02bd62b1e96d7926b231d1b60187c84f',
  'openapi/cigna-patient-access-api-openapi.yml',
  '2026-05-19',
);
const contractSays = factsFrom(contract);
const read = factsFrom(fastenEndpoints('cigna'));
const client = factsFrom(fastenDefinition('cigna', '2024-01-13'));

export const cigna: CatalogedPayer = {
  id: 'cigna',
  displayName: 'Cigna Healthcare',
  environment: 'sandbox',
  status: 'published, not tried',
  facts: [
    contractSays('fhirBaseUrl', 'https://fhir.cigna.com/PatientAccess/v1-devportal'),
    read(
      'fhirBaseUrlAliases',
      ['https://p-hi2.digitaledge.cigna.com/PatientAccess/v1-devportal'],
      'Then the base itself.',
    ),
    read(
      'smartConfigurationUrl',
      'https://r-hi2.cigna.com/.well-known/smart-configuration',
      'On the host of the authorization server, not of the FHIR server.',
    ),
    contractSays('authorizationEndpoint', 'https://r-hi2.cigna.com/mga/sps/oauth/oauth20/authorize'),
    contractSays('tokenEndpoint', 'https://r-hi2.cigna.com/mga/sps/oauth/oauth20/token'),
    client('clientAuthentication', 'none'),
    client('scopes', ['openid', 'fhirUser', 'patient/*.read', 'offline_access']),
    client('quirks.pkce', true),
    factsFrom(fastenForAll)('quirks.aud', false),
    client('everything', true),
  ],
  missing: [
    {
      field: 'patientFrom',
      why: "the member's id comes from an operation $userinfo below the base, whose answer is not documented in public; ask whether there is a userinfo endpoint or an id_token with fhirUser",
    },
  ],
  remarks: [{ text: 'GET $userinfo below the base names the member.', source: contract }],
};
