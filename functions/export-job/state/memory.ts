import { createSeenSet } from '../reading/seen.ts';
import type { FileDeps } from './sealed-file.ts';
import { newStateName, readStateFile, writeStateFile, type StateFile } from './state-file.ts';
import { addLists, emptyLists, type Delta, type JobState } from './state.ts';

/** A snapshot is written after this many deltas, so that a new process reads few files. */
const deltasPerSnapshot = 32;

/** The export whose state files are read and written, and the key that seals them. */
export interface StateKey {
  readonly exportId: string;
  readonly stateKey: Uint8Array;
}

/** A state file that was written. */
export interface Committed {
  readonly state: string;
  /** Whether the file replaces all earlier ones. */
  readonly snapshot: boolean;
}

/** The state of one export in this process. A new process rebuilds it from the state files. */
export interface Memory {
  /**
   * The state after these files, oldest first. A caller that changes it must then commit it or forget it.
   * @throws whatever the bucket throws
   */
  readonly after: (key: StateKey, files: readonly string[]) => Promise<JobState>;
  /** Adds a delta to the state and writes it. @throws whatever the bucket throws */
  readonly commit: (key: StateKey, delta: Delta, options?: { readonly snapshot: boolean }) => Promise<Committed>;
  /** Forgets the state, because it has changes that do not count. */
  readonly forget: () => void;
}

/** A state in which nothing has been read. */
const emptyState = (): JobState => ({
  known: { queue: [], planned: [], reported: {}, pages: 0, resources: 0, bytes: 0 },
  ...emptyLists(),
  referenceFiles: [],
  seen: createSeenSet(),
});

const apply = (state: JobState, name: string, delta: Delta): void => {
  state.known = delta.known;
  addLists(state, delta);
  if (delta.referred.length > 0) state.referenceFiles.push(name);
};

export const jobMemory = (deps: FileDeps): Memory => {
  let state: JobState | undefined;
  let last: string | undefined;
  /** How many deltas were written since the last snapshot, and their tags. */
  let deltas = 0;
  let tags: Uint8Array[] = [];
  let snapshots: string[] = [];

  const forget = (): void => {
    state = last = undefined;
    deltas = 0;
    tags = [];
    snapshots = [];
  };

  const load = async (into: JobState, key: StateKey, name: string): Promise<void> => {
    const file = await readStateFile(deps, key.stateKey, name);
    into.seen.load(file.tags);
    if ('delta' in file) {
      apply(into, name, file.delta);
      deltas += 1;
      tags.push(file.tags);
      return;
    }
    const { before, referred: _, ...snapshot } = file.snapshot;
    for (const earlier of before) into.seen.load((await readStateFile(deps, key.stateKey, earlier)).tags);
    Object.assign(into, snapshot);
    snapshots = [...before, name];
  };

  return {
    after: async (key, files) => {
      if (state !== undefined && last === files.at(-1)) return state;
      forget();
      const made = emptyState();
      for (const name of files) await load(made, key, name);
      last = files.at(-1);
      state = made;
      return made;
    },
    commit: async (key, delta, options) => {
      state ??= emptyState();
      const isSnapshot = options?.snapshot ?? deltas >= deltasPerSnapshot;
      const name = newStateName(deps, key.exportId);
      apply(state, name, delta);
      const { seen, ...rest } = state;
      const added = seen.takeDelta();
      const file: StateFile = isSnapshot
        ? {
            snapshot: { ...rest, before: snapshots, referred: delta.referred },
            tags: Buffer.concat([...tags, added]),
          }
        : { delta, tags: added };
      await writeStateFile(deps, key.stateKey, name, file);
      snapshots = isSnapshot ? [...snapshots, name] : snapshots;
      deltas = isSnapshot ? 0 : deltas + 1;
      tags = isSnapshot ? [] : [...tags, added];
      last = name;
      return { state: name, snapshot: isSnapshot };
    },
    forget,
  };
};
