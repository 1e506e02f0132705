import { cpSync, existsSync, mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { buildSync } from 'esbuild';
import { bundleOptions } from './bundle-options.ts';

const functionsFolder = join(import.meta.dirname, '..', 'functions');

/** Inside the cloud assembly, so that it is deleted with it; the CDK copies the assets from there. */
const bundlesFolder = (scope: Construct): string => {
  const assembly = Stage.of(scope)?.assetOutdir;
  if (assembly === undefined) throw new Error(`${scope.node.path} is in no app`);
  return join(assembly, 'bundles');
};

const build = (names: readonly string[], outdir: string): void => {
  buildSync({
    entryPoints: Object.fromEntries(
      names.map((name) => [join(name, 'index'), join(functionsFolder, name, 'index.ts')]),
    ),
    outdir,
    ...bundleOptions,
  });
};

/** Local stacks that start one after the other from the same code, as those of the tests, share their bundles. */
const buildOnce = (names: readonly string[], outdir: string, kept: string): void => {
  const folder = join(kept, names.join('-'));
  if (!existsSync(folder)) {
    const made = mkdtempSync(join(kept, 'made-'));
    build(names, made);
    try {
      renameSync(made, folder);
    } catch (error) {
      // Another stack was faster.
      if (!existsSync(folder)) throw error;
    }
  }
  cpSync(folder, outdir, { recursive: true });
};

/** JSON files beside a function's code, by name. */
type DataFiles = Readonly<Record<string, unknown>>;

/**
 * Bundles functions and returns the folder of each bundle: `index.js` and the function's data files.
 *
 * One run of esbuild in this process reads shared files once and takes half as long as one run per function. The CDK's
 * own bundling would also start npm and print a line for every function.
 * @param names folders under `functions/`, each with an `index.ts`
 * @param data the data files of the functions that have some
 */
export const bundle = <Name extends string>(
  scope: Construct,
  names: readonly Name[],
  data?: Readonly<Partial<Record<Name, DataFiles>>>,
): Readonly<Record<Name, string>> => {
  const outdir = bundlesFolder(scope);
  const kept: unknown = scope.node.tryGetContext('keptBundles');
  if (typeof kept === 'string') buildOnce(names, outdir, kept);
  else build(names, outdir);
  const folders = Object.fromEntries(names.map((name) => [name, join(outdir, name)])) as Record<Name, string>;
  for (const [name, files] of Object.entries<DataFiles>((data ?? {}) as Record<string, DataFiles>)) {
    for (const [file, value] of Object.entries(files)) {
      writeFileSync(join(outdir, name, file), JSON.stringify(value));
    }
  }
  return folders;
};
