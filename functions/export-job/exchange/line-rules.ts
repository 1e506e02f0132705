import type { GroupMember } from '../../shared/exchanges/group.ts';
import type { ExchangeInput } from '../../shared/exchanges/input.ts';

export type GroupInput = Extract<ExchangeInput, { kind: 'group' }>;
export type MatchInput = Extract<ExchangeInput, { kind: 'match' }>;

/** Whose lines a group export keeps. */
export interface LineRules {
  /** The plan's patient ids of the members to export. */
  readonly allowed: ReadonlySet<string>;
  /** The plan's patient ids of the members who are left out. */
  readonly leftOut: ReadonlySet<string>;
  /** The types that were asked for; undefined for all. */
  readonly types: ReadonlySet<string> | undefined;
  /** Milliseconds. */
  readonly since: number | undefined;
  readonly until: number | undefined;
}

/** The id in a member's reference, `Patient/x`. */
export const patientIn = ({ reference }: Pick<GroupMember, 'reference'>): string =>
  reference.slice(reference.lastIndexOf('/') + 1);

const timeOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : Date.parse(text));

/** @param members those of the input who are still allowed */
export const lineRulesOf = (input: GroupInput, members: readonly GroupMember[]): LineRules => {
  const { asked } = input;
  const allowed = new Set(members.map(patientIn));
  return {
    allowed,
    leftOut: new Set([...input.leftOut, ...input.members].map(patientIn).filter((id) => !allowed.has(id))),
    types: asked.types === undefined ? undefined : new Set(asked.types),
    since: timeOf(asked.since),
    until: timeOf(asked.until),
  };
};
