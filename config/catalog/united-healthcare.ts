import { factsFrom, type CatalogedPayer } from './fact.ts';
import { fastenDefinition, fastenEndpoints, unitedHealthcareRefusesMembers } from './sources.ts';

const portal = { url: 'https://www.uhc.com/legal/interoperability-apis', date: '2026-11-26' };
const endpoints = fastenEndpoints('unitedhealthcare');
const read = factsFrom(endpoints);
const client = factsFrom(fastenDefinition('unitedhealthcare', '2024-01-13'));

export const unitedHealthcare: CatalogedPayer = {
  id: 'united-healthcare',
  displayName: 'UnitedHealthcare',
  environment: 'sandbox',
  status: 'published, not tried',
  facts: [
    read('fhirBaseUrl', 'https://sandbox.fhir.flex.optum.com/R4'),
    read('authorizationEndpoint', 'https://sandbox.authz.flex.optum.com/oauth/authorize'),
    read('tokenEndpoint', 'https://sandbox.authz.flex.optum.com/oauth/token'),
    read('quirks.aud', true),
    client(
      'clientAuthentication',
      'none',
      'The portal gives a secret too, for apps that can keep one, but does not say how it is sent.',
    ),
    client(
      'scopes',
      [
        'openid',
        'fhirUser',
        'profile',
        'patient/Condition.read',
        'patient/Coverage.read',
        'patient/Encounter.read',
        'patient/ExplanationOfBenefit.read',
        'patient/Immunization.read',
        'patient/MedicationDispense.read',
        'patient/MedicationRequest.read',
        'patient/Observation.read',
        'patient/Patient.read',
        'patient/Procedure.read',
      ],
      'The portal says that every scope must be named: no wildcards.',
    ),
    client('quirks.pkce', true),
    client('everything', false),
  ],
  missing: [
    {
      field: 'patientFrom',
      why: 'no launch/patient is asked for; ask whether userinfo or the id_token names the patient, and by which member',
    },
  ],
  remarks: [
    { text: 'It has a userinfo endpoint, https://sandbox.authz.flex.optum.com/userinfo.', source: endpoints },
    { text: 'Scopes must be named one by one; wildcards are not supported.', source: portal },
    {
      text: 'Members whose plan is not under the CMS rule, such as commercial plans, are refused after they have signed in.',
      source: unitedHealthcareRefusesMembers,
    },
  ],
};
