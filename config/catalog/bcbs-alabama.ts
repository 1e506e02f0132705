import { factsFrom, type CatalogedPayer } from './fact.ts';
import { fastenDefinition, fastenEndpoints, fastenForAll } from './sources.ts';

const endpoints = fastenEndpoints('bcbsal');
const read = factsFrom(endpoints);
const client = factsFrom(fastenDefinition('bcbsal', '2024-01-13'));

export const bcbsAlabama: CatalogedPayer = {
  id: 'bcbs-alabama',
  displayName: 'Blue Cross and Blue Shield of Alabama',
  environment: 'production',
  status: 'published, not tried',
  facts: [
    read('fhirBaseUrl', 'https://fhirapi.bcbsal.org/edifecs/fhir/R4'),
    read('authorizationEndpoint', 'https://fhirapi.bcbsal.org/oauth/authorize'),
    read('tokenEndpoint', 'https://fhirapi.bcbsal.org/oauth/token'),
    read('quirks.aud', 'https://fhirapi.bcbsal.org/edifecs/fhir/R4/', 'The base with a slash at its end.'),
    factsFrom(fastenForAll)(
      'clientAuthentication',
      'client_secret_basic',
      'What the client does where a payer names no method.',
    ),
    client('scopes', [], 'The client asks for none.'),
    client('quirks.pkce', true),
    client('everything', false),
    client(
      'wholeRecord',
      {
        searches: [
          'Coverage',
          'DetectedIssue',
          'ExplanationOfBenefit',
          'ImmunizationRecommendation',
          'MedicationDispense',
          'MedicationStatement',
          'ServiceRequest',
        ],
      },
      'What the client reads beyond its usual types; it also lists HealthcareService, InsurancePlan, Medication, PractitionerRole and ResearchStudy.',
    ),
  ],
  missing: [{ field: 'patientFrom', why: "without a scope, no source says where the patient's id comes from" }],
  remarks: [{ text: 'The path shows a server by Edifecs.', source: endpoints }],
};
