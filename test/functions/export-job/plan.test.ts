import { planReading } from '../../../functions/export-job/plan/plan-reading.ts';
import { wantedOf } from '../../../functions/export-job/plan/wanted.ts';
import type { Payer } from '../../../functions/shared/registry/types.ts';
import { parseScopes } from '../../../functions/shared/scopes/scopes.ts';

interface Given {
  readonly scope?: string;
  readonly types?: readonly string[];
  readonly since?: string;
  readonly everything?: boolean;
  readonly wholeRecord?: Payer['wholeRecord'];
}

const plan = ({ scope = 'patient/*.rs', types, since, everything = true, wholeRecord }: Given = {}) => {
  const payer = { fhirBaseUrl: 'https://payer.example/r4', everything, wholeRecord } as Payer;
  const asked = { patient: 'p-1', ...(types && { types }), ...(since && { since }) };
  const { tasks, outOfScope } = planReading({ payer, wanted: wantedOf(parseScopes(scope), types), asked });
  return { requests: tasks.map(({ type, rest }) => [type, rest]), outOfScope };
};

describe('a record is read', () => {
  it('by $everything where the payer has it', () => {
    expect(plan().requests).toEqual([['$everything', '/Patient/p-1/$everything']]);
  });

  it('by $everything with the types, the time and the page size that were asked for', () => {
    const { requests } = plan({
      types: ['Observation', 'Patient'],
      since: '2026-01-01T00:00:00Z',
      wholeRecord: { pageSize: 50 },
    });

    expect(requests).toEqual([
      ['$everything', '/Patient/p-1/$everything?_since=2026-01-01T00:00:00Z&_type=Observation,Patient&_count=50'],
    ]);
  });

  it("by the profile's searches where it has some, with the patient in each, and the Patient first", () => {
    const { requests } = plan({
      since: '2026-01-01T00:00:00Z',
      wholeRecord: { searches: ['Observation?category=laboratory', 'Coverage'] },
    });

    expect(requests).toEqual([
      ['Patient', '/Patient?_id=p-1&_lastUpdated=ge2026-01-01T00:00:00Z'],
      ['Observation', '/Observation?patient=p-1&category=laboratory&_lastUpdated=ge2026-01-01T00:00:00Z'],
      ['Coverage', '/Coverage?patient=p-1&_lastUpdated=ge2026-01-01T00:00:00Z'],
    ]);
  });

  // Those of US Core 6.1 and CARIN Blue Button 2.0 that are about a patient, each with R4's parameter for a patient.
  it('by these searches where the payer has neither $everything nor searches in its profile', () => {
    const { requests } = plan({ everything: false, wholeRecord: { pageSize: 50 } });
    const byPatient =
      'AllergyIntolerance CarePlan CareTeam Condition Coverage Device DiagnosticReport DocumentReference ' +
      'Encounter ExplanationOfBenefit Goal Immunization MedicationDispense MedicationRequest Observation Procedure ' +
      'QuestionnaireResponse RelatedPerson ServiceRequest Specimen';
    expect(requests).toEqual([
      ['Patient', '/Patient?_id=p-1&_count=50'],
      ...byPatient.split(' ').map((type) => [type, `/${type}?patient=p-1&_count=50`]),
    ]);
  });

  it.each([
    ['Coverage', '/Coverage?patient=p-1'],
    ['Composition', '/Composition?patient=p-1'],
    ['AdverseEvent', '/AdverseEvent?subject=Patient/p-1'],
    ['CatalogEntry', undefined],
    ['Practitioner', undefined],
  ])('with the parameter that R4 has for a patient of %s: %s', (type, rest) => {
    const { requests } = plan({ types: [type], everything: false, wholeRecord: { searches: [] } });
    expect(requests).toEqual(rest === undefined ? [] : [[type, rest]]);
  });

  it("by the profile's one search in place of $everything", () => {
    expect(plan({ wholeRecord: { substitute: 'ExplanationOfBenefit?_include=*' } }).requests).toEqual([
      ['Patient', '/Patient?_id=p-1'],
      ['$everything', '/ExplanationOfBenefit?patient=p-1&_include=*'],
    ]);
  });

  it('by type where the scope does not cover all types, and says which it does not cover', () => {
    const { requests, outOfScope } = plan({
      scope: 'patient/Observation.rs patient/Goal.r',
      wholeRecord: { searches: ['Observation?_include=*', 'Goal'] },
    });

    expect(requests).toEqual([['Observation', '/Observation?patient=p-1']]);
    expect(outOfScope).toEqual(['Patient', 'Goal']);
  });

  it('with a search of its own for each type that the scope names, unless no search finds it or other types were asked for', () => {
    const scope = 'patient/Observation.rs patient/Appointment.rs patient/Practitioner.rs patient/Claim.r';
    const wholeRecord = { searches: ['Patient', 'Observation'] };

    const observations = ['Observation', '/Observation?patient=p-1'];
    const named = plan({ scope, wholeRecord });
    expect(named.requests).toEqual([observations, ['Appointment', '/Appointment?patient=p-1']]);
    expect(named.outOfScope).toEqual(['Patient', 'Claim']);
    expect(plan({ scope, types: ['Observation'], wholeRecord }).requests).toEqual([observations]);
    expect(plan({ scope: `patient/*.s ${scope}`, wholeRecord }).outOfScope).toEqual([]);
  });

  it('with a search of its own for each type that was asked for and the profile does not have', () => {
    const { requests } = plan({ types: ['Claim', 'Practitioner'], wholeRecord: { searches: ['Coverage'] } });

    // No search finds the practitioners of a patient: they come by reference.
    expect(requests).toEqual([['Claim', '/Claim?patient=p-1']]);
  });

  it('not at all where the scope covers nothing that was asked for', () => {
    expect(plan({ scope: 'patient/Goal.rs', types: ['Condition'] })).toEqual({
      requests: [],
      outOfScope: ['Condition'],
    });
  });
});
