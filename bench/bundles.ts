import { execFileSync } from 'node:child_process';
import { basename, dirname, join } from 'node:path';
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

/** Node's options of a deployed function. @throws Error if the stack has no such function */
export const nodeOptionsOf = async (world: World, name: string): Promise<string> =>
  bundleNamed(await deployedBundles(world), name).environment['NODE_OPTIONS'] ?? '';

/** The bundle of a file in this folder, such as a peer's. */
export const buildBundle = ({ folder }: World, name: string, entry: string): Bundle => {
  const file = join(folder, 'bundles', name, 'index.js');
  build({ entryPoints: [join(import.meta.dirname, entry)] }, file);
  return bundleOf(name, file);
};

/** The AWS packages that functions load, and what each exports that a function makes or calls. */
const packages = {
  '@aws-sdk/client-dynamodb': 'DynamoDBClient',
  '@aws-sdk/client-kms': 'KMSClient',
  '@aws-sdk/client-lambda': 'LambdaClient',
  '@aws-sdk/client-s3': 'S3Client',
  '@aws-sdk/client-secrets-manager': 'SecretsManagerClient',
  '@aws/durable-execution-sdk-js': 'withDurableExecution',
} as const;
export type Package = keyof typeof packages;

/** What a function needs of AWS when it is imported. */
export interface Needs {
  /** Those that its own code imports, in the order of their names. */
  readonly packages: readonly Package[];
  /** Those whose client it makes at once. Others are made at the first event. */
  readonly made: readonly Package[];
}

/** Imports a bundle, and prints the classes and functions that ran. */
const coverage = `
globalThis.awslambda = { streamifyResponse: (handler) => handler };
const session = new (require('node:inspector').Session)();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
require(process.argv[1]);
session.post('Profiler.takePreciseCoverage', (error, { result }) => {
  const { functions } = result.find(({ url }) => url.endsWith(process.argv[1]));
  const ran = functions.flatMap(({ functionName, ranges: [{ count }] }) => (count > 0 ? [functionName] : []));
  console.log(JSON.stringify(ran));
  process.exit();
});
`;

/** @param file a function's code, readable */
const ranIn = (file: string, deployedAs: Bundle): readonly string[] => {
  const env = { ...process.env, ...deployedAs.environment, LAMBDA_TASK_ROOT: dirname(deployedAs.file) };
  const output = execFileSync(process.execPath, ['-e', coverage, file], { env, encoding: 'utf8' });
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as string[];
};

/**
 * What each function needs of AWS: the packages that its own code imports (another package may load a client, and later), and
 * the clients that it makes while it is imported.
 */
export const needsOf = ({ folder }: World, functions: readonly Bundle[]): ReadonlyMap<string, Needs> => {
  const readable = join(folder, 'readable');
  const { metafile } = buildSync({
    ...bundleOptions,
    // With the names of classes.
    minify: false,
    entryPoints: Object.fromEntries(functions.map(({ name }) => [name, `functions/${flagName(name)}/index.ts`])),
    outdir: readable,
    absWorkingDir: join(import.meta.dirname, '..'),
    metafile: true,
    logLevel: 'silent',
  });
  const outputs = new Map(
    Object.entries(metafile.outputs).map(([path, { inputs }]) => [basename(path, '.js'), inputs]),
  );
  return new Map(
    functions.map((deployedAs): [string, Needs] => {
      const { name } = deployedAs;
      const inputs = Object.entries(outputs.get(name) ?? {});
      const own = inputs.flatMap(([path, { bytesInOutput }]) =>
        path.startsWith('functions/') && bytesInOutput > 0 ? [path] : [],
      );
      const imported = own.flatMap((path) => metafile.inputs[path]?.imports.map((one) => one.path) ?? []);
      const held = (Object.keys(packages) as Package[]).filter((one) =>
        imported.some((path) => path.startsWith(`node_modules/${one}/`)),
      );
      const ran = new Set(ranIn(join(readable, `${name}.js`), deployedAs));
      return [name, { packages: held, made: held.filter((one) => ran.has(packages[one])) }];
    }),
  );
};

/**
 * The least that a function must load: its AWS packages and nothing else, bundled as it is, in its environment. It makes the
 * clients that the function makes, with the same kind of limits.
 */
export const buildFloor = ({ folder }: World, of: Bundle, { packages: held, made }: Needs): Bundle => {
  const file = join(folder, 'bundles', `${of.name}-floor`, 'index.js');
  const lines = held.map((one) => {
    const name = packages[one];
    const used = name === 'withDurableExecution' ? `${name}(async () => undefined)` : `new ${name}(limits)`;
    return `import { ${name} } from '${one}';\nneeded.push(${made.includes(one) ? used : name});`;
  });
  const contents = `
import { awsLimits } from './shared/aws/aws-limits.ts';
const limits = awsLimits({ maxAttempts: 3, requestMs: 5000 });
export const needed = [];
${lines.join('\n')}
`;
  build({ stdin: { contents, resolveDir: join(import.meta.dirname, '../functions') } }, file);
  return bundleOf(`${of.name}-floor`, file, of.environment);
};
