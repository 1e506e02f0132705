import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes each function's code to `NAME/index.js` in a folder, as a bundle is laid out. */
export const writeFunctions = async (folder: string, sources: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, source] of Object.entries(sources)) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'index.js'), source);
  }
};
