import {
  disprove,
  evidenceOf,
  isOnlyGiven,
  noteWhose,
  ofWholeGroup,
  whoseBy,
  type HangsOn,
  type Whose,
} from '../reading/hangs-on.ts';
import type { SeenNames } from '../reading/seen-names.ts';

/*
 * Decides who owns the resources that name no patient, once everything has been read. Most of them depend only on resources whose owner is
 * known. The others depend on each other, such as a Provenance of a List, and are settled together: first those that depend on another
 * patient's resource, directly or through others; then those that depend on the member's, or that the member's refer to; and last those
 * that came as the member's and refer to nothing that is missing, directly or through others, with those that came because these refer to them.
 * Another patient's among the answers disproves that last reason, so what has no other is settled once each of the first is known; but for what
 * came of a Group, whose files say that themselves.
 */

/** The most resources that are settled together, and the most references among them. Beyond these limits the owner stays unknown. */
const mostTogether = { resources: 200_000, references: 1_000_000 };

interface Waiting {
  readonly name: string;
  readonly hangsOn: HangsOn;
  isSettled: boolean;
}

/** Settles who owns resources. */
export interface Settling {
  /** @param name its identity */
  readonly take: (name: string, hangsOn: HangsOn) => void;
  /** Settles those that depend on each other, once all have been taken. */
  readonly end: () => void;
}

export const settling = (seen: SeenNames, most = mostTogether): Settling => {
  const together: Waiting[] = [];
  let references = 0;

  const note = (name: string, hangsOn: HangsOn, whose: Whose): void => {
    noteWhose(seen, name, hangsOn, whose);
    const { problem, came } = hangsOn;
    if (whose === 'other' && problem.kind === 'otherPatient' && problem.from === 'search') disprove(seen, came);
  };

  const settle = (one: Waiting, whose: Whose): void => {
    one.isSettled = true;
    note(one.name, one.hangsOn, whose);
  };

  /** The first ones, and all that `reach` leads to from them, except those already settled. Takes linear time. */
  const reached = (first: readonly Waiting[], reach: (from: Waiting) => readonly Waiting[]): ReadonlySet<Waiting> => {
    const found = new Set<Waiting>();
    const left = [...first];
    for (let one = left.pop(); one !== undefined; one = left.pop()) {
      if (one.isSettled || found.has(one)) continue;
      found.add(one);
      for (const next of reach(one)) left.push(next);
    }
    return found;
  };

  const spread = (first: readonly Waiting[], whose: Whose, reach: (from: Waiting) => readonly Waiting[]): void => {
    for (const one of reached(first, reach)) settle(one, whose);
  };

  return {
    take: (name, hangsOn) => {
      const evidence = evidenceOf(hangsOn, name, seen);
      const whose = whoseBy(hangsOn, evidence);
      const mayBeDisproved = whose === 'member' && isOnlyGiven(evidence) && hangsOn.came !== ofWholeGroup;
      const isKnown = !evidence.isOpen && !mayBeDisproved;
      if (evidence.isAnothers || isKnown) note(name, hangsOn, whose);
      else if (together.length >= most.resources || references + hangsOn.names.length > most.references)
        noteWhose(seen, name, hangsOn, 'unknown');
      else {
        references += hangsOn.names.length;
        together.push({ name, hangsOn, isSettled: false });
      }
    },

    end: () => {
      const byName = new Map(together.map((one) => [one.name, one]));
      const hangOn = new Map<string, Waiting[]>();
      for (const one of together) {
        for (const name of one.hangsOn.names) {
          const list = hangOn.get(name);
          if (list === undefined) hangOn.set(name, [one]);
          else list.push(one);
        }
      }
      const left = (): readonly Waiting[] => together.filter(({ isSettled }) => !isSettled);
      const evidence = ({ hangsOn, name }: Waiting) => evidenceOf(hangsOn, name, seen);
      const onIt = ({ name }: Waiting): readonly Waiting[] => hangOn.get(name) ?? [];
      const isReferred = ({ hangsOn }: Waiting): boolean => hangsOn.came === 'referred';
      /** Those that came only because waiting resources such as this one refer to them. */
      const byIt = ({ hangsOn }: Waiting): readonly Waiting[] =>
        hangsOn.names.flatMap((name) => {
          const one = byName.get(name);
          return one !== undefined && isReferred(one) ? [one] : [];
        });

      spread(
        left().filter((one) => evidence(one).isAnothers),
        'other',
        onIt,
      );
      for (const one of left()) if (one.hangsOn.isThing === true) settle(one, 'nobody');
      const both = (one: Waiting): readonly Waiting[] => [...onIt(one), ...byIt(one)];
      spread(
        left().filter((one) => evidence(one).isMembers || isOnlyGiven(evidence(one))),
        'member',
        both,
      );
      const lost = reached(
        left().filter((one) => (isReferred(one) ? evidence(one).isLacking : !evidence(one).isGiven)),
        onIt,
      );
      spread(
        left().filter((one) => !isReferred(one) && !lost.has(one)),
        'member',
        both,
      );
      for (const one of left()) settle(one, 'unknown');
    },
  };
};
