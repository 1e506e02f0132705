import { join } from 'node:path';
import { buildSync, type BuildOptions } from 'esbuild';
import { flagName } from '../bin/shared/spec.ts';
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

/** Bundles a file, or the given source text, in the way that a function is bundled. */
const build = (from: Pick<BuildOptions, 'entryPoints' | 'stdin'>, file: string): void => {
  buildSync({ ...from, outfile: file, ...bundleOptions, logLevel: 'silent' });
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
  build({ entryPoints: [join(import.meta.dirname, entry)] }, file);
  return bundleOf(name, file);
};

/** The AWS packages that functions load, each with a line that loads as little of it as possible. */
const clients = {
  '@aws-sdk/client-dynamodb': "import { DynamoDBClient as a } from '@aws-sdk/client-dynamodb'; made.push(new a());",
  '@aws-sdk/client-kms': "import { KMSClient as b } from '@aws-sdk/client-kms'; made.push(new b());",
  '@aws-sdk/client-lambda': "import { LambdaClient as c } from '@aws-sdk/client-lambda'; made.push(new c());",
  '@aws-sdk/client-s3': "import { S3Client as d } from '@aws-sdk/client-s3'; made.push(new d());",
  '@aws-sdk/client-secrets-manager':
    "import { SecretsManagerClient as e } from '@aws-sdk/client-secrets-manager'; made.push(new e());",
  '@aws/durable-execution-sdk-js':
    "import { withDurableExecution as f } from '@aws/durable-execution-sdk-js'; made.push(f);",
} as const;
export type Client = keyof typeof clients;

/** The AWS packages in each function's bundle, in the order of their names. */
export const clientsOf = (functionNames: readonly string[]): ReadonlyMap<string, readonly Client[]> => {
  const { metafile } = buildSync({
    ...bundleOptions,
    entryPoints: Object.fromEntries(functionNames.map((name) => [name, `functions/${flagName(name)}/index.ts`])),
    outdir: 'bundles',
    absWorkingDir: join(import.meta.dirname, '..'),
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const packagesOf = (name: string): readonly Client[] => {
    const inputs = Object.entries(metafile.outputs[`bundles/${name}.js`]?.inputs ?? {});
    const paths = inputs.flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []));
    return (Object.keys(clients) as Client[]).filter((client) =>
      paths.some((path) => path.startsWith(`node_modules/${client}/`)),
    );
  };
  return new Map(functionNames.map((name) => [name, packagesOf(name)]));
};

/** A bundle of these AWS packages and nothing else. */
export const buildClients = ({ folder }: World, name: string, of: readonly Client[]): Bundle => {
  const file = join(folder, 'bundles', name, 'index.js');
  const contents = `export const made = [];\n${of.map((client) => clients[client]).join('\n')}\n`;
  build({ stdin: { contents, resolveDir: join(import.meta.dirname, '../functions') } }, file);
  return bundleOf(name, file);
};
