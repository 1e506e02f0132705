import { factsFrom, type CatalogedPayer } from './fact.ts';
import { aetnaRefusesMembers, apiEvangelist, fastenDefinition, fastenForAll } from './sources.ts';

const commit = 'cf47cc11f43558e6af15d8a0ef3aec12bf201215';
const collected = (path: string) => apiEvangelist('aetna', commit, path, '2026-08-30');
const conformance = collected('conformance/aetna-conformance.yml');

const discovery = factsFrom(collected('well-known/aetna-sandbox-smart-configuration.json'));
const client = factsFrom(fastenDefinition('aetna', '2024-06-30'));

export const aetna: CatalogedPayer = {
  id: 'aetna',
  displayName: 'Aetna',
  environment: 'sandbox',
  status: 'published, not tried',
  facts: [
    factsFrom(collected('openapi/_original/aetna-v2-patientaccess-Patient-sandbox-swagger.yml'))(
      'fhirBaseUrl',
      'https://vteapif1.aetna.com/fhirdemo/v2/patientaccess',
    ),
    factsFrom(collected('well-known/aetna-well-known.yml'))(
      'smartConfigurationUrl',
      'https://vteapif1.aetna.com/fhirdemo/.well-known/smart-configuration',
      'In production it is also above the base: below it, the answer is 404.',
    ),
    discovery(
      'authorizationEndpoint',
      'https://vteapif1.aetna.com/fhirdemo/v1/fhirserver_auth/oauth2/authorize',
      "Aetna's PDF and its CapabilityStatement print another path in production.",
    ),
    discovery('tokenEndpoint', 'https://vteapif1.aetna.com/fhirdemo/v1/fhirserver_auth/oauth2/token'),
    discovery(
      'clientAuthentication',
      'client_secret_basic',
      'It lists client-public too, and a client without a secret connects with PKCE.',
    ),
    discovery('scopes', ['launch/patient', 'patient/*.read'], 'It lists no offline_access, so no refresh tokens.'),
    discovery('quirks.pkce', true),
    factsFrom(fastenForAll)(
      'quirks.aud',
      'https://vteapif1.aetna.com/fhirdemo',
      'From the example of a request, which is for the base /v1/patientaccess.',
    ),
    factsFrom(conformance)(
      'patientFrom',
      'token',
      "Production's CapabilityStatement lists context-standalone-patient; the sandbox's was not read.",
    ),
    client('everything', false),
    client(
      'wholeRecord',
      {
        searches: [
          'AllergyIntolerance',
          'CarePlan',
          'CareTeam',
          'Condition',
          'Coverage',
          'Device',
          'DiagnosticReport',
          'DocumentReference',
          'Encounter',
          'ExplanationOfBenefit',
          'Goal',
          'Immunization',
          'MedicationDispense',
          'MedicationRequest',
          'Observation',
          'Procedure',
        ],
      },
      'The client also lists InsurancePlan, List, Medication and Patient.',
    ),
    factsFrom(aetnaRefusesMembers)(
      'linesOfBusiness',
      ['Medicare', 'Medicaid', 'Qualified Health Plans on the Federally Facilitated Exchanges'],
      "In production. Members of Aetna's commercial plans are refused after they have signed in.",
    ),
  ],
  missing: [
    {
      field: 'identitySignIn',
      why: 'production takes members whom CLEAR or ID.me has proofed (IAL2), the sandbox does not; no document says at which endpoint, with what assertion, or how no match is answered',
    },
  ],
  remarks: [
    { text: 'Eleven operations document 429, without Retry-After.', source: conformance },
    {
      text: 'Since 2026-06-25 production takes members who are proofed at IAL2 by CLEAR or ID.me.',
      source: collected('authentication/aetna-authentication.yml'),
    },
  ],
};
