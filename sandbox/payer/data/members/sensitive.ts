import { createBuilder, dayAfter } from '../builder.ts';
import { addCare } from '../care.ts';
import { systems } from '../codes.ts';
import { addNote } from '../documents.ts';
import { addRequest, medicines, routes } from '../medications.ts';
import { testMembers } from '../member-list.ts';
import { addPerson } from '../patient.ts';
import { addCondition } from '../problems.ts';
import { recordOf } from '../record.ts';
import type { MemberRecord } from '../record.ts';
import { addEncounter } from '../visits.ts';

/** What a security label says: the kind of sensitive information, in codes of HL7's v3 ActCode. */
const labels = {
  mentalHealth: ['MH', 'mental health information sensitivity'],
  substanceUse: ['SUD', 'substance use disorder information sensitivity'],
  hiv: ['HIV', 'HIV/AIDS information sensitivity'],
} as const;

/**
 * A member with data that has extra legal protection (42 CFR Part 2, state laws). Each such resource carries a
 * security label in its `meta`, and is confidential: restricted.
 */
export const generateSensitiveMember = (seed: number): MemberRecord => {
  const member = testMembers.sensitive;
  const plain = createBuilder(seed, 'sensitive', member.birthDate, dayAfter('2024-01-01'));
  const care = addCare(plain);
  addPerson(plain, member, { gender: 'male', care });
  const topics = [
    ['mentalHealth', '2024-02-12', '35489007', 'Depressive disorder'],
    ['substanceUse', '2025-01-20', '75544000', 'Opioid dependence'],
    ['hiv', '2026-04-08', '86406008', 'Human immunodeficiency virus infection'],
  ] as const;
  const treatments = {
    mentalHealth: [medicines.fluoxetine, [routes.oral, 20, 'mg', 1, 'In the morning']],
    substanceUse: [medicines.buprenorphine, [routes.sublingual, 8, 'mg', 1, 'Under the tongue, once a day']],
    hiv: undefined,
  } as const;
  for (const [topic, date, code, name] of topics) {
    const [labelCode, display] = labels[topic];
    const record = plain.labeled([
      { system: systems.confidentiality, code: 'R', display: 'restricted' },
      { system: systems.actCode, code: labelCode, display },
    ]);
    const visit = addEncounter(record, care, { kind: 'followUp', date, practitioner: care.doctor });
    const condition = addCondition(record, visit, 'problem-list-item', code, name);
    const treatment = treatments[topic];
    if (treatment) addRequest(record, visit, condition, treatment[0], treatment[1], 'active');
    addNote(record, care, visit, '11506-3', 'Progress note', [
      `${name}: this note is made up, and labeled ${labelCode}.`,
    ]);
  }
  return recordOf(plain, member);
};
