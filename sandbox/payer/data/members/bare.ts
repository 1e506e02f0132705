import { createBuilder, dayAfter } from '../builder.ts';
import { testMembers } from '../member-list.ts';
import { addPerson } from '../patient.ts';
import { recordOf } from '../record.ts';
import type { MemberRecord } from '../record.ts';

/** A member with nothing but a Patient. */
export const generateBareMember = (seed: number): MemberRecord => {
  const member = testMembers.bare;
  const record = createBuilder(seed, 'bare', member.birthDate, dayAfter('2026-01-02'));
  addPerson(record, member, { gender: 'female' });
  return recordOf(record, member);
};
