import { tmpdir } from 'node:os';
import { App, Validations } from 'aws-cdk-lib';
import { ConfigError } from '../config/checks/check-stage.ts';
import { requireDeployable } from '../config/checks/deployable.ts';
import { loadStage, stageNames } from '../config/checks/load.ts';
import type { StageConfig } from '../config/stage.ts';
import { allowOlderIn } from '../lib/allow-older.ts';
import { GatewayStack } from '../lib/gateway-stack.ts';

const noStage = (): ConfigError => {
  const names = stageNames().filter((name) => name !== 'local');
  return new ConfigError('npx cdk', [
    `no stage is given, and there is no default; write -c stage=NAME, one of: ${names.join(', ')} (each a file in config/)`,
  ]);
};

const isLocalStack = (app: App): boolean => app.node.tryGetContext('localStack') === true;

/** Synth fails on a finding that no construct acknowledges. The local stack starts faster without: nothing is deployed. */
const addChecks = async (app: App): Promise<void> => {
  if (isLocalStack(app)) return;
  const { AwsSolutionsChecks, HIPAASecurityChecks } = await import('cdk-nag');
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new HIPAASecurityChecks(app));
};

/**
 * The stage that `-c stage=NAME` or `-c config=FILE` names. It must be deployable, unless the local stack synthesizes
 * it.
 */
const stageOf = async (app: App): Promise<StageConfig> => {
  const contextOf = (name: string): string => String(app.node.tryGetContext(name) ?? '').trim();
  const [name, file] = [contextOf('stage'), contextOf('config')];
  if (name !== '' && file !== '') {
    throw new ConfigError('npx cdk', ['both -c stage and -c config are given; write one of them']);
  }
  const nameOrFile = name === '' ? file : name;
  if (nameOrFile === '') throw noStage();
  const config = await loadStage(nameOrFile);
  if (!isLocalStack(app)) {
    requireDeployable(config, file === '' ? `config/${name}.ts` : file);
  }
  return config;
};

/** If the CDK's command line gives no output folder, the app makes one in the temporary folder. */
const newApp = (): App => {
  try {
    return new App();
  } catch (error) {
    const { syscall, code } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new ConfigError('npx cdk', [
      `its output folder cannot be created in ${tmpdir()} (${code}); set TMPDIR to a writable folder`,
    ]);
  }
};

try {
  const app = newApp();
  const config = await stageOf(app);
  await addChecks(app);
  new GatewayStack(app, `p2p-gateway-${config.stage}`, { config, allowOlder: allowOlderIn(app) });
  app.synth();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
