import { cp, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readAssembly, type Assembly } from '../shared/assembly.ts';
import { readCommand } from '../shared/command-line.ts';
import { Refusal } from '../shared/errors.ts';
import type { Output } from '../shared/output.ts';
import { spec } from './flags.ts';
import { nextCommands } from './next-commands.ts';
import { plainTemplate } from './plain-template.ts';

/** What the tool is given from outside. */
export interface TemplateDeps {
  readonly output: Pick<Output, 'out' | 'note'>;
}

/** A zip holds times: with the same ones, unchanged code has the same zip, and its function is not updated. */
const sameTime = new Date('2000-01-01T00:00:00Z');

const setTimes = async (folder: string): Promise<void> => {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    await utimes(join(entry.parentPath, entry.name), sameTime, sameTime);
  }
};

/** @throws Refusal if the folder has something in it */
const requireEmpty = async (folder: string): Promise<void> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new Refusal(`${folder} cannot be used (${(error as NodeJS.ErrnoException).code}). Give a new folder.`);
  });
  if (names.length > 0) throw new Refusal(`${folder} is not empty. Give a new folder.`);
};

const write = async (folder: string, { assets }: Assembly, text: string): Promise<void> => {
  await mkdir(join(folder, 'code'), { recursive: true });
  for (const [hash, source] of assets) await cp(source, join(folder, 'code', hash), { recursive: true });
  await setTimes(join(folder, 'code'));
  await writeFile(join(folder, 'template.json'), text);
};

/**
 * Writes the template and the code of a synthesized stage.
 * @returns the exit code
 * @throws UsageError, Refusal
 */
export const template = async (args: readonly string[], { output }: TemplateDeps): Promise<number> => {
  const { assembly: folder, out, dryRun } = readCommand(spec, args);
  await requireEmpty(out);
  const assembly = await readAssembly(folder);
  const plain = plainTemplate(assembly);
  if (!dryRun) await write(out, assembly, `${JSON.stringify(plain, undefined, 1)}\n`);
  const did = dryRun ? 'would be written' : 'were written';
  output.note(`${out}/template.json and the code of ${assembly.assets.size} functions ${did}. Then:`);
  output.out(nextCommands(out, assembly));
  return 0;
};
