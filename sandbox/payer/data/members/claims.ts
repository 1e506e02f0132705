import { c4bb, createBuilder, dayAfter } from '../builder.ts';
import type { RecordBuilder } from '../builder.ts';
import { addCare } from '../care.ts';
import type { Care } from '../care.ts';
import { addClaim, addCoverage, addOfficeClaim, hcpcs, licensed, prozac } from '../claims.ts';
import type { Named } from '../claims.ts';
import { addBloodTest } from '../labs.ts';
import { addRequest, medicines, routes } from '../medications.ts';
import { testMembers } from '../member-list.ts';
import { addPerson } from '../patient.ts';
import { addCondition } from '../problems.ts';
import { recordOf } from '../record.ts';
import type { MemberRecord } from '../record.ts';
import { addTo } from '../time.ts';
import { addEncounter } from '../visits.ts';
import type { Visit } from '../visits.ts';
import { addBloodPressure, addWeight } from '../vitals.ts';
import { bloodSugar, kidneys, lipids } from './tests.ts';

const diabetes: Named = ['E11.9', 'Type 2 diabetes mellitus without complications'];
const hypertension: Named = ['I10', 'Essential (primary) hypertension'];
const appendicitis: Named = ['K35.80', 'Unspecified acute appendicitis'];
const checkup: Named = ['Z00.00', 'Encounter for general adult medical examination without abnormal findings'];
const teeth: Named = ['Z01.20', 'Encounter for dental examination and cleaning without abnormal findings'];
const caries: Named = ['K02.9', 'Dental caries, unspecified'];
const chestPain: Named = ['R07.9', 'Chest pain, unspecified'];

const firstDay = '2023-01-01';
/** The first day of each half year. The record ends in the fall of 2026. */
const halfYears = Array.from({ length: 8 }, (_, index) => addTo(firstDay, index * 6));

/** A member with claims of every kind, and the clinical data of the same visits. */
export const generateClaimsMember = (seed: number): MemberRecord => {
  const member = testMembers.claims;
  const record = createBuilder(seed, 'claims', member.birthDate, dayAfter(firstDay));
  const care = addCare(record);
  addPerson(record, member, { gender: 'female', care, profiles: ['us-core-patient', c4bb('Patient')] });
  const self = { id: member.memberId, reference: record.patient, relationship: 'self' } as const;
  const coverage = addCoverage(record, care.plan, 'Sandbox PPO', self, firstDay);
  const dental = addCoverage(record, care.plan, 'Sandbox Dental', self, firstDay);

  const visits = halfYears.map((start, index) => addOfficeVisit(record, care, coverage, addTo(start, 1, 9), index));
  addProblemsAndMedicines(record, visits[0]);
  for (const start of halfYears) addDentalClaim(record, care, dental, addTo(start, 1, 20));
  for (let month = 1; month <= 43; month++) addFill(record, care, coverage, addTo(firstDay, month, 11), month - 1);
  addHospitalStay(record, care, coverage);
  addEmergencyVisit(record, care, coverage);
  return recordOf(record, member);
};

const addOfficeVisit = (record: RecordBuilder, care: Care, coverage: string, date: string, index: number): Visit => {
  const kind = index % 2 === 0 ? 'checkup' : 'followUp';
  const visit = addEncounter(record, care, { kind, date, practitioner: care.doctor });
  addBloodPressure(record, visit, [124, 142], [76, 90]);
  addWeight(record, visit, 81, 164);
  addBloodTest(record, care, visit, ...bloodSugar);
  if (kind === 'checkup') addBloodTest(record, care, visit, ...lipids);
  const office = licensed.cpt(
    kind === 'checkup' ? 'Preventive visit, 40 to 64 years' : 'Office visit, 20 to 29 minutes',
  );
  const strips = hcpcs('A4253', 'Blood glucose test or reagent strips for home blood glucose monitor, per 50 strips');
  addOfficeClaim(record, care, visit, {
    coverage,
    diagnoses: kind === 'checkup' ? [checkup, diabetes, hypertension] : [diabetes, hypertension],
    lines: [
      { what: office, submitted: kind === 'checkup' ? 310 : 185, copay: kind === 'checkup' ? 0 : 25 },
      { what: licensed.cpt('Hemoglobin A1c'), submitted: 42.5, copay: 0 },
      { what: strips, submitted: 68, copay: 10 },
    ],
  });
  return visit;
};

const addProblemsAndMedicines = (record: RecordBuilder, visit: Visit | undefined): void => {
  if (!visit) return;
  const sugar = addCondition(record, visit, 'problem-list-item', '44054006', 'Diabetes mellitus type 2');
  const pressure = addCondition(
    record,
    visit,
    'problem-list-item',
    '38341003',
    'Hypertensive disorder, systemic arterial',
  );
  const mood = addCondition(record, visit, 'problem-list-item', '35489007', 'Depressive disorder');
  const { metformin, lisinopril, fluoxetine } = medicines;
  addRequest(record, visit, sugar, metformin, [routes.oral, 500, 'mg', 1, 'With dinner'], 'active');
  addRequest(record, visit, pressure, lisinopril, [routes.oral, 10, 'mg', 1, 'In the morning'], 'active');
  addRequest(record, visit, mood, fluoxetine, [routes.oral, 20, 'mg', 1, 'In the morning'], 'active');
};

const addDentalClaim = (record: RecordBuilder, care: Care, coverage: string, date: string): void => {
  const filling = date.startsWith('2024-08');
  addClaim(record, care, {
    kind: 'oral',
    coverage,
    provider: care.dentalOffice,
    by: care.dentist,
    start: date,
    diagnoses: filling ? [caries] : [teeth],
    lines: filling
      ? [{ what: licensed.cdt('Filling, one surface'), submitted: 240, copay: 40 }]
      : [
          { what: licensed.cdt('Periodic oral evaluation'), submitted: 65, copay: 0 },
          { what: licensed.cdt('Cleaning, adult'), submitted: 120, copay: 0 },
        ],
  });
};

const addFill = (record: RecordBuilder, care: Care, coverage: string, date: string, index: number): void => {
  addClaim(record, care, {
    kind: 'pharmacy',
    coverage,
    start: date,
    daysSupply: 30,
    refill: index % 12,
    lines: [{ what: prozac, submitted: 38.4, copay: 5 }],
  });
};

const addHospitalStay = (record: RecordBuilder, care: Care, coverage: string): void => {
  const date = '2024-04-16';
  const visit = addEncounter(record, care, { kind: 'inpatient', date, practitioner: care.specialist, nights: 2 });
  addCondition(record, visit, 'encounter-diagnosis', '85189001', 'Acute appendicitis', 1);
  addBloodTest(record, care, visit, ...kidneys);
  addClaim(record, care, {
    kind: 'inpatient',
    coverage,
    provider: care.hospital,
    by: care.specialist,
    start: date,
    end: addTo(date, 0, 2),
    diagnoses: [appendicitis, diabetes],
    procedure: ['0DTJ4ZZ', 'Resection of Appendix, Percutaneous Endoscopic Approach'],
    lines: [
      { what: licensed.cpt('Room and board, semi-private'), submitted: 6400, copay: 500 },
      { what: licensed.cpt('Operating room'), submitted: 9200, copay: 0 },
    ],
  });
};

const addEmergencyVisit = (record: RecordBuilder, care: Care, coverage: string): void => {
  const date = '2026-03-05';
  const visit = addEncounter(record, care, { kind: 'emergency', date, practitioner: care.specialist });
  addCondition(record, visit, 'encounter-diagnosis', '29857009', 'Chest pain', 1);
  addClaim(record, care, {
    kind: 'outpatient',
    coverage,
    provider: care.hospital,
    by: care.specialist,
    start: date,
    diagnoses: [chestPain, hypertension],
    lines: [{ what: licensed.cpt('Emergency department visit'), submitted: 1850, copay: 250 }],
  });
};
