import { testMembers } from './data/member-list.ts';
import type { MemberRecord } from './data/record.ts';

/** Whose records a member may share beside their own: member IDs, by the member ID of who signs in. */
const dependents: Readonly<Record<string, readonly string[]>> = {
  [testMembers.claims.memberId]: [testMembers.child.memberId],
};

/** The records of an account: the member's own, then those of the members whom the account also stands for. */
export const accountOf = (records: readonly MemberRecord[], own: MemberRecord): readonly MemberRecord[] => {
  const others = dependents[own.member.memberId] ?? [];
  return [own, ...records.filter(({ member }) => others.includes(member.memberId))];
};
