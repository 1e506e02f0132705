import type { JobDeps } from '../deps.ts';
import type { Wanted } from '../plan/wanted.ts';
import type { NotReadReason, Problem } from '../reading/problems.ts';
import { isAccountedFor, parseName, seenNames } from '../reading/seen-names.ts';
import { readStateFile, referredIn } from '../state/state-file.ts';
import { everything, type JobState } from '../state/state.ts';

/** How many references of each type are still to be read. */
const countReferences = async (
  deps: JobDeps,
  stateKey: Uint8Array,
  state: JobState,
  wanted: Wanted,
): Promise<ReadonlyMap<string, number>> => {
  const counts = new Map<string, number>();
  const task = state.known.queue.find(({ kind }) => kind === 'references');
  if (task?.kind !== 'references') return counts;
  const seen = seenNames(state.seen, stateKey);
  for (let file = task.file; file < state.referenceFiles.length; file += 1) {
    const names = referredIn(await readStateFile(deps, stateKey, state.referenceFiles[file]!));
    for (const name of names.slice(file === task.file ? task.at : 0)) {
      const { type } = parseName(name);
      if (wanted.may(type, 'r') && !isAccountedFor(seen, name)) counts.set(type, (counts.get(type) ?? 0) + 1);
    }
  }
  return counts;
};

/**
 * The problems to report if an export ends before its queue is empty: one for each type that was not searched to the end,
 * and one for each other type with references that were not read.
 * @param wanted what the scope allowed at the kick-off
 * @throws whatever the bucket throws
 */
export const whatIsLeft = async (
  deps: JobDeps,
  stateKey: Uint8Array,
  { state, wanted, why }: { readonly state: JobState; readonly wanted: Wanted; readonly why: NotReadReason },
): Promise<readonly Problem[]> => {
  const types = new Set(
    state.known.queue.flatMap((task) => {
      if (task.kind === 'references' || task.kind === 'attachments') return [];
      // Nothing was planned yet.
      return [task.kind === 'statement' ? everything : task.type];
    }),
  );
  const references = await countReferences(deps, stateKey, state, wanted);
  return [
    ...[...types].map((type) => ({ kind: 'typeNotRead', type, why }) as const),
    ...[...references]
      .filter(([type]) => !types.has(type))
      .map(([type, count]) => ({ kind: 'referencesNotRead', type, count, why }) as const),
  ];
};
