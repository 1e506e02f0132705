import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StageConfig } from '../../config/stage.ts';
import type { LocalApiGateway } from './api-gateway.ts';
import { startDynamoDb } from './dynamodb.ts';
import { startFunction } from './lambda.ts';
import { closersOf, settled } from '../closers.ts';
import { startSecretsManager } from './secrets-manager.ts';
import { synthesise } from './synth.ts';
import { readTemplate } from './template.ts';

export interface CloudOptions {
  readonly config: StageConfig;
  /** What the payers' secrets hold, by payer id. */
  readonly secrets: Readonly<Record<string, object>>;
  /** Listens already; it serves as soon as the rest is there. */
  readonly gateway: LocalApiGateway;
  readonly onFunctionLog: (name: string, line: string) => void;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/** The stack of a configuration, deployed to stand-ins for AWS. */
export interface LocalCloud {
  readonly dynamoEndpoint: string;
  readonly secretsEndpoint: string;
  /** Physical table names by construct name: `loginAttempts`, `grants`. */
  readonly tables: Readonly<Record<string, string>>;
  /** Process ids by function name. */
  readonly pids: () => Readonly<Record<string, number | undefined>>;
  /** Gives a payer's secret a value; `undefined` empties it. */
  readonly setSecret: (payerId: string, secret: object | undefined) => void;
  readonly close: () => Promise<void>;
}

/** Synthesises the stack and starts what its template describes. If anything fails, nothing is left running. */
export const startCloud = async (options: CloudOptions): Promise<LocalCloud> => {
  const { opened, closeAll } = closersOf();
  const workDir = await mkdtemp(join(tmpdir(), 'p2p-gateway-'));
  const close = async (): Promise<void> => {
    await closeAll();
    await rm(workDir, { recursive: true, force: true });
  };
  try {
    return { ...(await deploy(options, workDir, opened)), close };
  } catch (error) {
    await close();
    throw error;
  }
};

const deploy = async (
  { config, secrets, gateway, onFunctionLog, signal }: CloudOptions,
  workDir: string,
  opened: ReturnType<typeof closersOf>['opened'],
): Promise<Omit<LocalCloud, 'close'>> => {
  const configFile = join(workDir, 'config.json');
  await writeFile(configFile, JSON.stringify(config));
  const [{ template: source, assetDir }, dynamoDb, secretsManager] = await settled([
    synthesise(configFile, join(workDir, 'cdk.out'), signal),
    startDynamoDb().then(opened),
    startSecretsManager().then(opened),
  ]);
  const template = readTemplate(source, { origin: `http://localhost:${gateway.port}`, assetDir });
  await dynamoDb.createTables(template.tables);
  const endpoints = {
    AWS_ENDPOINT_URL_DYNAMODB: dynamoDb.endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.endpoint,
  };
  const functions = await settled(
    template.functions.map(async (spec) =>
      opened(await startFunction(spec, { socketPath: join(workDir, spec.name), endpoints, onLog: onFunctionLog })),
    ),
  );
  const setSecret: LocalCloud['setSecret'] = (payerId, secret) => {
    const name = template.secretNames.find((candidate) => candidate.endsWith(`/${payerId}`));
    if (name === undefined) throw new Error(`The stack has no secret for payer ${payerId}`);
    secretsManager.setSecret(name, secret === undefined ? undefined : JSON.stringify(secret));
  };
  for (const payer of config.payers) setSecret(payer.id, secrets[payer.id]);
  gateway.serve({ template, functions: new Map(functions.map((started) => [started.spec.physicalName, started])) });

  return {
    dynamoEndpoint: dynamoDb.endpoint,
    secretsEndpoint: secretsManager.endpoint,
    tables: Object.fromEntries(template.tables.map(({ name, physicalName }) => [name, physicalName])),
    pids: () => Object.fromEntries(functions.map(({ spec, pid }) => [spec.name, pid()])),
    setSecret,
  };
};
