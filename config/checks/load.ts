import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { IndexSettings, PageSettings } from '../../functions/shared/pages/settings.ts';
import { sendsMembers } from '../../functions/shared/registry/profile.ts';
import type { Partner, RegistryData } from '../../functions/shared/registry/types.ts';
import type { StageConfig } from '../stage.ts';
import { checkStage, ConfigError } from './check-stage.ts';

/**
 * Node puts the location of a syntax error, `/path/file.ts:3`, into the first line of the stack, not into the message.
 */
const placeOf = (error: Error): string => {
  const first = /^(?:file:\/\/)?\/.*:(\d+)$/.exec(String(error.stack).split('\n')[0]!)?.[1];
  return first === undefined ? '' : `line ${first}: `;
};

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${placeOf(error)}${error.message.split('\n')[0]!}` : String(error).split('\n')[0]!;

/** The JSON parser names the line of most errors, but only quotes a wrong word, so search for its line. */
const jsonProblem = (text: string, error: unknown): string => {
  const { message } = error as Error;
  const found = /(.*) (?:in|after) JSON at position \d+ \(line (\d+)/.exec(message);
  if (found !== null) return `line ${found[2]}: ${found[1]}`;
  const linesTo = (length: number): number => text.slice(0, length).split('\n').length;
  if (/end of JSON/.test(message)) return `line ${linesTo(text.trimEnd().length)}: it ends too early`;
  let [good, bad] = [0, text.length];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    try {
      JSON.parse(text.slice(0, middle));
      good = middle;
    } catch (partial) {
      if ((partial as Error).message.startsWith('Unexpected token')) bad = middle;
      else good = middle;
    }
  }
  return `line ${linesTo(bad)}: unexpected ${JSON.stringify(text[bad - 1])}`;
};

const readJson = async (path: string, file: string): Promise<unknown> => {
  const bytes = await readFile(path);
  // Editors on Windows write a byte-order mark.
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (bytes.includes(0)) throw new ConfigError(file, ['is not UTF-8; save it as UTF-8']);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ConfigError(file, [`is not JSON (${jsonProblem(text, error)}); write one JSON object`]);
  }
};

/** A copied stage may still name the file that it was copied from. */
const inThisFile = (error: ConfigError, file: string): ConfigError =>
  isAbsolute(error.file) ? error : new ConfigError(file, error.problems);

const adviceFor = (message: string): string => {
  if (message.includes('before initialization')) return 'remove the circular import';
  if (message.includes('Cannot find')) return 'correct the path in the import';
  return 'correct the file';
};

const importDefault = async (path: string, file: string): Promise<unknown> => {
  let loaded: object;
  try {
    loaded = (await import(pathToFileURL(path).href)) as object;
  } catch (error) {
    if (error instanceof ConfigError) throw inThisFile(error, file);
    const message = messageOf(error);
    throw new ConfigError(file, [`cannot be loaded (${message}); ${adviceFor(message)}`]);
  }
  if (!('default' in loaded) || loaded.default === undefined) {
    throw new ConfigError(file, ['has no default export; write "export default" before the stage\'s value']);
  }
  const { default: value } = loaded;
  if (typeof value === 'function') {
    throw new ConfigError(file, ['exports a function; call it, and export the stage that it returns']);
  }
  if (value instanceof Promise) {
    value.catch(() => undefined);
    throw new ConfigError(file, ['exports a promise; write "await" after "export default"']);
  }
  return value;
};

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; write the name of a stage in config/, or the path of a .ts or .json file',
  ENOTDIR: 'does not exist; write the name of a stage in config/, or the path of a .ts or .json file',
  EISDIR: 'is a folder; write the path of a file in it',
  EACCES: 'is not readable by you; change its permissions',
  ELOOP: 'is a link to itself; write the path of the file',
};

/** @throws ConfigError if a file cannot be read, for any reason */
const requireReadable = (path: string, file: string): void => {
  try {
    if (statSync(path).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    readFileSync(path);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new ConfigError(file, [unreadable[code] ?? `cannot be read (${code}); write the path of a file`]);
  }
};

const readStage = async (path: string, file: string): Promise<StageConfig> => {
  requireReadable(path, file);
  const extension = extname(path);
  if (extension !== '.json' && extension !== '.ts') {
    throw new ConfigError(file, ['is neither .ts nor .json; write a path that ends in one of them']);
  }
  return checkStage(await (extension === '.json' ? readJson(path, file) : importDefault(path, file)), file);
};

const stagesFolder = join(import.meta.dirname, '..');

/** The stages in a folder, in alphabetical order: the files that export one. */
export const stageNames = (folder = stagesFolder): string[] =>
  readdirSync(folder)
    .filter((name) => /^[a-z0-9-]+\.ts$/.test(name))
    .filter((name) => /^export default\b/m.test(readFileSync(join(folder, name), 'utf8')))
    .map((name) => name.slice(0, -'.ts'.length))
    .sort();

/**
 * Reads and checks a stage's configuration.
 * @param nameOrFile a stage in `config/`, such as `demo`, or a path to a `.ts` or `.json` file
 * @param folder where stages are found by name
 * @throws ConfigError
 */
export const loadStage = async (nameOrFile: string, folder = stagesFolder): Promise<StageConfig> => {
  if (!/^[a-z0-9-]+$/.test(nameOrFile)) return readStage(resolve(nameOrFile), nameOrFile);
  const file = `config/${nameOrFile}.ts`;
  const config = await readStage(join(folder, `${nameOrFile}.ts`), file);
  if (config.stage !== nameOrFile) {
    // A copied file that kept its stage's name would overwrite that stage when deployed.
    throw new ConfigError(file, [`stage: is "${config.stage}"; write "${nameOrFile}", the name of the file`]);
  }
  return config;
};

/** Reasons are for the file's reviewer. */
const withoutReasons = <Entry extends object>(entry: Entry): Entry =>
  Object.fromEntries(Object.entries(entry).filter(([field]) => !field.endsWith('Reason'))) as Entry;

/** What fills the registry: the configuration without the fields that only the deployment or its reviewer needs. */
export const registryData = ({ stage, lifetimes, payers, partners }: StageConfig): RegistryData => ({
  stage,
  lifetimes,
  payers: payers.map((payer) => ({ ...withoutReasons(payer), quirks: withoutReasons(payer.quirks) })),
  partners: partners.map(withoutReasons),
});

/** Who runs a gateway whose stage does not say it. */
const anOperator = { name: 'Payer-to-payer gateway' };

/** What the stage's pages show. */
export const pageSettings = (config: StageConfig): PageSettings => {
  const { operator = anOperator, indexPage, domain } = config;
  return {
    operator,
    ownDomain: domain !== undefined,
    ...(indexPage === undefined ? {} : { indexPage: indexSettings(config, indexPage) }),
  };
};

/** An app as the page for developers shows it. @param secrets by client id */
const indexClientOf = (
  { clientId, name, redirectUris, payers, clientAuthentication }: Partner,
  secrets: Readonly<Record<string, string>>,
): IndexSettings['clients'][number] => {
  const secret = secrets[clientId];
  const isPublic = clientAuthentication.includes('none');
  return { clientId, name, redirectUris, payers, isPublic, ...(secret === undefined ? {} : { secret }) };
};

/** The registry has no list of partners that a page could read, so the page shows those of the configuration. */
const indexSettings = (
  { payers, partners, lifetimes }: StageConfig,
  { testMembers, links, clientSecrets = {} }: NonNullable<StageConfig['indexPage']>,
): IndexSettings => ({
  payers: payers.map(({ id, displayName }) => ({ id, displayName })),
  clients: partners.filter(sendsMembers).map((partner) => indexClientOf(partner, clientSecrets)),
  testMembers,
  links,
  codeSeconds: lifetimes.code,
});
