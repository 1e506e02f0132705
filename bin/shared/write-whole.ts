import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { access, constants, link, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Refusal } from './errors.ts';

const cannotBeWritten = (file: string, error: unknown): Refusal =>
  new Refusal(`${file} cannot be written (${(error as NodeJS.ErrnoException).code}). Nothing was written.`);

/** @returns undefined if the file does not exist */
const statOf = async (file: string): Promise<Stats | undefined> => {
  try {
    return await stat(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

/**
 * Checks that a file can be written, before any request that costs money: its folder is there, and it is no folder or
 * device itself.
 * @throws Refusal
 */
export const requireWritable = async (file: string): Promise<void> => {
  try {
    await access(dirname(file), constants.W_OK);
    const there = await statOf(file);
    if (there === undefined || there.isFile()) return;
    const what = there.isDirectory() ? 'is a folder' : 'is no file';
    throw new Refusal(`${file} ${what}; write the path of a file. Nothing was written.`);
  } catch (error) {
    throw error instanceof Refusal ? error : cannotBeWritten(file, error);
  }
};

/** Removes what may not be there, since it could not be made. */
const removeAll = (files: readonly string[]): Promise<unknown> =>
  Promise.all(files.map((file) => rm(file, { force: true }).catch(() => undefined)));

/** Where a file is written before it counts. Nobody can put a file or a link there beforehand. */
const partOf = (file: string): string => `${file}.${randomUUID()}.part`;

/**
 * Writes a file so that it is there whole, or as it was before.
 * @throws Refusal if it cannot be written
 */
export const writeWhole = async (file: string, text: string): Promise<void> => {
  const part = partOf(file);
  try {
    await writeFile(part, text, { flag: 'wx' });
    await rename(part, file);
  } catch (error) {
    await removeAll([part]);
    throw cannotBeWritten(file, error);
  }
};

/** A file that only its owner may read. */
interface PrivateFile {
  readonly file: string;
  readonly text: string;
}

/**
 * Writes files that only their owner may read: all of them whole, or none. Of files that are replaced, an error names those
 * that are new already.
 * @param mayReplace whether a file that is there is replaced
 * @throws Refusal if one cannot be written, or is there
 */
export const writePrivately = async (files: readonly PrivateFile[], mayReplace: boolean): Promise<void> => {
  const parts: string[] = [];
  const made: string[] = [];
  const replaced: string[] = [];
  for (const { file, text } of files) {
    const part = partOf(file);
    try {
      parts.push(part);
      await writeFile(part, text, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      await removeAll(parts);
      throw cannotBeWritten(file, error);
    }
  }
  for (const [at, { file }] of files.entries()) {
    const part = parts[at]!;
    try {
      // A link, unlike a rename, never replaces a file.
      if (mayReplace) {
        await rename(part, file);
        replaced.push(file);
      } else {
        await link(part, file);
        made.push(file);
      }
    } catch (error) {
      await removeAll([...parts, ...made]);
      if (replaced.length > 0) {
        throw new Refusal(
          `${file} cannot be written (${(error as NodeJS.ErrnoException).code}), but ${replaced.join(' and ')} was replaced.`,
        );
      }
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
        throw new Refusal(`${file} is there already. Nothing was written. Name another file, or give --replace.`);
      }
      throw cannotBeWritten(file, error);
    }
  }
  await removeAll(parts);
};
