/**
 * Synthesizes stages for callers over HTTP, each configuration once. It is one process that all test files of a run
 * share, since loading the CDK in each of them would take longer than everything else.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { registerHooks } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import cdk from '../../cdk.json' with { type: 'json' };
import type { StageConfig } from '../../config/stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'p2p-synthesized-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const code = join(folder, 'code');
mkdirSync(code);
writeFileSync(join(code, 'index.js'), '');

// The functions' code does not matter here, and bundling takes longer than all the rest.
const noBundle = `export const bundle = (_scope, names) => Object.fromEntries(names.map((name) => [name, ${JSON.stringify(code)}]));`;
registerHooks({
  load: (url, context, next) =>
    url.endsWith('/lib/bundle.ts') ? { format: 'module', shortCircuit: true, source: noBundle } : next(url, context),
});

const synthesize = async (config: StageConfig): Promise<object> => {
  // Only when someone first needs it.
  const { App } = await import('aws-cdk-lib');
  const { GatewayStack } = await import('../../lib/gateway-stack.ts');
  const outdir = mkdtempSync(join(folder, 'template-'));
  const app = new App({
    outdir,
    context: { ...cdk.context, 'aws:cdk:enable-path-metadata': true },
    // The other checks of `cdk synth` are tested where it is run.
    builtinCloudFormationValidation: false,
  });
  const stack = new GatewayStack(app, `p2p-gateway-${config.stage}`, { config });
  const { template, environment, terminationProtection = false } = app.synth().getStackByName(stack.stackName);
  const acknowledged = stack.node.findAll().flatMap(({ node }) =>
    node.metadata
      .filter(({ type }) => type === 'aws:cdk:acknowledged-rules')
      .flatMap(({ data }) => Object.keys(data as object))
      .map((rule) => `${node.path.replace(/^[^/]*\//, '')}: ${rule}`),
  );
  return { ...(template as object), environment: environment.name, terminationProtection, acknowledged };
};

const made = new Map<string, Promise<string>>();
const templateOf = (config: string): Promise<string> => {
  const template =
    made.get(config) ?? synthesize(JSON.parse(config) as StageConfig).then((found) => JSON.stringify(found));
  made.set(config, template);
  return template;
};

const server = createServer((request, response) => {
  void text(request)
    .then(templateOf)
    .then(
      (template) => response.end(template),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.stack : String(error)),
    );
});
// A caller that computes for seconds must not find its connection closed.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
// The parent process has ended, in whatever way.
process.once('disconnect', () => process.exit());
