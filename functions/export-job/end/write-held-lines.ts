import { answerBases } from '../../shared/registry/fhir-bases.ts';
import { asFormerPlan } from '../../shared/registry/former-plan.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { linesNow } from '../exchange/exchange-leg.ts';
import { leaveHeld } from '../exchange/leave-held.ts';
import type { Job } from '../job/job.ts';
import { partWriter } from '../job/parts.ts';
import { heldLine, missingName, settleHeld, whyLeftOut } from '../leg/held-line.ts';
import { reportUnclear } from '../leg/keep.ts';
import type { HeldLeaving } from '../leg/leg.ts';
import { createProblemList } from '../reading/problem-list.ts';
import type { NotReadReason, Problem } from '../reading/problems.ts';
import { seenNames, type SeenNames } from '../reading/seen-names.ts';
import { readHeldLines } from '../state/held-lines.ts';
import { closeKnown, openKnown, type NextKnown } from '../state/next-known.ts';
import type { JobState, WrittenPart } from '../state/state.ts';

/** What is left out at the end of a group export. */
const leavingNow = async (
  job: Pick<Job, 'deps' | 'input'>,
  item: Export,
  changed: { readonly next: NextKnown; readonly seen: SeenNames },
): Promise<HeldLeaving | undefined> => {
  if (item.exchange === undefined) return undefined;
  const lines = await linesNow(job, item, await job.input(item));
  return lines && leaveHeld(lines, changed, () => job.deps.clock.now());
};

interface HeldAtEnd {
  readonly state: JobState;
  readonly stateKey: Uint8Array;
  /** Why nothing more is read; undefined if nothing is left. */
  readonly why: NotReadReason | undefined;
}

/**
 * Writes the lines whose attachments were not all fetched before the export ended.
 * @returns their parts, for each type how many attachments are missing, and what is known afterward
 * @throws whatever the bucket throws
 */
export const writeHeldLines = async (
  job: Pick<Job, 'deps' | 'buffers' | 'input'>,
  item: Export,
  { state, stateKey, why }: HeldAtEnd,
): Promise<{
  readonly parts: readonly WrittenPart[];
  readonly problems: readonly Problem[];
  readonly known: JobState['known'];
}> => {
  const { deps, buffers } = job;
  const { known } = state;
  const task = known.queue.find(({ kind }) => kind === 'attachments');
  if (task?.kind !== 'attachments' || why === undefined) return { parts: [], problems: [], known };
  const registered = await deps.registry.payer(item.payer, { evenIfPaused: true });
  const payer = item.exchange === undefined || registered === undefined ? registered : asFormerPlan(registered);
  const places = new Map(state.attachments.map(({ from }, at) => [from, { at }]));
  const rules = {
    origin: deps.origin,
    item,
    basesAt: (home?: string) => (payer === undefined ? { bases: [] } : answerBases(payer, home)),
    seen: seenNames(state.seen, stateKey),
    find: (from: string) => places.get(from),
  };
  const next = openKnown(known);
  const leaving = await leavingNow(job, item, { next, seen: rules.seen });
  const parts = partWriter(deps, item.exportId, item.recipient, buffers);
  const counts = new Map<string, number>();
  const others = createProblemList();
  const read = (name: string) => readHeldLines(deps, stateKey, name);
  if (task.file === 0 && task.at === 0) await settleHeld(state.held, known, rules.seen, read);
  for (let file = task.file; file < state.held.length; file += 1) {
    const lines = await read(state.held[file]!.object);
    for (const held of lines.slice(file === task.file ? task.at : 0)) {
      const { type, attachments } = held;
      const leftOut = whyLeftOut(held, rules.seen);
      if (leftOut !== undefined) {
        others.add(leftOut);
        next.resources -= 1;
        continue;
      }
      if (leaving?.isLeftOut(held) === true) {
        leaving.leaveOut(held);
        continue;
      }
      const missing = attachments.filter((one) => !places.has(one.from) && !rules.seen.has(missingName(held, one)));
      if (missing.length > 0) counts.set(type, (counts.get(type) ?? 0) + missing.length);
      if (payer !== undefined) {
        const whose = { payer, seen: rules.seen, problems: others, binaries: 'covered' as const };
        reportUnclear(whose, held, { urls: held.others ?? [], bases: rules.basesAt(held.home) }, others.add);
      }
      parts.add(type, heldLine(held, rules));
      leaving?.noteWritten(held);
      await parts.putIfLarge();
    }
  }
  return {
    parts: await parts.put(),
    problems: [
      ...[...counts].map(([type, count]) => ({ kind: 'attachmentsNotRead', type, count, why }) as const),
      ...others.listed(),
      ...(leaving?.takeProblems() ?? []),
    ],
    known: closeKnown(next, known, known),
  };
};
