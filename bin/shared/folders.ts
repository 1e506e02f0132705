import { mkdirSync, statSync } from 'node:fs';
import { access, constants, readdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Refusal } from './errors.ts';

const throwRefusal =
  (folder: string) =>
  (error: unknown): never => {
    throw new Refusal(`${folder} cannot be used (${(error as NodeJS.ErrnoException).code}). Give another folder.`);
  };

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/**
 * Makes a folder and those above it, one at a time: in /proc and other places where nothing can be made, Node's recursive mkdir
 * never returns.
 * @param folder an absolute path
 * @param mode of each folder that is made
 * @returns the topmost folder that was made
 * @throws Error of Node's
 */
export const makeWithParents = (folder: string, mode?: number): string | undefined => {
  try {
    mkdirSync(folder, { mode });
    return folder;
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && statSync(folder).isDirectory()) return undefined;
    if (codeOf(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    const topmost = makeWithParents(dirname(folder), mode);
    mkdirSync(folder, { mode });
    return topmost ?? folder;
  }
};

/**
 * Makes a folder that can be written to, and those above it, unless it exists.
 * @returns the topmost folder that was made
 * @throws Refusal if the folder cannot be made or written to
 */
export const makeFolder = async (folder: string): Promise<string | undefined> => {
  try {
    const topmost = makeWithParents(resolve(folder));
    await access(folder, constants.W_OK);
    return topmost;
  } catch (error) {
    return throwRefusal(folder)(error);
  }
};

/** @throws Refusal if the folder is not empty, or is not a folder */
export const requireEmpty = async (folder: string): Promise<void> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    return throwRefusal(folder)(error);
  });
  if (names.length > 0) throw new Refusal(`${folder} is not empty. Give a new folder.`);
};
