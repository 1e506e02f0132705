import { access, constants, link, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Refusal } from './command-line.ts';

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

/** A file that only its owner may read. */
interface PrivateFile {
  readonly file: string;
  readonly text: string;
}

/**
 * Writes files that only their owner may read: all of them whole, or none.
 * @param mayReplace whether a file that is there is replaced
 * @throws Refusal if one cannot be written, or is there
 */
export const writePrivately = async (files: readonly PrivateFile[], mayReplace: boolean): Promise<void> => {
  const parts: string[] = [];
  const made: string[] = [];
  for (const { file, text } of files) {
    const part = `${file}.${process.pid}.part`;
    try {
      parts.push(part);
      await writeFile(part, text, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      await Promise.all(parts.map((one) => rm(one, { force: true })));
      throw cannotBeWritten(file, error);
    }
  }
  for (const { file } of files) {
    const part = `${file}.${process.pid}.part`;
    try {
      // A link, unlike a rename, never replaces a file.
      if (mayReplace) await rename(part, file);
      else {
        await link(part, file);
        made.push(file);
      }
    } catch (error) {
      await Promise.all([...parts, ...made].map((one) => rm(one, { force: true })));
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
        throw new Refusal(`${file} is there already. Nothing was written. Name another file, or give --replace.`);
      }
      throw cannotBeWritten(file, error);
    }
  }
  await Promise.all(parts.map((one) => rm(one, { force: true })));
};
