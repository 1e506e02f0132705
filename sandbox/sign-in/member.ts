import { UsageError } from '../../bin/shared/errors.ts';
import { otherwise, read } from '../../bin/shared/spec.ts';
import { memberKeys, testMembers } from '../payer/data/member-list.ts';
import type { MemberKey } from '../payer/data/member-list.ts';
import type { WalkMember } from '../payer/walk.ts';

/** A test member of the sandbox, with an e-mail address for their account. */
export const memberNamed = (key: MemberKey): WalkMember => {
  const { firstName, lastName, birthDate, memberId, postalCode } = testMembers[key];
  return { firstName, lastName, birthDate, memberId, postalCode, email: `${key}@example.com` };
};

const keyIn = (name: string): MemberKey => {
  const key = memberKeys.find((known) => known === name);
  if (key !== undefined) return key;
  throw new UsageError(`There is no member ${JSON.stringify(name)}; use one of: ${memberKeys.join(', ')}`);
};

/** Who signs in. */
export const memberFlag = otherwise(read(`the member who signs in: ${memberKeys.join(', ')}`, keyIn), 'clinical');
