import type { MemberRecord } from '../data/record.ts';
import type { Generated } from './generated.ts';
import type { MemberBundle, SubmittedCoverage } from './request.ts';

const plain = (text: string | undefined): string => (text ?? '').trim().replaceAll(/\s+/g, ' ').toLowerCase();

/** The numbers that a Coverage has for its member. */
const numbersOf = ({ subscriberId, dependent, identifier = [] }: SubmittedCoverage): readonly string[] =>
  [subscriberId, subscriberId && dependent && `${subscriberId}-${dependent}`, ...identifier.map(({ value }) => value)]
    .map(plain)
    .filter((number) => number !== '');

/** The numbers under which the plan knows a member: on their card, and of their coverages. */
const knownNumbers = ({ member, resources }: Pick<MemberRecord, 'member' | 'resources'>): readonly string[] => [
  plain(member.memberId),
  ...resources
    .filter((text) => text.startsWith('{"resourceType":"Coverage"'))
    .flatMap((text) => numbersOf(JSON.parse(text) as SubmittedCoverage)),
];

/** The patient id of the one member whom demographics and coverage describe; undefined if nobody or several fit. */
export const matchedPatient = (
  { patient, coverage }: MemberBundle,
  records: readonly MemberRecord[],
  generated: Generated,
): string | undefined => {
  const numbers = numbersOf(coverage);
  const made = numbers.flatMap((number) => generated.find(number) ?? []);
  const candidates = [...records, ...made.map(({ patientId, member }) => ({ patientId, member, resources: [] }))];
  const found = candidates.filter(
    (candidate) =>
      candidate.member.birthDate === patient.birthDate &&
      (patient.name ?? []).some(
        ({ family, given = [] }) =>
          plain(family) === plain(candidate.member.lastName) && plain(given[0]) === plain(candidate.member.firstName),
      ) &&
      knownNumbers(candidate).some((number) => numbers.includes(number)),
  );
  const ids = new Set(found.map(({ patientId }) => patientId));
  return ids.size === 1 ? [...ids][0] : undefined;
};
