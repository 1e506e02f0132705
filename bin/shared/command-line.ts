import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ConfigError } from '../../config/check.ts';
import { loadStage } from '../../config/load.ts';
import type { StageConfig } from '../../config/stage.ts';

/** The command was given wrongly; the message is one line for a person. The tool ends with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command was understood and cannot be done; the message says what to do instead. The tool ends with 1. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** As `parseArgs` of `node:util`, strict, with its complaint cut to a line. @throws UsageError */
export const readArguments = <T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> => {
  try {
    return parseArgs(config);
  } catch (error) {
    const [what] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(`${what}; --help lists the flags`);
  }
};

/** The flags that say which stage a tool works on. */
export const stageFlags = { stage: { type: 'string' }, config: { type: 'string' } } as const;

/**
 * The stage of `--stage NAME` or `--config FILE`; stage `local` where neither is given.
 * @throws UsageError where both are given, ConfigError
 */
export const readStage = ({ stage, config }: { stage?: string; config?: string }): Promise<StageConfig> => {
  if (stage !== undefined && config !== undefined) throw new UsageError('Give --stage or --config, not both');
  return loadStage(config ?? stage ?? 'local');
};

/** The file that a person edits for the stage. */
export const stageFile = ({ config }: { config?: string }, { stage }: Pick<StageConfig, 'stage'>): string =>
  config ?? `config/${stage}.ts`;

/**
 * Runs a tool to its exit code: the tool's own, 1 for what cannot be done, 2 for a command given wrongly. It ends the
 * process, since a look-up of a name that hangs cannot be called off.
 */
export const runTool = async (tool: () => Promise<number>): Promise<never> => {
  try {
    process.exit(await tool());
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(error.message);
      process.exit(2);
    }
    if (!(error instanceof ConfigError || error instanceof Refusal)) throw error;
    console.error(error.message);
    process.exit(1);
  }
};
