import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { compareTexts } from '../../functions/shared/compare-texts.ts';
import { bundleOptions } from '../../lib/bundle-options.ts';

/** The functions' bundles, as a deployment makes them. */
export interface Bundles {
  /** Of each function, by its name. */
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  /** The folders of the packages of which they contain anything, from the checkout's root. */
  readonly packages: readonly string[];
}

const packageFolder = (file: string): string | undefined => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];

/** Bundles every function, and lists what is in the bundles. */
export const bundleFunctions = async (root: string): Promise<Bundles> => {
  const functions = join(root, 'functions');
  const names = readdirSync(functions).filter((name) => existsSync(join(functions, name, 'index.ts')));
  const { outputFiles, metafile } = await build({
    ...bundleOptions,
    entryPoints: Object.fromEntries(names.map((name) => [`${name}/index`, `functions/${name}/index.ts`])),
    outdir: 'bundles',
    absWorkingDir: root,
    metafile: true,
    write: false,
  });
  const files = outputFiles.map(({ path, contents }) => ({
    name: basename(dirname(path)),
    bytes: contents.length,
    sha256: createHash('sha256').update(contents).digest('hex'),
  }));
  const packages = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) =>
      bytesInOutput === 0 ? [] : (packageFolder(file) ?? []),
    ),
  );
  return { files: files.toSorted((a, b) => compareTexts(a.name, b.name)), packages: [...new Set(packages)].sort() };
};

/** A line for each bundle, as `sha256sum` writes it. */
export const bundleLines = ({ files }: Bundles): string =>
  files.map(({ name, sha256 }) => `${sha256}  ${name}/index.js\n`).join('');
