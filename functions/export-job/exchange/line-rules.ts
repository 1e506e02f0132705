import { consentEndsMs, type GroupMember } from '../../shared/exchanges/group.ts';
import type { ExchangeInput } from '../../shared/exchanges/input.ts';
import type { Keeping } from '../leg/keep.ts';
import { mostLinked } from '../reading/check-resource.ts';
import type { LinesReason, Problem } from '../reading/problems.ts';
import type { ListedFile } from '../state/plan-files.ts';
import { beyondFilters } from './type-filters.ts';

export type GroupInput = Extract<ExchangeInput, { kind: 'group' }>;
export type MatchInput = Extract<ExchangeInput, { kind: 'match' }>;

/** Whose lines a group export keeps. */
export interface LineRules {
  /** The plan's patient ids of the members to export. It gets smaller as their consents end. */
  readonly allowed: ReadonlySet<string>;
  /** The same, and their other ids at the plan, each with the member's. Grows as Patients are read that say so. */
  readonly ids: Map<string, string>;
  /** How many other ids each member has. */
  readonly linked: Map<string, number>;
  /** The plan's patient ids of the members who are left out. */
  readonly leftOut: ReadonlySet<string>;
  /** The same for members who were not asked for. */
  readonly others: ReadonlySet<string>;
  /** The members asked for who may no longer be exported. */
  readonly lost: ReadonlySet<string>;
  /** Leaves out the members whose consent has ended. @param nowMs epoch milliseconds */
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

/** Another id of a member, as the job's state stores it. */
export const linkOf = (member: string, other: string): string => `${member} ${other}`;

/** Adds another id of a member, unless the id belongs to a different member, or the member has enough. Says whether it is new. */
export const addLink = (
  { ids, linked, allowed, leftOut, others }: Pick<LineRules, 'ids' | 'linked' | 'allowed' | 'leftOut' | 'others'>,
  link: string,
): boolean => {
  const [member = '', other = ''] = link.split(' ');
  const before = linked.get(member) ?? 0;
  const isOthers = leftOut.has(other) || others.has(other) || ids.has(other);
  if (!allowed.has(member) || isOthers || before === mostLinked) return false;
  ids.set(other, member);
  linked.set(member, before + 1);
  return true;
};

/** The members among patients, by their own ids at the plan; each once. */
export const membersOf = ({ ids }: Pick<LineRules, 'ids'>, patients: readonly string[]): readonly string[] => [
  ...new Set(patients.flatMap((patient) => ids.get(patient) ?? [])),
];

/**
 * @param members those of the input who are still allowed
 * @param links other ids of members
 */
export const lineRulesOf = (
  input: GroupInput,
  members: readonly GroupMember[],
  links: readonly string[] = [],
): LineRules => {
  const { asked } = input;
  const allowed = new Set(members.map(patientIn));
  const lost = new Set(input.members.map(patientIn).filter((id) => !allowed.has(id)));
  const whose = {
    allowed,
    ids: new Map([...allowed].map((id) => [id, id])),
    linked: new Map<string, number>(),
    leftOut: new Set([...input.leftOut.map(patientIn).filter((id) => !allowed.has(id)), ...lost]),
    others: new Set((input.others ?? []).map((reference) => patientIn({ reference }))),
  };
  for (const link of links) {
    const [member = '', other = ''] = link.split(' ');
    // A lost member's other ids are not a stranger's.
    if (lost.has(member) && !allowed.has(other)) whose.leftOut.add(other);
    else addLink(whose, link);
  }
  const endsMs = new Map<string, number>();
  for (const member of members) {
    const id = patientIn(member);
    endsMs.set(id, Math.max(endsMs.get(id) ?? 0, consentEndsMs(member.consent)));
  }
  const firstEndMs = (): number => [...endsMs.values()].reduce((first, end) => Math.min(first, end), Infinity);
  let nextMs = firstEndMs();
  const leaveOutEnded = (nowMs: number): void => {
    if (nowMs < nextMs) return;
    for (const [id] of [...endsMs].filter(([, end]) => nowMs >= end)) {
      endsMs.delete(id);
      allowed.delete(id);
      lost.add(id);
      for (const [own, member] of whose.ids) {
        if (member !== id) continue;
        whose.ids.delete(own);
        whose.leftOut.add(own);
      }
    }
    nextMs = firstEndMs();
  };
  return {
    ...whose,
    lost,
    leaveOutEnded,
    types: asked.types === undefined ? undefined : new Set(asked.types),
    since: timeOf(asked.since),
    until: timeOf(asked.until),
    isLimited: (asked.since ?? asked.until ?? asked.typeFilters?.[0]) !== undefined,
    isBeyond: beyondFilters(asked.typeFilters),
  };
};
