import { access, constants, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Refusal } from '../shared/command-line.ts';

const cannotBeWritten = (file: string, error: unknown): Refusal =>
  new Refusal(`${file} cannot be written (${(error as NodeJS.ErrnoException).code}). Nothing was written.`);

/**
 * Checks that a file's folder is there, before anything is asked for that costs money.
 * @throws Refusal
 */
export const requireFolder = async (file: string): Promise<void> => {
  try {
    await access(dirname(file), constants.W_OK);
  } catch (error) {
    throw cannotBeWritten(file, error);
  }
};

/**
 * Writes a file so that it is there whole, or as it was before.
 * @throws Refusal if it cannot be written
 */
export const writeWhole = async (file: string, text: string): Promise<void> => {
  const part = `${file}.${process.pid}.part`;
  try {
    await writeFile(part, text);
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw cannotBeWritten(file, error);
  }
};
