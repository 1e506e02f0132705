import { GatewayError } from '../../shared/errors.ts';
import { endedReferences, whyLeftOut, type GroupBody, type GroupMember } from '../../shared/exchanges/group.ts';
import type { ExchangeInput } from '../../shared/exchanges/input.ts';
import { belowBase } from '../../shared/fhir/base-url-prefix.ts';
import { malformed } from '../../shared/fhir/refusals.ts';

type Chosen = Pick<Extract<ExchangeInput, { kind: 'group' }>, 'members' | 'leftOut' | 'others' | 'groupMembers'>;

interface Choice {
  /** How many entries the payer's Group has: those whom the gateway left out are still in it. */
  readonly entries: number;
  /** Whether the payer's Group may have the members of another match, too. They count as one more entry. */
  readonly isMixed: boolean;
  /** References to patients that the caller names; empty for all. */
  readonly named: readonly string[];
  /** FHIR bases below which a reference means the same as a relative one. */
  readonly bases: readonly string[];
  /** Hashes of the members whom an operator has ended. */
  readonly ended: readonly string[];
  readonly nowMs: number;
}

/** A reference to a patient, relative if it is below one of the bases; an id alone is one too. */
const relative = (reference: string, bases: readonly string[]): string => {
  const below = bases.map((base) => belowBase(reference, base)).find((rest) => rest !== undefined);
  const path = below?.slice(1) ?? reference;
  return path.includes('/') ? path : `Patient/${path}`;
};

/** The members of a Group that the caller names. @throws GatewayError 400 for one that is not in it */
const requireNamed = (all: readonly GroupMember[], { named, bases }: Choice): readonly GroupMember[] => {
  if (named.length === 0) return all;
  const wanted = new Set(named.map((reference) => relative(reference, bases)));
  const found = all.filter(({ reference }) => wanted.has(relative(reference, bases)));
  if (new Set(found.map(({ reference }) => relative(reference, bases))).size < wanted.size) {
    throw malformed('patient names someone who is not in the Group. Name its members as member.entity does.');
  }
  return found;
};

const noneLeft = (ended: number): GatewayError =>
  new GatewayError(
    'access_denied',
    ended === 0
      ? 'The Group has no members, so there is nothing to export.'
      : 'No member may be exported: the Consent or the period in the Group has ended, or the exchange was ended for the member. Send a match with new Consents.',
    { detail: `${ended} members left out` },
  );

/**
 * The members of a Group who may be exported now: consents are checked again at each export (pdex-167), in UTC, as are periods in the payer's Group.
 * @throws GatewayError 400 for a patient who is not in the Group, 403 if nobody is left
 */
export const chooseMembers = ({ members: all }: Pick<GroupBody, 'members'>, choice: Choice): Chosen => {
  const named = requireNamed(all, choice);
  const ended = endedReferences(all, choice.ended);
  const whyNot = (member: GroupMember) => whyLeftOut(member, ended, choice.nowMs);
  const leftOut = named.flatMap((member) => {
    const why = whyNot(member);
    return why === undefined ? [] : [{ ...member, why } as const];
  });
  const members = named.filter((member) => whyNot(member) === undefined);
  if (members.length === 0) throw noneLeft(leftOut.length);
  const others = all.filter((member) => !named.includes(member)).map(({ reference }) => reference);
  const groupMembers = Math.max(choice.entries, all.length) + (choice.isMixed ? 1 : 0);
  return { members, leftOut, ...(others.length > 0 && { others }), groupMembers };
};
