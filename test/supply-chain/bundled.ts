import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const functionsFolder = join(import.meta.dirname, '..', '..', 'functions');

/** The functions of the stack, by folder. */
export const functionNames = readdirSync(functionsFolder).filter((name) =>
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

/** Bundles a function with the stack's options, and lists its content. */
export const bundled = (name: string): Bundled => {
  const { metafile } = buildSync({
    entryPoints: [join(functionsFolder, name, 'index.ts')],
    outfile: 'index.js',
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    mainFields: ['module', 'main'],
    minify: true,
    write: false,
    metafile: true,
    absWorkingDir: join(functionsFolder, '..'),
  });
  const [output] = Object.values(metafile.outputs);
  const packages = new Map<string, number>();
  for (const [file, { bytesInOutput }] of Object.entries(output?.inputs ?? {})) {
    const found = packageOf(file);
    if (found !== undefined && bytesInOutput > 0) packages.set(found, (packages.get(found) ?? 0) + bytesInOutput);
  }
  return { name, bytes: output?.bytes ?? 0, packages, files: Object.keys(output?.inputs ?? {}) };
};
