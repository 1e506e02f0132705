import { getSealed, putSealed, type FileDeps } from './sealed-file.ts';
import { newStateName } from './state-file.ts';
import type { PlanFile } from './state.ts';

/*
 * The files that a former plan's manifest names, in an object of the job's own: there may be thousands, and every state file
 * would repeat them.
 */

/** A file that a former plan's manifest names. */
export interface ListedFile extends Pick<PlanFile, 'number' | 'kind' | 'type' | 'said'> {
  /** Undefined if its server is not one that the profile allows. */
  readonly url?: string | undefined;
  /** The manifest says how many lines it has, in a form that cannot be read. */
  readonly isCountUnreadable?: true;
}

export interface ListedFiles {
  readonly files: readonly ListedFile[];
  /** Whether they are fetched with the gateway's token. */
  readonly withToken: boolean;
}

/** Writes a list, sealed under the state key and bound to its name, which it returns. @throws whatever the bucket throws */
export const writeFileList = async (
  deps: FileDeps,
  exportId: string,
  stateKey: Uint8Array,
  files: ListedFiles,
): Promise<string> => {
  const name = newStateName(deps, exportId);
  await putSealed(deps, stateKey, name, Buffer.from(JSON.stringify(files)));
  return name;
};

/** Reads a list. @throws whatever the bucket throws, and Error if it is damaged */
export const readFileList = async (
  deps: Pick<FileDeps, 'objects'>,
  stateKey: Uint8Array,
  name: string,
): Promise<ListedFiles> => JSON.parse((await getSealed(deps, stateKey, name)).toString('utf8')) as ListedFiles;
