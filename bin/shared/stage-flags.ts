import { loadStage } from '../../config/checks/load.ts';
import { localStage } from '../../config/local.ts';
import type { StageConfig } from '../../config/stage.ts';
import { UsageError } from './errors.ts';
import { runningStack } from './running-stack.ts';

/** The flag that names a stage's file. */
export const configFlag = { '--config FILE': "a stage's configuration, .ts or .json" };

/** The flags that say which stage a tool works on; `stage` says which one if it is left out. */
const stageFlagsOf = (stage: string) => ({ '--stage NAME': stage, ...configFlag });

/** Those of a tool that tries things out at stage local. */
export const stageFlags = { needsStage: false, ...stageFlagsOf('a stage in config/ (default local)') };

/** Those of a command that has no default stage. */
export const neededStage = { needsStage: true, ...stageFlagsOf('a stage in config/') };

/** What names a table that is not the one that the stack made. */
export const tableHelp = (table: 'Grants' | 'Exports' | 'Exchanges' | 'Registry'): string =>
  `the ${table.toLowerCase()} table (default: the one named p2p-gateway-{stage}-Tables${table}…)`;

/** The flag that names the bucket of the audit. */
export const auditBucket = {
  '--bucket NAME': 'the audit bucket (default AUDIT_BUCKET, else the one named p2p-gateway-{stage}-auditbucket…)',
};

/** Their values. */
export interface StageFlags {
  readonly stage?: string | undefined;
  readonly config?: string | undefined;
}

/** For the help of tools that call AWS. */
export const awsHelp = `Credentials and region come from the usual AWS settings (AWS_PROFILE, AWS_REGION). For stage local, the tool calls what
npm start serves.`;

/**
 * Reads the stage of `--stage NAME` or `--config FILE`; stage `local`, as it runs, if neither is given.
 * @throws UsageError if both are given, ConfigError
 */
export const readStage = async ({ stage, config }: StageFlags): Promise<StageConfig> => {
  if (stage !== undefined && config !== undefined) throw new UsageError('Give --stage or --config, not both');
  const named = config ?? stage ?? 'local';
  const running = named === 'local' ? runningStack(process.env) : undefined;
  return running === undefined ? loadStage(named) : (running.config ?? localStage(running.ports));
};

/** For a stage that is a word, or `--config FILE`. @throws UsageError with this, unless it is one of them */
export const requireOneStage = <C extends StageFlags>(command: C, missing: string): C => {
  if ((command.stage === undefined) === (command.config === undefined)) throw new UsageError(missing);
  return command;
};

/** The file that a person edits for the stage. */
export const stageFile = ({ config }: StageFlags, { stage }: Pick<StageConfig, 'stage'>): string =>
  config ?? `config/${stage}.ts`;

/** The stage as the flag that a printed command needs, with a space before it; empty if neither was given. */
export const stageAsFlag = ({ stage, config }: StageFlags): string =>
  config === undefined ? (stage === undefined ? '' : ` --stage ${stage}`) : ` --config ${config}`;
