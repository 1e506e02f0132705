import { memberEndsMs, type GroupMember } from '../../shared/exchanges/group.ts';
import type { ExchangeInput } from '../../shared/exchanges/input.ts';
import type { Keeping } from '../leg/keep.ts';
import type { LinesReason, Problem } from '../reading/problems.ts';
import type { ListedFile } from '../state/plan-files.ts';
import { beyondFilters } from './type-filters.ts';

export type GroupInput = Extract<ExchangeInput, { kind: 'group' }>;
export type MatchInput = Extract<ExchangeInput, { kind: 'match' }>;

/** Whose lines a group export keeps. */
export interface LineRules {
  /** The plan's patient ids of the members to export. It gets smaller as their consents and periods end. */
  readonly allowed: ReadonlySet<string>;
  /** The plan's patient ids of the members who are left out. */
  readonly leftOut: ReadonlySet<string>;
  /** The same for members who were not asked for. */
  readonly others: ReadonlySet<string>;
  /** The members asked for who may no longer be exported. */
  readonly lost: ReadonlySet<string>;
  /** Whether the plan's Group may have others than the input knows. */
  readonly isMixed: () => boolean;
  /** Notes that it may. */
  readonly noteMixed: () => void;
  /** Whether the plan's whole Group was asked for, and all of it may still be exported: the gateway leaves out entries of a Group, too. */
  readonly isWhole: () => boolean;
  /** Leaves out the members whose consent or period in the plan's Group has ended. @param nowMs epoch milliseconds */
  readonly leaveOutEnded: (nowMs: number) => void;
  /** The types that were asked for; undefined for all. */
  readonly types: ReadonlySet<string> | undefined;
  /** Milliseconds. */
  readonly since: number | undefined;
  readonly until: number | undefined;
  /** Whether only some resources of a type were asked for, by their times or by filters. */
  readonly isLimited: boolean;
  /** Whether the requested filters certainly do not match a resource. */
  readonly isBeyond: ReturnType<typeof beyondFilters>;
}

/** How the lines of a file are taken. */
export interface LineTaking extends Keeping {
  readonly lines: LineRules;
  readonly file: ListedFile;
  /** Counts lines that are to be reported. */
  readonly count: (why: LinesReason, type: string) => void;
  readonly report: (problem: Problem) => void;
}

/** The id in a member's reference, `Patient/x`. */
export const patientIn = ({ reference }: Pick<GroupMember, 'reference'>): string =>
  reference.slice(reference.lastIndexOf('/') + 1);

const timeOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : Date.parse(text));

/**
 * The members among patients, by the ids that the plan's Group gives them; each once. What a Patient links to is nobody's: that id may be
 * somebody's whom an operator has ended, or of whom this Group says nothing.
 */
export const membersOf = ({ allowed }: Pick<LineRules, 'allowed'>, patients: readonly string[]): readonly string[] => [
  ...new Set(patients.filter((patient) => allowed.has(patient))),
];

/**
 * @param members those of the input who are still allowed
 * @param mixed whether the payer's Group may have others than the input knows
 */
export const lineRulesOf = (input: GroupInput, members: readonly GroupMember[], mixed: boolean): LineRules => {
  const { asked } = input;
  let isMixed = mixed;
  const allowed = new Set(members.map(patientIn));
  const lost = new Set(input.members.map(patientIn).filter((id) => !allowed.has(id)));
  const leftOut = new Set([...input.leftOut.map(patientIn).filter((id) => !allowed.has(id)), ...lost]);
  const endsMs = new Map<string, number>();
  for (const member of members) {
    const id = patientIn(member);
    endsMs.set(id, Math.max(endsMs.get(id) ?? 0, memberEndsMs(member)));
  }
  const firstEndMs = (): number => [...endsMs.values()].reduce((first, end) => Math.min(first, end), Infinity);
  let nextMs = firstEndMs();
  const leaveOutEnded = (nowMs: number): void => {
    if (nowMs < nextMs) return;
    for (const [id] of [...endsMs].filter(([, end]) => nowMs >= end)) {
      endsMs.delete(id);
      allowed.delete(id);
      lost.add(id);
      leftOut.add(id);
    }
    nextMs = firstEndMs();
  };
  return {
    allowed,
    leftOut,
    others: new Set((input.others ?? []).map((reference) => patientIn({ reference }))),
    lost,
    isMixed: () => isMixed,
    noteMixed: () => void (isMixed = true),
    isWhole: () => !isMixed && allowed.size === input.groupMembers,
    leaveOutEnded,
    types: asked.types === undefined ? undefined : new Set(asked.types),
    since: timeOf(asked.since),
    until: timeOf(asked.until),
    isLimited: (asked.since ?? asked.until ?? asked.typeFilters?.[0]) !== undefined,
    isBeyond: beyondFilters(asked.typeFilters),
  };
};
