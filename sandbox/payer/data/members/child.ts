import { c4bb, createBuilder, dayAfter, ref } from '../builder.ts';
import { addCare } from '../care.ts';
import { addCoverage, addOfficeClaim, licensed } from '../claims.ts';
import { concept, systems } from '../codes.ts';
import { addDose } from '../immunizations.ts';
import { testMembers } from '../member-list.ts';
import { addPerson, home } from '../patient.ts';
import { recordOf } from '../record.ts';
import type { MemberRecord } from '../record.ts';
import { addTo } from '../time.ts';
import { addEncounter } from '../visits.ts';
import { addWeight } from '../vitals.ts';

const firstDay = '2023-01-01';

/** A child in the plan of a parent, who is the member with claims. */
export const generateChildMember = (seed: number): MemberRecord => {
  const member = testMembers.child;
  const parent = testMembers.claims;
  const record = createBuilder(seed, 'child', member.birthDate, dayAfter(firstDay));
  const care = addCare(record);
  addPerson(record, member, { gender: 'male', care, profiles: ['us-core-patient', c4bb('Patient')] });
  const mother = record.add('RelatedPerson', ['us-core-relatedperson', c4bb('RelatedPerson')], {
    active: true,
    patient: ref(record.patient),
    relationship: [concept(systems.roleCode, 'MTH', 'mother')],
    name: [{ family: parent.lastName, given: [parent.firstName] }],
    telecom: [{ system: 'phone', value: '617-555-0143', use: 'home' }],
    gender: 'female',
    birthDate: parent.birthDate,
    address: [home(parent.postalCode)],
  });
  const subscriber = { id: parent.memberId, reference: mother, relationship: 'child' } as const;
  const coverage = addCoverage(record, care.plan, 'Sandbox PPO', subscriber, firstDay);

  for (const year of [2023, 2024, 2025, 2026]) {
    const kind = 'well';
    const visit = addEncounter(record, care, { kind, date: `${year}-08-18`, practitioner: care.doctor });
    const age = year - 2016;
    addWeight(record, visit, 22 + (age - 7) * 3, 122 + (age - 7) * 6);
    addOfficeClaim(record, care, visit, {
      coverage,
      diagnoses: [['Z00.129', 'Encounter for routine child health examination without abnormal findings']],
      lines: [{ what: licensed.cpt('Preventive visit, 5 to 11 years'), submitted: 240, copay: 0 }],
    });
    if (year === 2026) continue;
    const vaccination = addEncounter(record, care, {
      kind: 'followUp',
      date: addTo(visit.date, 2),
      practitioner: care.doctor,
    });
    addDose(
      record,
      { clinicRooms: care.clinicRooms, nurse: care.doctor },
      vaccination,
      influenzaOf(year),
      'muscle',
      0.5,
      1,
    );
  }
  return recordOf(record, member);
};

/** Quadrivalent vaccines were last sold for the season that began in 2023. */
const influenzaOf = (year: number) => {
  const [code, name] =
    year < 2024
      ? (['150', 'influenza, injectable, quadrivalent, preservative free'] as const)
      : (['140', 'Influenza, seasonal, injectable, preservative free'] as const);
  return concept(systems.cvx, code, name, name);
};
