import { createBuilder, dayAfter } from '../builder.ts';
import type { RecordBuilder } from '../builder.ts';
import { addCare } from '../care.ts';
import type { Care } from '../care.ts';
import { addBloodTest } from '../labs.ts';
import { addRequest, medicines, routes } from '../medications.ts';
import type { Dose } from '../medications.ts';
import { testMembers } from '../member-list.ts';
import { addPerson } from '../patient.ts';
import { addCondition } from '../problems.ts';
import { addProcedure } from '../procedures.ts';
import { recordOf } from '../record.ts';
import type { MemberRecord } from '../record.ts';
import { addEncounter } from '../visits.ts';
import type { Visit } from '../visits.ts';
import { addBloodPressure, addWeight } from '../vitals.ts';
import { kidneys, lipids, thyroid } from './tests.ts';

const years = { first: 1996, last: 2026 };

/** A problem that began in a year: its SNOMED code and name, and its length in months if it has ended. */
const problems: ReadonlyMap<number, readonly [code: string, name: string, months?: number]> = new Map([
  [1996, ['38341003', 'Hypertensive disorder, systemic arterial']],
  [2001, ['55822004', 'Hyperlipidemia']],
  [2004, ['10509002', 'Acute bronchitis', 1]],
  [2008, ['40930008', 'Hypothyroidism']],
  [2011, ['239873007', 'Osteoarthritis of knee']],
  [2014, ['57054005', 'Acute myocardial infarction', 2]],
  [2015, ['53741008', 'Coronary arteriosclerosis']],
  [2019, ['193570009', 'Cataract', 5]],
  [2022, ['49436004', 'Atrial fibrillation']],
]);

const operations: ReadonlyMap<number, readonly [code: string, name: string]> = new Map([
  [2006, ['73761001', 'Colonoscopy']],
  [2014, ['11101003', 'Percutaneous transluminal coronary angioplasty']],
  [2016, ['609588000', 'Total knee replacement']],
  [2019, ['385468004', 'Cataract extraction and insertion of intraocular lens']],
]);

/** A medicine, the year of its first prescription, the year of its problem, and how it is taken. */
const treatments: readonly (readonly [keyof typeof medicines, number, number, Dose])[] = [
  ['lisinopril', 1998, 1996, [routes.oral, 10, 'mg', 1, 'In the morning']],
  ['atorvastatin', 2002, 2001, [routes.oral, 20, 'mg', 1, 'In the evening']],
  ['levothyroxine', 2008, 2008, [routes.oral, 0.075, 'mg', 1, 'Half an hour before breakfast']],
  ['metoprolol', 2014, 2014, [routes.oral, 50, 'mg', 1, 'In the morning, not chewed']],
  ['apixaban', 2022, 2022, [routes.oral, 5, 'mg', 2, 'Morning and evening']],
];

/** An adult with thirty years of visits and with medicines that are still taken. */
export const generateHistoryMember = (seed: number): MemberRecord => {
  const member = testMembers.history;
  const record = createBuilder(seed, 'history', member.birthDate, dayAfter('1996-01-01'));
  const care = addCare(record);
  addPerson(record, member, { gender: 'male', care });
  const conditions = new Map<number, string>();
  for (let year = years.first; year <= years.last; year++) addYear(record, care, year, conditions);
  return recordOf(record, member);
};

const addYear = (record: RecordBuilder, care: Care, year: number, conditions: Map<number, string>): void => {
  const spring = addEncounter(record, care, { kind: 'checkup', date: `${year}-03-11`, practitioner: care.doctor });
  addExamination(record, care, spring, year);
  const problem = problems.get(year);
  if (problem) {
    const [code, name, months] = problem;
    conditions.set(year, addCondition(record, spring, 'problem-list-item', code, name, months));
  }
  const operation = operations.get(year);
  if (operation) {
    const date = `${year}-05-14`;
    const stay = addEncounter(record, care, { kind: 'inpatient', date, practitioner: care.specialist, nights: 1 });
    addProcedure(record, stay, ...operation, {});
  }
  // Each prescription lasts a year. The last one is active.
  for (const [medicine, since, reason, dose] of treatments) {
    if (year < since) continue;
    const status = year === years.last ? 'active' : 'completed';
    addRequest(record, spring, conditions.get(reason) ?? '', medicines[medicine], dose, status);
  }
};

const addExamination = (record: RecordBuilder, care: Care, visit: Visit, year: number): void => {
  addBloodPressure(record, visit, [126, 150], [74, 92]);
  addWeight(record, visit, 84, 177);
  // In the early years there is a blood test every other year.
  if (year < 2014 && year % 2 === 1) return;
  addBloodTest(record, care, visit, ...kidneys);
  if (year >= 2001) addBloodTest(record, care, visit, ...lipids);
  if (year >= 2008) addBloodTest(record, care, visit, ...thyroid);
};
