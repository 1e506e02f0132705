import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { buildSync } from 'esbuild';
import type { RegistryData } from '../functions/shared/registry/types.ts';

const functionsFolder = join(import.meta.dirname, '..', 'functions');

/** Inside the cloud assembly, so that it is deleted with it; the CDK copies the assets from there. */
const bundlesFolder = (scope: Construct): string => {
  const assembly = Stage.of(scope)?.assetOutdir;
  if (assembly === undefined) throw new Error(`${scope.node.path} is in no app`);
  return join(assembly, 'bundles');
};

/**
 * Bundles functions and returns the folder of each bundle: `index.js` and, if the function has a registry,
 * `registry.json`. CommonJS with the SDK bundled and the `module` builds of dependencies starts fastest.
 *
 * One run of esbuild in this process reads shared files once and takes half as long as one run per function. The CDK's
 * own bundling would also start npm and print a line for every function.
 * @param names folders under `functions/`, each with an `index.ts`
 * @param registries the functions that have a registry beside their code
 */
export const bundle = <Name extends string>(
  scope: Construct,
  names: readonly Name[],
  registries?: Readonly<Partial<Record<Name, RegistryData>>>,
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
  for (const [name, registry] of Object.entries(registries ?? {})) {
    writeFileSync(join(outdir, name, 'registry.json'), JSON.stringify(registry));
  }
  return folders;
};
