import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { bundleOptions } from '../../lib/bundle-options.ts';

const functionsFolder = join(import.meta.dirname, '..', '..', 'functions');

/** The functions of the stack, by folder. */
const functionNames = readdirSync(functionsFolder).filter((name) =>
  existsSync(join(functionsFolder, name, 'index.ts')),
);

/** A function's bundle, as the stack builds it. */
export interface Bundled {
  readonly name: string;
  readonly bytes: number;
  /** Bytes from each npm package in it. */
  readonly packages: ReadonlyMap<string, number>;
  /** Every source file in it, relative to the checkout. */
  readonly files: readonly string[];
}

const packageOf = (file: string): string | undefined => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];

const { metafile } = buildSync({
  ...bundleOptions,
  entryPoints: Object.fromEntries(
    functionNames.map((name) => [join(name, 'index'), join(functionsFolder, name, 'index.ts')]),
  ),
  outdir: 'bundles',
  write: false,
  metafile: true,
  absWorkingDir: join(functionsFolder, '..'),
});

const bundledAs = (name: string): Bundled => {
  const output = metafile.outputs[`bundles/${name}/index.js`];
  if (output === undefined) throw new Error(`There is no bundle of ${name}`);
  const packages = new Map<string, number>();
  for (const [file, { bytesInOutput }] of Object.entries(output.inputs)) {
    const found = packageOf(file);
    if (found !== undefined && bytesInOutput > 0) packages.set(found, (packages.get(found) ?? 0) + bytesInOutput);
  }
  return { name, bytes: output.bytes, packages, files: Object.keys(output.inputs) };
};

/** The bundles of all functions as the stack builds them, in one run of esbuild. */
export const bundles: readonly Bundled[] = functionNames.map(bundledAs);
