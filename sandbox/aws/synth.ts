import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Template } from './cloudformation.ts';

/** A synthesized stack: its template, and where its assets are. */
export interface Synthesized {
  readonly stackName: string;
  readonly template: Template;
  readonly assetDir: (s3Key: string) => string;
}

interface AssetManifest {
  readonly files: Readonly<
    Record<
      string,
      { readonly source: { readonly path: string }; readonly destinations: Record<string, { objectKey: string }> }
    >
  >;
}

const projectRoot = join(import.meta.dirname, '..', '..');

const readJson = async <T>(file: string): Promise<T> => JSON.parse(await readFile(file, 'utf8')) as T;

const failed = (errors: string): Error => new Error(`The stack could not be synthesized:\n${errors.trim()}`);

type RunApp = (environment: Readonly<Record<string, string>>, signal?: AbortSignal) => Promise<void>;

/** The tests keep a process that has loaded the app. It ends what it began, so that nothing is written after an abort. */
const runAppAt =
  (server: string): RunApp =>
  async (environment, signal) => {
    const answer = await fetch(server, { method: 'POST', body: JSON.stringify(environment) });
    if (!answer.ok) throw failed(await answer.text());
    signal?.throwIfAborted();
  };

/** Runs the CDK app as the CDK's command line does. Its output matters only if it fails. */
const startApp: RunApp = async (environment, signal) => {
  const child = spawn(process.execPath, ['bin/app.ts'], {
    cwd: projectRoot,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(signal === undefined ? {} : { signal }),
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(failed(errors))));
  });
};

/**
 * Synthesizes the stack for a configuration file.
 * @param outdir where the cloud assembly goes; the assets in it are what the local functions run
 */
export const synthesize = async (configFile: string, outdir: string, signal?: AbortSignal): Promise<Synthesized> => {
  const { context } = await readJson<{ context: Record<string, unknown> }>(join(projectRoot, 'cdk.json'));
  const appServer = process.env['P2P_APP_SERVER'];
  const runApp = appServer === undefined ? startApp : runAppAt(appServer);
  await runApp(
    {
      CDK_OUTDIR: outdir,
      // The paths in the metadata are the constructs' names.
      CDK_CONTEXT_JSON: JSON.stringify({
        ...context,
        config: configFile,
        localStack: true,
        // The tests' folder for the bundles of all their stacks.
        ...(process.env['P2P_KEPT_BUNDLES'] === undefined ? {} : { keptBundles: process.env['P2P_KEPT_BUNDLES'] }),
        'aws:cdk:enable-path-metadata': true,
      }),
      // The CDK's template validation takes half of the time. `cdk synth` does it for what is deployed.
      CDK_VALIDATION: 'false',
      // Keeps a test runner's loader out of the app.
      NODE_OPTIONS: '',
    },
    signal,
  );
  const { artifacts } = await readJson<{
    artifacts: Record<string, { type: string; properties?: { templateFile?: string } }>;
  }>(join(outdir, 'manifest.json'));
  const stack = Object.entries(artifacts).find(([, artifact]) => artifact.type === 'aws:cloudformation:stack');
  if (stack === undefined) throw new Error('The CDK app has no stack');
  const [stackName, { properties }] = stack;
  const { files } = await readJson<AssetManifest>(join(outdir, `${stackName}.assets.json`));
  const paths = new Map(
    Object.values(files).flatMap(({ source, destinations }) =>
      Object.values(destinations).map(({ objectKey }) => [objectKey, join(outdir, source.path)] as const),
    ),
  );
  return {
    stackName,
    template: await readJson<Template>(join(outdir, properties?.templateFile ?? `${stackName}.template.json`)),
    assetDir: (s3Key) => {
      const path = paths.get(s3Key);
      if (path === undefined) throw new Error(`No asset has the key ${s3Key}`);
      return path;
    },
  };
};
