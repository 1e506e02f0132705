import { factsFrom, type CatalogedPayer } from './fact.ts';
import { fastenDefinition, fastenForAll } from './sources.ts';

const portal = factsFrom({ url: 'https://developers.humana.com/apis/oauth', date: '2026-11-26' });
const client = factsFrom(fastenDefinition('humana', '2024-01-13'));

export const humana: CatalogedPayer = {
  id: 'humana',
  displayName: 'Humana',
  environment: 'sandbox',
  status: 'published, not tried',
  facts: [
    portal('authorizationEndpoint', 'https://sandbox-fhir.humana.com/auth/authorize'),
    portal('tokenEndpoint', 'https://sandbox-fhir.humana.com/auth/token'),
    portal('clientAuthentication', 'client_secret_basic'),
    client(
      'scopes',
      [
        'internal',
        'openid',
        'launch/patient',
        'offline_access',
        'patient/AllergyIntolerance.read',
        'patient/CarePlan.read',
        'patient/CareTeam.read',
        'patient/Condition.read',
        'patient/Coverage.read',
        'patient/DocumentReference.read',
        'patient/ExplanationOfBenefit.read',
        'patient/Goal.read',
        'patient/Immunization.read',
        'patient/List.read',
        'patient/MedicationRequest.read',
        'patient/Observation.read',
        'patient/Patient.read',
        'patient/Procedure.read',
      ],
      'What internal means is not documented in public.',
    ),
    client('quirks.pkce', true),
    factsFrom(fastenForAll)('quirks.aud', true),
    client('everything', true),
  ],
  missing: [
    {
      field: 'fhirBaseUrl',
      why: 'the sandbox moved to sandbox-fhir.humana.com, and public clients disagree on whether its path is /api or /fhir/r4',
    },
    {
      field: 'patientFrom',
      why: 'launch/patient is asked for, but no source says that the token answer names the patient',
    },
  ],
  remarks: [],
};
