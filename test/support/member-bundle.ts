/** The plans of the guide's example, with NPIs whose check digits are right. */
export const npi = 'http://hl7.org/fhir/sid/us-npi';

interface Dates {
  readonly start?: string;
  readonly end?: string;
}

/**
 * One MemberBundle as in PDex 2.2's example `payer-multi-member-match-in` (HL7/davinci-epdx). Its references name the member by the
 * Patient's own id, which the example's do not, and its consent holds on 1 June 2026.
 * @param id of the Patient
 */
export const memberBundle = (
  id: string,
  { oldPlan, newPlan }: { readonly oldPlan: string; readonly newPlan: string },
  { start = '2026-03-01', end = '2026-08-31' }: Dates = {},
) => {
  const text = {
    status: 'generated',
    div: '<div xmlns="http://www.w3.org/1999/xhtml">Default Generated text for resource.</div>',
  };
  const concept = (system: string, code: string) => ({
    coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }],
  });
  const member = { reference: `Patient/${id}` };
  const plan = (value: string, display: string) => ({ identifier: { system: npi, value }, display });
  const coverage = (coverageId: string, memberId: string, payor: object) => ({
    resourceType: 'Coverage',
    id: coverageId,
    text,
    identifier: [{ type: concept('v2-0203', 'MB'), system: 'http://example.org/old-payer', value: memberId }],
    status: 'draft',
    subscriberId: '1234564321',
    beneficiary: member,
    relationship: concept('subscriber-relationship', 'self'),
    period: { start: '2011-05-23', end: '2012-05-23' },
    payor: [payor],
    class: [
      { type: concept('coverage-class', 'group'), value: 'CB135' },
      { type: concept('coverage-class', 'plan'), value: 'B37FC' },
    ],
  });
  const part = <Resource>(name: string, resource: Resource) => ({ name, resource });
  return {
    name: 'MemberBundle',
    part: [
      part('MemberPatient', {
        resourceType: 'Patient',
        id,
        text,
        identifier: [
          {
            type: concept('v2-0203', 'MB'),
            system: 'http://example.org/old-payer/identifiers/member',
            value: '55678',
            assigner: { display: 'Old Payer' },
          },
        ],
        name: [{ use: 'official', family: 'Person', given: ['Patricia', 'Ann'] }],
        gender: 'female',
        birthDate: '1974-12-25',
      }),
      part('CoverageToMatch', coverage('coverage-1', 'DH10001235', plan(oldPlan, 'Old Health Plan'))),
      part('Consent', {
        resourceType: 'Consent',
        id: 'consent-1',
        text,
        status: 'active',
        scope: concept('consentscope', 'patient-privacy'),
        category: [concept('v3-ActCode', 'IDSCL')],
        patient: member,
        performer: [member],
        sourceReference: { reference: 'DocumentReference/someconsent-1' },
        policy: [{ uri: 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#regular' }],
        provision: {
          type: 'permit',
          period: { start, end },
          actor: [
            {
              role: concept('provenance-participant-type', 'performer'),
              reference: plan(oldPlan, 'Old Health Plan'),
            },
            { role: concept('v3-ParticipationType', 'IRCP'), reference: plan(newPlan, 'New Health Plan') },
          ],
          action: [concept('consentaction', 'disclose')],
        },
      }),
      part('CoverageToLink', coverage('coverage-link-1', '234567', plan(newPlan, 'New Health Plan'))),
    ],
  };
};

/** A Parameters resource of these MemberBundles. */
export const matchParameters = (...bundles: readonly unknown[]) => ({
  resourceType: 'Parameters',
  id: 'payer-multi-member-match-in',
  meta: {
    profile: ['http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/pdex-parameters-multi-member-match-bundle-in'],
  },
  parameter: bundles,
});
