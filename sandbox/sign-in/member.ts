import { memberKeys, testMembers } from '../payer/data/member-list.ts';
import type { MemberKey } from '../payer/data/member-list.ts';
import type { WalkMember } from '../payer/walk.ts';

/** A test member of the sandbox, with an e-mail address for their account. */
export const memberNamed = (key: MemberKey): WalkMember => {
  const { firstName, lastName, birthDate, memberId, postalCode } = testMembers[key];
  return { firstName, lastName, birthDate, memberId, postalCode, email: `${key}@example.com` };
};

/** The key that `--member` gives. */
export const readMemberKey = (text: string): MemberKey => {
  const key = memberKeys.find((known) => known === text);
  if (!key) throw new Error(`there is no member "${text}"; use one of: ${memberKeys.join(', ')}`);
  return key;
};
