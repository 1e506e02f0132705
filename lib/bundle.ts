import { buildSync } from 'esbuild';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RegistryData } from '../config/stage.ts';

const functionsFolder = join(import.meta.dirname, '..', 'functions');

/** The CDK copies an asset as soon as a function has it; afterwards nobody needs what is here. */
const scratchFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-bundles-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/**
 * Bundles functions, and says in which folder each bundle is: `index.js` and, where there is a registry,
 * `registry.json`. CommonJS with the `module` builds of dependencies and the SDK inside starts fastest. The registry is
 * data, not code: a change of it makes a new asset, and so reaches every function at once.
 *
 * It is one run of esbuild in this process, which reads what the functions share once and takes half the time of a run
 * for each. The CDK's own bundling would also start npm, and print a line for every function.
 * @param names folders under `functions/`, each with an `index.ts`
 */
export const bundle = <Name extends string>(
  names: readonly Name[],
  registry?: RegistryData,
): Readonly<Record<Name, string>> => {
  const outdir = scratchFolder();
  buildSync({
    entryPoints: Object.fromEntries(
      names.map((name) => [join(name, 'index'), join(functionsFolder, name, 'index.ts')]),
    ),
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    mainFields: ['module', 'main'],
    minify: true,
  });
  const folders = Object.fromEntries(names.map((name) => [name, join(outdir, name)])) as Record<Name, string>;
  if (registry !== undefined) {
    for (const name of names) writeFileSync(join(folders[name], 'registry.json'), JSON.stringify(registry));
  }
  return folders;
};
