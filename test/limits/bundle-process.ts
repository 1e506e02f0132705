import { join } from 'node:path';
import { build } from 'esbuild';

/** Bundles a file of this folder, so that many processes of it start quickly. */
export const bundleProcess = async (file: string, folder: string): Promise<string> => {
  const outfile = join(folder, file.replace(/ts$/, 'cjs'));
  await build({
    entryPoints: [join(import.meta.dirname, file)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    // A bundle in CommonJS has none.
    define: { 'import.meta.dirname': JSON.stringify(import.meta.dirname) },
    logLevel: 'error',
  });
  return outfile;
};
