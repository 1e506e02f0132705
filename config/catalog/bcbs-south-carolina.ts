import { factsFrom, type CatalogedPayer } from './fact.ts';

const source = {
  url: 'https://member.bluechoicesc.com/web/public/brands/interdev/developers/patient-access-api',
  date: '2026-11-30',
};
const page = factsFrom(source);

export const bcbsSouthCarolina: CatalogedPayer = {
  id: 'bcbs-south-carolina',
  displayName: 'BlueCross BlueShield of South Carolina',
  environment: 'production',
  status: 'published, not tried',
  facts: [
    page('fhirBaseUrl', 'https://fhir.bcbssc.com/r4/patientaccess'),
    page('smartConfigurationUrl', 'https://fhir.bcbssc.com/r4/patientaccess/.well-known/smart-configuration'),
    page(
      'scopes',
      [
        'patient/Patient.read',
        'patient/Coverage.read',
        'patient/ExplanationOfBenefit.read',
        'patient/Observation.read',
        'patient/Procedure.read',
      ],
      'Wildcards are not supported. The page lists the types, not the permission.',
    ),
    page('searchParameters', {
      Coverage: ['coverage_payor'],
      ExplanationOfBenefit: ['service_date'],
      MedicationKnowledge: ['DrugName', 'DrugPlan', 'DrugTier'],
    }),
    page('quirks.pkce', true, 'Recommended.'),
  ],
  missing: [
    { field: 'authorizationEndpoint', why: 'it is in smart-configuration, which was not read' },
    { field: 'tokenEndpoint', why: 'it is in smart-configuration, which was not read' },
    { field: 'clientAuthentication', why: 'the page names no method; smart-configuration was not read' },
    { field: 'patientFrom', why: 'no source says that the token answer names the patient' },
    { field: 'quirks.aud', why: 'the page does not say whether aud is wanted' },
  ],
  remarks: [{ text: 'There is a sandbox at https://fhir.bcbssc.com/r4/sandbox.', source }],
};
