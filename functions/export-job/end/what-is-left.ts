import type { Export } from '../../shared/store/export-item.ts';
import type { JobDeps } from '../job/deps.ts';
import type { NotReadReason, Problem } from '../reading/problems.ts';
import { isAccountedFor, parseName, seenNames } from '../reading/seen-names.ts';
import type { Wanted } from '../record/wanted.ts';
import { readFileList } from '../state/plan-files.ts';
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

/** What an export has, and why it ends before its queue is empty; undefined if nothing is left. */
interface Left {
  readonly state: JobState;
  readonly wanted: Wanted;
  readonly why: NotReadReason | undefined;
}

/**
 * The same for an exchange: its files were not known yet, or some were not read.
 * @throws whatever the bucket throws
 */
export const leftOfExchange = async (
  deps: Pick<JobDeps, 'objects'>,
  { exchange }: Pick<Export, 'exchange'>,
  stateKey: Uint8Array,
  { state, why }: Pick<Left, 'state' | 'why'>,
): Promise<readonly Problem[]> => {
  const [task] = state.known.queue;
  if (why === undefined || task === undefined) return [];
  if (task.kind === 'ask' || task.kind === 'poll') {
    return [{ kind: 'planNotDone', type: exchange === 'match' ? 'Group' : everything, why }];
  }
  if (task.kind !== 'files') return [];
  const { files } = await readFileList(deps, stateKey, task.list);
  const left = files.slice(task.at).filter(({ kind }) => kind === 'output');
  return [...Map.groupBy(left, ({ type }) => type)].map(([type, { length: count }]) => ({
    kind: 'filesNotRead',
    type,
    count,
    why,
  }));
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
  { state, wanted, why }: Left,
): Promise<readonly Problem[]> => {
  if (why === undefined) return [];
  const types = new Set(
    state.known.queue.flatMap((task) => {
      // Nothing was planned yet.
      if (task.kind === 'statement') return [everything];
      return task.kind === 'search' ? [task.type] : [];
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
