import { leaveAttachments } from '../leg/held-line.ts';
import type { HeldLeaving } from '../leg/leg.ts';
import { mayBePatients, restsOnGroup } from '../reading/hangs-on.ts';
import type { Problem } from '../reading/problems.ts';
import type { SeenNames } from '../reading/seen-names.ts';
import type { HeldLine } from '../state/held-lines.ts';
import type { NextKnown } from '../state/next-known.ts';
import type { LineRules } from './line-rules.ts';

/** Counts a line that is in the record since the whole Group was asked for: it is named if the Group may have others by the end. */
const noteResting = (
  { byGroup }: Pick<NextKnown, 'byGroup'>,
  { type, file }: { readonly type: string; readonly file: number },
): void => {
  const key = `${file} ${type}`;
  byGroup.set(key, (byGroup.get(key) ?? 0) + 1);
};

const isResting = ({ whose, hangsOn }: HeldLine, seen: SeenNames): boolean =>
  whose?.byGroup === true && (hangsOn === undefined || restsOnGroup(hangsOn, seen));

/**
 * Leaves out lines that wait for their attachments, or until it is known whose they are, once a member whom they name may no longer be
 * exported. A line that names nobody may be about a member who was lost since it came, or about another whom the payer's Group has by now; if no member is left, every such line is left out.
 * @param changed what is counted of the export, and what it has seen
 * @param nowMs the time, in epoch milliseconds
 */
export const leaveHeld = (
  lines: Pick<LineRules, 'allowed' | 'lost' | 'leaveOutEnded' | 'isMixed'>,
  {
    next,
    seen,
  }: { readonly next: Pick<NextKnown, 'about' | 'byGroup' | 'cut' | 'resources'>; readonly seen: SeenNames },
  nowMs: () => number,
): HeldLeaving => {
  const counts = new Map<string, Extract<Problem, { kind: 'fileLines' }>>();
  return {
    isLeftOut: (held) => {
      const { type, whose } = held;
      lines.leaveOutEnded(nowMs());
      if (lines.allowed.size === 0) return true;
      // Each line of an exchange has it.
      const { members, lost } = whose!;
      if (members.length > 0) return members.some((member) => !lines.allowed.has(member));
      if (lines.isMixed() && isResting(held, seen)) return true;
      return mayBePatients(type) && lines.lost.size > lost;
    },
    leaveOut: (held) => {
      const { type, whose } = held;
      next.resources -= 1;
      leaveAttachments(seen, held);
      const { members, file } = whose!;
      for (const member of members) {
        next.about.set(member, (next.about.get(member) ?? 1) - 1);
        if (lines.lost.has(member)) next.cut.add(member);
      }
      // A line that names nobody may be about a member who is still in the export.
      const isBeside = members.some((member) => lines.allowed.has(member));
      const why = members.length === 0 ? 'nameless' : isBeside ? 'besideEnded' : 'endedSince';
      const key = `${type} ${file} ${why}`;
      const count = (counts.get(key)?.count ?? 0) + 1;
      counts.set(key, { kind: 'fileLines', type, file, why, count });
    },
    noteWritten: (held) => {
      if (isResting(held, seen)) noteResting(next, { type: held.type, file: held.whose!.file });
    },
    takeProblems: () => {
      const problems = [...counts.values()];
      counts.clear();
      return problems;
    },
  };
};
