import { checkPatient } from '../../../../functions/shared/fhir/check-patient.ts';
import { operationOutcome } from '../../../../functions/shared/fhir/operation-outcome.ts';
import { gets, refusal, unchecked } from './requests.ts';

const gateway = 'https://gateway.example/r4/payer';
const payer = 'https://payer.example/r4';
const bases = [gateway, payer];
const check = (line: string) => checkPatient(unchecked(line), 'own', bases);

describe('requests about the member', () => {
  it.each([
    ...gets(`
      /Patient/own /Patient/own/_history/1 /Patient/own/Observation?code=1 /Patient/own/* /Patient/own/$everything
      /Patient /Patient/_history /Patient?_id=own /Patient?_id=Patient/own,own /Patient?_id:missing=false
      /Patient?_id:missing= /Patient?name=Venegas&birthdate=2011-01-04 /Patient?_has:Observation:patient:code=1
      /Patient?_has:Observation:patient:subject=own /Patient?identifier:missing=true /Observation/1 /Observation?_id=1
      /Observation?patient=own /Observation?patient= /Observation?PATIENT=own /Observation?subject=Patient/own
      /Observation?patient=own,%20own /Observation?subject=Patient/own/_history/31 /Observation?subject:Patient=own
      /Observation?subject:patient=own /Observation?subject=${gateway}/Patient/own
      /Observation?subject=${payer}/Patient/own,own /Observation?subject=Group/1 /Observation?subject=${payer}/Group/1
      /Observation?subject:Group=1 /Observation?subject:missing=true /Observation?patient._id=own
      /Observation?subject:Patient._id=own /Observation?subject._id=own /Observation?subject:Group.code=1
      /Observation?subject:Group._id=1 /Observation?subject:Group.member=own /Observation?encounter.class=AMB
      /Observation?encounter.patient=own /Observation?encounter.subject:Group=1
      /Observation?encounter:identifier=http://x/|1 /Observation?encounter=http://elsewhere.example/Encounter/1
      /Observation?performer:Practitioner.name=x /Observation?identifier=http://hospital.example/Patient/|1
      /Observation?identifier=http://hospital.example/patient/ids|1
      /Observation?_profile=http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|6.1.0
      /Observation?code=100%25 /Provenance?target=Observation/1 /Provenance?target=Patient/own
      /Provenance?target:Observation=1 /Practitioner?_has:Patient:general-practitioner:_id=own
      /Organization?patient=own /?_getpages=a&_count=10 /?_id=own
    `),
    'POST /Observation/_search patient=own',
    'GET /Observation?_include=Observation:patient&_sort=-patient.name',
  ])('allows %s', (line) => {
    expect(() => check(line)).not.toThrow();
  });
});

describe('requests that name another patient', () => {
  it.each([
    ...gets(`
      /Patient/other /Patient/OWN /Patient/other/_history/1 /Patient/other/_history /Patient/other/Observation
      /Patient/other/* /Patient/other/$everything /Patient?_id=other /Patient?_id=own,other /Patient?_id=own&_id=other
      /Patient?_ID=other /Patient?_id=true /Patient?link=other /Patient/own/*?_id=other
      /Patient/own/Observation?patient=other /Patient/own/$everything?patient=other /Observation?patient=other
      /Observation?PaTiEnT=other /Observation?patient=own,other /Observation?patient=own%5C,other
      /Observation?patient=%20other /Observation?patient=Own /Observation?patient=true /Observation?subject=other
      /Observation?subject=Patient/other /Observation?subject=patient/other /Observation?subject=Patient/own/other
      /Observation?subject=Patient/own$other /Observation?subject=Patient//other
      /Observation?subject=Patient/other/_history/1 /Observation?subject=Patient%252Fother
      /Observation?subject:Patient=other /Observation?subject:patient=other /Observation?subject:Group=Patient/other
      /Observation?subject:missing=Patient/other /Observation?subject=Nonsense/1 /Observation?subject=group/1
      /Observation?subject=${gateway}/Patient/other /Observation?subject=${payer}/Patient/other
      /Observation?subject=${payer}//Patient/own /Observation?subject=${payer}/own
      /Observation?subject=${payer}?Patient/own /Observation?subject=${payer}x/Patient/own
      /Observation?subject=https://elsewhere.example/r4/Patient/own /Observation?subject=urn:uuid:1
      /Observation?subject=own|1 /Observation?patient._id=other /Observation?patient._id=own,other
      /Observation?subject:Patient._id=other /Observation?subject:Group.member=other
      /Observation?encounter.patient=other /Observation?encounter.subject=Patient/other
      /Observation?encounter=Patient/other
    `),
    // Only some of the types behind part-of have a performer that can be a patient.
    ...gets(`
      /Observation?part-of.performer=other /Observation?code=Patient/other /Observation?code=x,patient/other
      /Observation?code=x%252CPatient/other /Observation?nonsense=Patient/other
      /Observation?code=https://elsewhere.example/r4/Patient/other
      /Observation?code=https://elsewhere.example/r4/Patient//other /Provenance?target=other
      /Provenance?target=Patient/other /Coverage?beneficiary=other /Coverage?policy-holder=other
      /Appointment?actor=other /Organization?patient=other /Organization?subject=other
      /Patient?_has:Observation:patient:subject=other
      /Patient?_has:Observation:patient:_has:AuditEvent:entity:patient=other
      /Practitioner?_has:Patient:general-practitioner:_id=other /?_id=other /?patient=other
      /?_type=Observation&subject=other
    `),
    'POST /Observation/_search patient=other',
    'POST /Patient/_search?_id=own _id=other',
    // A malformed end, a fourth encoding, a blank beyond ASCII, a backslash, or another letter case below our base
    // hides no one.
    ...gets(`
      /Observation?nonsense=Patient%252Fother%25zz /Observation?nonsense=Patient%2525252Fother
      /Observation?nonsense=x%25C2%25A0patient/other /Observation?nonsense=Patient%5Cother
      /Observation?nonsense=/patient/other /Observation?nonsense=${payer}/patient/other
      /Observation?nonsense=eq${payer}/patient/other /Observation?nonsense=x,${payer.toUpperCase()}/PATIENT/other
      /Observation?nonsense=${gateway}//patient//other
    `),
  ])('refuses %s', (line) => {
    expect(refusal(() => check(line))).toMatchObject({
      status: 403,
      code: 'access_denied',
      issueType: 'forbidden',
      publicMessage: 'This access token is for one member; the request names another patient.',
    });
  });
});

describe('requests that might name another patient', () => {
  it.each([
    ...gets(`
      /Patient?identifier=http://x/|1 /Patient?identifier:of-type=a|b|c /Patient?_id:not=own
      /Observation?patient:identifier=http://x/|1 /Observation?subject:identifier=http://x/|1
      /Observation?subject:not=own /Observation?subject:above=Patient/own /Observation?subject:Patient:identifier=1
      /Observation?subject:nonsense=own /Observation?subject:not=true /Observation?subject:miss:ing=true
      /Provenance?target:nonsense=own
    `),
    // A payer may ignore a modifier that is not allowed there.
    ...gets(`
      /Observation?patient:Group=other /Observation?subject:Practitioner=other /Organization?patient:Group=other
      /Patient?identifier:missing=http://x/|1 /Patient?identifier=true /Observation?patient.name=x
      /Observation?patient.identifier=x /Observation?subject.name=x /Observation?subject:Patient.identifier=x
      /Observation?subject:Patient._id:not=own /Observation?subject:Patient._id:missing=true
      /Observation?patient.organization._id=own /Observation?performer.name=x /Observation?nonsense.name=x
      /Observation?subject:Group.member.name=x /Observation?encounter.patient.name=x
      /Practitioner?_has:Patient:general-practitioner:name=x
      /Practitioner?_has:Patient:general-practitioner:organization.name=x /?identifier=x
    `),
    'POST /Patient/_search identifier=x',
  ])('refuses %s and says how to ask', (line) => {
    expect(refusal(() => check(line))).toMatchObject({
      status: 403,
      code: 'access_denied',
      issueType: 'forbidden',
      publicMessage: expect.stringContaining('Name the member by id'),
    });
  });
});

describe('operationOutcome', () => {
  it('has the message where clients look for it', () => {
    expect(operationOutcome('not-found', 'No.')).toEqual({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'not-found', details: { text: 'No.' }, diagnostics: 'No.' }],
    });
  });
});
