import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';

/**
 * Bundles a test's process, so that many of it start quickly.
 * @param file its path
 * @param folder where the bundle goes
 * @returns the bundle's path
 */
export const bundleProcess = async (file: string, folder: string): Promise<string> => {
  const outfile = join(folder, basename(file).replace(/ts$/, 'cjs'));
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    // A bundle in CommonJS has none, and Node refuses to join an undefined path.
    define: { 'import.meta.dirname': JSON.stringify(dirname(file)), 'import.meta.filename': JSON.stringify(file) },
    // It has a native part, which must stay where it is.
    external: [join(import.meta.dirname, '../../node_modules/dynalite/*')],
    logLevel: 'error',
  });
  return outfile;
};
