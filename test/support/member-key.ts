import { createHmac } from 'node:crypto';
import type { IndexMember } from '../../functions/shared/store/index-member.ts';
import { memberMessage } from '../../functions/shared/store/member-index.ts';

/** Computes members' indexes with the test's own key, in place of KMS's. */
export const indexMember: IndexMember = async (member) =>
  createHmac('sha256', 'the key of the tests').update(memberMessage(member)).digest('base64url');
