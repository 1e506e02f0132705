import { createBuilder, dayAfter } from '../builder.ts';
import { addCare } from '../care.ts';
import { snomed } from '../codes.ts';
import { addBloodTest } from '../labs.ts';
import { addRequest, medicines, routes } from '../medications.ts';
import { testMembers } from '../member-list.ts';
import type { PayerId } from '../member-list.ts';
import { addPerson } from '../patient.ts';
import { addAllergy, addCondition } from '../problems.ts';
import { recordOf } from '../record.ts';
import type { MemberRecord } from '../record.ts';
import { addEncounter } from '../visits.ts';
import { addBloodPressure } from '../vitals.ts';
import { bloodSugar, lipids } from './tests.ts';

/** What each payer has on record. The person changed from Demo Health Plan to Northwind at the beginning of 2024. */
const records = {
  'demo-health-plan': { name: 'two-plans', plan: 'Sandbox Health Plan', years: [2020, 2021, 2022, 2023] },
  northwind: { name: 'two-plans-northwind', plan: 'Northwind Test Plan', years: [2023, 2024, 2025, 2026] },
} as const;

/**
 * One person with a record at each payer. Both have the person, the penicillin allergy, the diabetes and the visit of
 * 2023, each under its own ids; the rest differs.
 */
export const generateTwoPlansMember = (seed: number, payer: PayerId): MemberRecord => {
  const member = testMembers['two-plans'];
  const { name, plan, years } = records[payer];
  const record = createBuilder(seed, name, member.birthDate, dayAfter(`${years[0]}-01-01`));
  const care = addCare(record, plan);
  addPerson(record, member, { gender: 'female', care });
  for (const year of years) {
    const visit = addEncounter(record, care, { kind: 'checkup', date: `${year}-06-05`, practitioner: care.doctor });
    addBloodPressure(record, visit, [112, 128], [70, 82]);
    addBloodTest(record, care, visit, ...bloodSugar);
    if (payer === 'northwind') addBloodTest(record, care, visit, ...lipids);
    if (year !== years[0]) continue;
    const diabetes = addCondition(record, visit, 'problem-list-item', '44054006', 'Diabetes mellitus type 2');
    addAllergy(record, visit, 'medication', 'low', snomed('91936005', 'Allergy to penicillin'), {
      manifestation: [snomed('271807003', 'Eruption of skin')],
      severity: 'mild',
    });
    // Northwind has a higher dose, so an app that merges the records must choose.
    const milligrams = payer === 'northwind' ? 1000 : 500;
    const dose = [routes.oral, milligrams, 'mg', 1, 'With dinner'] as const;
    addRequest(record, visit, diabetes, medicines.metformin, dose, payer === 'northwind' ? 'active' : 'completed');
  }
  return recordOf(record, member);
};
