import { mkdir, readdir } from 'node:fs/promises';
import { Refusal } from './errors.ts';

const throwRefusal =
  (folder: string) =>
  (error: unknown): never => {
    throw new Refusal(`${folder} cannot be used (${(error as NodeJS.ErrnoException).code}). Give another folder.`);
  };

/** Makes a folder, with those above it, unless it is there. @throws Refusal if it cannot be one */
export const makeFolder = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true }).catch(throwRefusal(folder));
};

/** @throws Refusal if the folder has something in it, or cannot be one */
export const requireEmpty = async (folder: string): Promise<void> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    return throwRefusal(folder)(error);
  });
  if (names.length > 0) throw new Refusal(`${folder} is not empty. Give a new folder.`);
};
