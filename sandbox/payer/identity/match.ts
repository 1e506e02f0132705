import { testMembers } from '../data/member-list.ts';
import { street } from '../data/patient.ts';
import type { MemberRecord } from '../data/record.ts';
import type { Identity } from './id-token.ts';

/** The members whom an identity describes, by any of the three rules. Only one may be meant. */
export const membersMatching = (records: readonly MemberRecord[], identity: Identity): readonly MemberRecord[] =>
  records.filter((record) => {
    const { member } = record;
    if (!same(identity.given_name, member.firstName) || identity.birthdate !== member.birthDate) return false;
    const { mbi, ssnLastFour } = numbersOf(record);
    if (same(identity.mbi, mbi)) return true;
    if (!same(identity.family_name, member.lastName)) return false;
    return identity.ssn_itin_short === ssnLastFour || livesThere(identity);
  });

const numbersOf = ({ member }: MemberRecord) =>
  Object.values(testMembers).find(({ memberId }) => memberId === member.memberId)!;

/** All members live in the same house, now or before. */
const livesThere = ({ address, historical_address: earlier = [] }: Identity): boolean =>
  [address, ...earlier].some((one) => same(one?.street_address?.split('\n')[0], street.line[0]));

const same = (given: string | undefined, known: string): boolean => plain(given ?? '') === plain(known);

const plain = (text: string): string => text.trim().replaceAll(/\s+/g, ' ').toLowerCase();
