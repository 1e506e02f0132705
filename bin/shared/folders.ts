import { access, constants, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Refusal } from './errors.ts';

const throwRefusal =
  (folder: string) =>
  (error: unknown): never => {
    throw new Refusal(`${folder} cannot be used (${(error as NodeJS.ErrnoException).code}). Give another folder.`);
  };

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/**
 * Step by step: where nothing can be made, such as in /proc, Node's recursive mkdir never ends.
 * @returns the topmost folder that was made
 */
const makeWithParents = async (folder: string): Promise<string | undefined> => {
  try {
    await mkdir(folder);
    return folder;
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await stat(folder)).isDirectory()) return undefined;
    if (codeOf(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    const topmost = await makeWithParents(dirname(folder));
    await mkdir(folder);
    return topmost ?? folder;
  }
};

/**
 * Makes a folder, with those above it, unless it is there.
 * @returns the topmost folder that was made
 * @throws Refusal if it cannot be one, or cannot be written
 */
export const makeFolder = async (folder: string): Promise<string | undefined> => {
  try {
    const topmost = await makeWithParents(resolve(folder));
    await access(folder, constants.W_OK);
    return topmost;
  } catch (error) {
    return throwRefusal(folder)(error);
  }
};

/** @throws Refusal if the folder has something in it, or cannot be one */
export const requireEmpty = async (folder: string): Promise<void> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    return throwRefusal(folder)(error);
  });
  if (names.length > 0) throw new Refusal(`${folder} is not empty. Give a new folder.`);
};
