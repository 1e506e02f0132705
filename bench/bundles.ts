import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { bundleOptions } from '../lib/bundle-options.ts';
import { synthesize } from '../sandbox/aws/synth.ts';
import { readTemplate } from '../sandbox/aws/template.ts';
import { measured } from './stage.ts';
import type { World } from './world.ts';

/** A function's bundle, as deployed. */
export interface Bundle {
  readonly name: string;
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
}

const bundleOf = (name: string, file: string, environment: Readonly<Record<string, string>> = {}): Bundle => ({
  name,
  file,
  environment,
});

/** Bundles a file as a function is bundled. */
const build = (entry: string, file: string): void => {
  buildSync({
    entryPoints: [entry],
    outfile: file,
    ...bundleOptions,
    logLevel: 'silent',
  });
};

/** A stage as synthesized: its template, and its functions' bundles. */
export interface Deployment {
  readonly templateBytes: number;
  readonly resources: number;
  readonly seconds: number;
  readonly bundles: readonly Bundle[];
}

/** Synthesizes a stage. @param folder where its assembly goes */
export const synthesisOf = async (configFile: string, folder: string): Promise<Deployment> => {
  const startedAt = performance.now();
  const { template, ...names } = await synthesize(configFile, folder);
  const seconds = (performance.now() - startedAt) / 1000;
  const { functions } = readTemplate(template, { ...names, origin: measured.origin });
  return {
    templateBytes: Buffer.byteLength(JSON.stringify(template)),
    resources: Object.keys(template.Resources).length,
    seconds,
    bundles: functions.map((spec) =>
      bundleOf(spec.name, join(spec.assetDir, `${spec.handler.split('.')[0]}.js`), {
        ...spec.environment,
        // Lambda sets these.
        AWS_LAMBDA_FUNCTION_NAME: spec.physicalName,
        AWS_LAMBDA_FUNCTION_VERSION: spec.version ?? '$LATEST',
      }),
    ),
  };
};

let deployed: Promise<readonly Bundle[]> | undefined;

const readDeployed = async ({ folder }: World): Promise<readonly Bundle[]> => {
  const { bundles } = await synthesisOf('config/local.ts', join(folder, 'cdk.out'));
  return bundles;
};

/** The functions' bundles from the synthesized stack, which is synthesized once. */
export const deployedBundles = (world: World): Promise<readonly Bundle[]> => (deployed ??= readDeployed(world));

/** @throws Error if the stack has no such function */
export const bundleNamed = (bundles: readonly Bundle[], name: string): Bundle => {
  const found = bundles.find((bundle) => bundle.name === name);
  if (found === undefined) throw new Error(`The stack has no function ${name}`);
  return found;
};

/** The bundle of a file in this folder, such as a peer's. */
export const buildBundle = ({ folder }: World, name: string, entry: string): Bundle => {
  const file = join(folder, 'bundles', name, 'index.js');
  build(join(import.meta.dirname, entry), file);
  return bundleOf(name, file);
};
