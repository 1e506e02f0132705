import { loadStage } from '../../config/checks/load.ts';
import { localStage } from '../../config/local.ts';
import type { StageConfig } from '../../config/stage.ts';
import { UsageError } from './errors.ts';
import { runningStack } from './running-stack.ts';
import { maybeWord, type Rule } from './spec.ts';

/** The flag that names a stage's file. */
export const configFlag = { '--config FILE': "a stage's configuration, .ts or .json" };

/** The flags that say which stage a tool works on; `stage` says which one if it is left out. */
const stageFlagsOf = (stage: string) => ({ '--stage NAME': stage, ...configFlag });

/** Those of a tool that tries things out at stage local. */
export const stageFlags = { needsStage: false, ...stageFlagsOf('a stage in config/ (default local)') };

/** Those of a command that has no default stage. */
export const neededStage = { needsStage: true, ...stageFlagsOf('a stage in config/') };

/** What names tables that are not the ones that the stack made. */
const table = (name: string): string =>
  `the ${name.toLowerCase()} table (default: the one named p2p-gateway-{stage}-Tables${name}…)`;
export const grantsTable = { '--table NAME': table('Grants') };
export const exportsTable = { '--table NAME': table('Exports') };
export const registryTable = { '--table NAME': table('Registry') };
export const besideGrants = { '--grants-table NAME': table('Grants') };
export const besideExchanges = { '--exchanges-table NAME': table('Exchanges') };

/** The flag that names the bucket of the audit. */
export const auditBucket = {
  '--bucket NAME': 'the audit bucket (default AUDIT_BUCKET, else the one named p2p-gateway-{stage}-auditbucket…)',
};

const oneStage = 'Give one STAGE, or --config FILE; --help says more';
const isOne: Rule = (_given, { stage, config }) =>
  (stage === undefined) === (config === undefined) ? oneStage : undefined;

/** Of a command whose stage is its word, unless it is a file. */
export const stageWord = { needsStage: false, words: { stage: maybeWord(oneStage) }, ...configFlag, rules: [isOne] };

/** Their values. */
export interface StageFlags {
  readonly stage?: string | undefined;
  readonly config?: string | undefined;
}

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

/** The file that a person edits for the stage. */
export const stageFile = ({ config }: StageFlags, { stage }: Pick<StageConfig, 'stage'>): string =>
  config ?? `config/${stage}.ts`;

/** Whether `npm start` serves the stage: it adds keys, ports and clients to `config/local.ts` each time it starts. */
const isServed = ({ config }: StageFlags, { stage }: Pick<StageConfig, 'stage'>): boolean =>
  config === undefined && stage === 'local';

/** Where the stage's entries come from: its file or, for `local`, what `npm start` serves. */
export const stageSource = (flags: StageFlags, stage: Pick<StageConfig, 'stage'>): string =>
  isServed(flags, stage) ? 'what `npm start` serves' : stageFile(flags, stage);

/** How a change of the stage's file takes effect. */
export const stageApply = (flags: StageFlags, stage: Pick<StageConfig, 'stage'>): string =>
  isServed(flags, stage) ? 'start `npm start` again' : 'apply it (npm run registry)';

/** The stage as the flag that a printed command needs, with a space before it; empty if neither was given. */
export const stageAsFlag = ({ stage, config }: StageFlags): string =>
  config === undefined ? (stage === undefined ? '' : ` --stage ${stage}`) : ` --config ${config}`;
