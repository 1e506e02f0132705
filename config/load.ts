import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, checkStage } from './check.ts';
import type { Partner, Payer, RegistryData, StageConfig } from './stage.ts';

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

const readJson = async (path: string, file: string): Promise<unknown> => {
  const text = await readFile(path, 'utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ConfigError([`${file}: is not JSON (${messageOf(error)}); write one JSON object`]);
  }
};

const importDefault = async (path: string, file: string): Promise<unknown> => {
  let loaded: { default?: unknown };
  try {
    loaded = (await import(pathToFileURL(path).href)) as { default?: unknown };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError([`${file}: cannot be loaded (${messageOf(error)}); correct the file`]);
  }
  if (loaded.default === undefined) {
    throw new ConfigError([`${file}: has no default export; write "export default" before the stage's value`]);
  }
  return loaded.default;
};

const readStage = async (path: string, file: string): Promise<StageConfig> => {
  if (!existsSync(path)) {
    throw new ConfigError([
      `${file}: there is no such file; write the name of a stage in config/ or a path to .ts or .json`,
    ]);
  }
  const extension = extname(path);
  if (extension !== '.json' && extension !== '.ts') {
    throw new ConfigError([`${file}: is neither .ts nor .json; write a path that ends in one of them`]);
  }
  return checkStage(await (extension === '.json' ? readJson(path, file) : importDefault(path, file)), file);
};

/**
 * Reads and checks a stage's configuration.
 * @param nameOrFile a stage in `config/`, such as `demo`, or a path to a `.ts` or `.json` file
 * @param folder where stages are found by their name
 * @throws ConfigError
 */
export const loadStage = async (nameOrFile: string, folder = import.meta.dirname): Promise<StageConfig> => {
  if (!/^[a-z0-9-]+$/.test(nameOrFile)) return readStage(resolve(nameOrFile), nameOrFile);
  const file = `config/${nameOrFile}.ts`;
  const config = await readStage(join(folder, `${nameOrFile}.ts`), file);
  if (config.stage !== nameOrFile) {
    // A copied file that kept its stage's name would be deployed over that stage.
    throw new ConfigError([`${file}: stage: is "${config.stage}"; write "${nameOrFile}", the name of the file`]);
  }
  return config;
};

const shippedPayer = (payer: Payer): Payer => {
  const { pkceOffReason: _, ...quirks } = payer.quirks;
  return { ...payer, quirks };
};

const shippedPartner = (partner: Partner): Partner => {
  const { pkceOptionalReason: _, ...shipped } = partner;
  return shipped;
};

/** What ships inside each function: the configuration without what only the deployment, or its reviewer, needs. */
export const registryData = ({ stage, lifetimes, payers, partners }: StageConfig): RegistryData => ({
  stage,
  lifetimes,
  payers: payers.map(shippedPayer),
  partners: partners.map(shippedPartner),
});
