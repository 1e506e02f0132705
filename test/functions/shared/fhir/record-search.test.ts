import {
  isFhirParameter,
  parseRecordSearch,
  readRecordSearch,
} from '../../../../functions/shared/fhir/record-search.ts';
import { words } from '../../../support/words.ts';

describe('a search of a whole record', () => {
  it('is a type, or a type with parameters, which may repeat', () => {
    expect(parseRecordSearch('Coverage')).toEqual({ type: 'Coverage', parameters: [] });
    expect(parseRecordSearch('Observation?category=laboratory&_include=Observation:performer&_include=*')).toEqual({
      type: 'Observation',
      parameters: [
        ['category', 'laboratory'],
        ['_include', 'Observation:performer'],
        ['_include', '*'],
      ],
    });
  });

  it.each([
    ['Coverage', 'Coverage.s'],
    ['Observation?category=laboratory', 'Observation.s'],
    ['MedicationRequest?intent=order&_include=MedicationRequest:medication', 'MedicationRequest.s Medication.r'],
    ['ExplanationOfBenefit?_include=*', 'ExplanationOfBenefit.s *.r'],
    ['Patient?_revinclude=Observation:subject', 'Patient.s Observation.s'],
  ])('%s needs %s', (search, needs) => {
    const types = needs.split(' ').map((one) => one.split('.'));
    expect(readRecordSearch(search, {})).toEqual({ needs: types.map(([type, letter]) => ({ type, needs: letter })) });
  });

  it('may use what the payer has added', () => {
    expect(readRecordSearch('Observation?device-serial=7', { Observation: ['device-serial'] })).toEqual({
      needs: [{ type: 'Observation', needs: 's' }],
    });
  });

  it.each([
    ['Communication?sender={patient}x', '"sender" cannot be {patient}'],
    ['Communication?sender={patient}&recipient={patient}', '"sender" cannot be {patient}'],
    ['Communication?sender:Patient={patient}', '"sender:Patient" cannot be {patient}'],
    ['Communication?category={patient}', '"category" cannot be {patient}'],
    ['Patient?link={patient}', '"link" cannot be {patient}'],
    ['Patient?_id=7', '"_id" can name a patient'],
    ['Patient?identifier=7', '"identifier" can name a patient'],
    ['Observation?subject=Patient/7', '"subject" can name a patient'],
    ['Observation?patient.name=x', '"patient.name" can name a patient'],
    ['Observation?code=Patient/7', '"code" can name a patient'],
    ['Observation?code=Patient%2F7', '"code" can name a patient'],
    ['Coverage?beneficiary=7', '"beneficiary" can name a patient'],
    ['Observation?_has:Provenance:target:patient=7', '"_has:Provenance:target:patient" can name a patient'],
    ['Observation?_count=10', '"_count" is not a parameter of Observation here'],
    ['Observation?_elements=id', '"_elements" is not a parameter of Observation here'],
    ['Observation?_filter=x', '"_filter" is not a parameter of Observation here'],
    ['Observation?category', '"category" has no value'],
    ['Observations', '"Observations" is not a FHIR R4 resource type'],
    ['Patient/7', '"Patient/7" is not a FHIR R4 resource type'],
    ['*', '"*" is not a FHIR R4 resource type'],
    ['', '"" is not a FHIR R4 resource type'],
    ['Observation?a.=1', 'is not a search that can be checked'],
  ])('%s is refused', (search, problem) => {
    expect(readRecordSearch(search, {})).toEqual({ problem: expect.stringContaining(problem) });
  });
});

describe("a parameter of FHIR's own", () => {
  it('is known whatever its letter case', () => {
    expect(['_count', '_Include', '_id', 'code', 'PATIENT', 'beneficiary', 'start'].filter(isFhirParameter)).toEqual(
      words('_count _Include _id code PATIENT beneficiary start'),
    );
    expect(['_getpages', 'cursor', '_page', 'startIndex'].filter(isFhirParameter)).toEqual([]);
  });
});
