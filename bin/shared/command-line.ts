import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ConfigError } from '../../config/check.ts';
import { loadStage } from '../../config/load.ts';
import type { StageConfig } from '../../config/stage.ts';
import { exit, outliveReaders } from './exit.ts';

/** The command line is wrong. The message is one line for a person, and the tool exits with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command cannot be carried out. The message says what to do instead, and the tool exits with 1. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** In words of our own, what Node's do not say in one line. */
const inOneLine = (message: string): string => {
  const [, flag] = /^Option '(?:-\w, )?--([\w-]+)(?: <value>)?' argument (?:is ambiguous|missing)/.exec(message) ?? [];
  if (flag !== undefined) return `--${flag} needs a value; if that starts with a hyphen, write --${flag}=VALUE`;
  return (message.split(/\. |\n/)[0] ?? '').replace(/\.$/, '');
};

/** Node would take the last of several values, and drop the others without a word. @throws UsageError */
const refuseRepeated = (config: ParseArgsConfig): void => {
  const { tokens } = parseArgs({ ...config, tokens: true });
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== 'option' || token.value === undefined || config.options?.[token.name]?.multiple === true)
      continue;
    if (seen.has(token.name)) throw new UsageError(`--${token.name} was given twice; give one value, or run twice`);
    seen.add(token.name);
  }
};

/**
 * Reads arguments as `parseArgs` of `node:util` does, strictly, with its error cut to one line. A flag with a value is
 * given once, unless it is for several.
 * @throws UsageError
 */
export const readArguments = <T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> => {
  let parsed: ReturnType<typeof parseArgs<T>>;
  try {
    parsed = parseArgs(config);
  } catch (error) {
    throw new UsageError(`${inOneLine((error as Error).message)}; --help lists the flags`);
  }
  refuseRepeated(config);
  return parsed;
};

/** Refuses flags that a command would ignore. @throws UsageError */
export const refuseUnusedFlags = (command: string, flags: object, used: readonly string[]): void => {
  const unused = Object.keys(flags).find((flag) => !used.includes(flag));
  if (unused !== undefined) throw new UsageError(`--${unused} does not apply to ${command}; --help lists the flags`);
};

/** The flags that say which stage a tool works on. */
export const stageFlags = { stage: { type: 'string' }, config: { type: 'string' } } as const;

/** Their values. */
export interface StageFlags {
  readonly stage?: string | undefined;
  readonly config?: string | undefined;
}

/** For the help of tools that call AWS. */
export const awsHelp = `Credentials and region come from the usual AWS settings (AWS_PROFILE, AWS_REGION). For stage local, the tool calls what
npm start serves.`;

/** For the help of tools that do one thing. */
export const exitHelp = 'Exits with 0 if it is done, 1 if it cannot be done, 2 if the command line is wrong.';

/**
 * Reads the stage of `--stage NAME` or `--config FILE`; stage `local` if neither is given.
 * @throws UsageError if both are given, ConfigError
 */
export const readStage = ({ stage, config }: StageFlags): Promise<StageConfig> => {
  if (stage !== undefined && config !== undefined) throw new UsageError('Give --stage or --config, not both');
  return loadStage(config ?? stage ?? 'local');
};

/** For commands that would do harm, or mislead, at another stage than the one meant. @throws UsageError */
export const requireStage = (command: string, flags: StageFlags): StageFlags => {
  if (flags.stage === undefined && flags.config === undefined) {
    throw new UsageError(`Give --stage NAME: ${command} has no default stage`);
  }
  return flags;
};

/** The file that a person edits for the stage. */
export const stageFile = ({ config }: StageFlags, { stage }: Pick<StageConfig, 'stage'>): string =>
  config ?? `config/${stage}.ts`;

/**
 * Runs a tool and exits, once its output has been read: with the tool's own code, 1 if it cannot be done, 2 if the command
 * line is wrong. It ends the process, because a DNS lookup that hangs cannot be canceled.
 */
export const runTool = async (tool: () => Promise<number>): Promise<never> => {
  outliveReaders();
  try {
    return await exit(await tool());
  } catch (error) {
    const isUsage = error instanceof UsageError;
    if (!(isUsage || error instanceof ConfigError || error instanceof Refusal)) throw error;
    console.error(error.message);
    return exit(isUsage ? 2 : 1);
  }
};
