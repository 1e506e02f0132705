import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { buildSync } from 'esbuild';
import type { RegistryData } from '../functions/shared/registry/types.ts';

const functionsFolder = join(import.meta.dirname, '..', 'functions');

/** Inside the cloud assembly, so that it goes with it; the CDK copies from there what becomes an asset. */
const bundlesFolder = (scope: Construct): string => {
  const assembly = Stage.of(scope)?.assetOutdir;
  if (assembly === undefined) throw new Error(`${scope.node.path} is in no app`);
  return join(assembly, 'bundles');
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
  scope: Construct,
  names: readonly Name[],
  registry?: RegistryData,
): Readonly<Record<Name, string>> => {
  const outdir = bundlesFolder(scope);
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
