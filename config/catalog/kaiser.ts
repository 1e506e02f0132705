import { factsFrom, type CatalogedPayer } from './fact.ts';
import { fastenDefinition, fastenEndpoints, fastenForAll } from './sources.ts';

const read = factsFrom(fastenEndpoints('kaiser'));
const client = factsFrom(fastenDefinition('kaiser', '2024-01-29'));

export const kaiser: CatalogedPayer = {
  id: 'kaiser-permanente',
  displayName: 'Kaiser Permanente',
  environment: 'sandbox',
  status: 'published, not tried',
  facts: [
    read('fhirBaseUrl', 'https://kpx-service-bus.kp.org/service/cdo/siae/healthplankpxv1rc/FHIR/api'),
    read('authorizationEndpoint', 'https://kpx-service-bus.kp.org/service/kpx/v1/oauth2/authorize'),
    read('tokenEndpoint', 'https://kpx-service-bus.kp.org/service/kpx/v1/oauth2/token'),
    read('quirks.aud', true),
    factsFrom(fastenForAll)(
      'clientAuthentication',
      'client_secret_basic',
      'What the client does where a payer names no method.',
    ),
    client(
      'scopes',
      ['patient/*.read', 'launch/patient', 'offline_access', 'sandbox'],
      'The scope sandbox is for the sandbox only.',
    ),
    client('quirks.pkce', true),
    client('everything', false),
    client(
      'wholeRecord',
      { substitute: 'ExplanationOfBenefit?_include=*' },
      "The client writes _includes; FHIR's parameter is _include.",
    ),
  ],
  missing: [
    {
      field: 'patientFrom',
      why: 'launch/patient is asked for, but no source says that the token answer names the patient',
    },
  ],
  remarks: [],
};
