import { factsFrom, type CatalogedPayer } from './fact.ts';
import { fastenDefinition, fastenEndpoints, fastenForAll } from './sources.ts';

const definition = fastenDefinition('vahealth', '2025-08-07');
const read = factsFrom(fastenEndpoints('vahealth'));
const client = factsFrom(definition);

export const va: CatalogedPayer = {
  id: 'va',
  displayName: 'Department of Veterans Affairs',
  environment: 'sandbox',
  status: 'published, not tried',
  facts: [
    read('fhirBaseUrl', 'https://sandbox-api.va.gov/services/fhir/v0/r4'),
    read(
      'authorizationEndpoint',
      'https://sandbox-api.va.gov/oauth2/authorization',
      'Other clients use a path for health data, /oauth2/health/v1/authorization.',
    ),
    read('tokenEndpoint', 'https://sandbox-api.va.gov/oauth2/token'),
    client('clientAuthentication', 'none'),
    factsFrom({
      url: 'https://github.com/department-of-veterans-affairs/vets-api-clients/blob/0edce151e3ae7fefbe3b5932835d7e65f6ba5ba5/samples/oauth_pkce_cli/README.md',
      date: '2026-11-26',
    })('quirks.pkce', true),
    factsFrom(fastenForAll)('quirks.aud', false),
    client(
      'scopes',
      [
        'profile',
        'openid',
        'launch/patient',
        'offline_access',
        'patient/AllergyIntolerance.read',
        'patient/Appointment.read',
        'patient/Binary.read',
        'patient/Condition.read',
        'patient/Device.read',
        'patient/DeviceRequest.read',
        'patient/DiagnosticReport.read',
        'patient/DocumentReference.read',
        'patient/Encounter.read',
        'patient/Immunization.read',
        'patient/Location.read',
        'patient/Medication.read',
        'patient/MedicationRequest.read',
        'patient/Observation.read',
        'patient/Organization.read',
        'patient/Patient.read',
        'patient/Practitioner.read',
        'patient/PractitionerRole.read',
        'patient/Procedure.read',
      ],
      'The client also asks for MedicationOrder, which R4 does not have.',
    ),
    client('everything', false),
  ],
  missing: [
    {
      field: 'patientFrom',
      why: 'launch/patient is asked for, but no source says that the token answer names the patient',
    },
    { field: 'wholeRecord', why: 'answers of 429 are documented, but neither the limit nor the types to read' },
  ],
  remarks: [{ text: 'Too many requests are answered with 429.', source: definition }],
};
