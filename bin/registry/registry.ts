import type { StageConfig } from '../../config/stage.ts';
import { causeOf } from '../../functions/shared/errors.ts';
import { localEndpoint } from '../shared/aws.ts';
import { readCommand } from '../shared/command-line.ts';
import { Refusal } from '../shared/errors.ts';
import { explainRegistryFailure, openRegistryTable, readFilled, type OpenRegistry } from '../shared/registry-table.ts';
import { runningStack } from '../shared/running-stack.ts';
import { readStage } from '../shared/stage-flags.ts';
import { applyCommand, requireReasonOrTerminal } from './apply-command.ts';
import { lookAt } from './compare-with-table.ts';
import { differs } from './compare.ts';
import type { RegistryToolDeps } from './deps.ts';
import { exportEntries } from './export.ts';
import { spec, type RegistryCommand } from './flags.ts';
import { diffJson, diffLines } from './tell-diff.ts';

const differenceCode = 3;

/**
 * The stage from its file. For `local`, the running one: `npm start` makes keys and adds clients that its file does not have.
 * @throws Refusal if stage `local` is not running
 */
const stageOf = async (command: RegistryCommand, { environment }: RegistryToolDeps): Promise<StageConfig> => {
  const config = await readStage(command);
  if (config.stage !== 'local' || command.config !== undefined || runningStack(environment)?.config !== undefined)
    return config;
  const endpoint = environment['AWS_ENDPOINT_URL'] ?? localEndpoint(environment);
  throw new Refusal(
    `Stage local is what \`npm start\` serves, but none of this folder has its AWS at ${endpoint}; start it, or give --stage`,
  );
};

const run = async (
  config: StageConfig,
  registry: OpenRegistry,
  command: RegistryCommand,
  deps: RegistryToolDeps,
): Promise<number> => {
  if (command.command === 'apply') return applyCommand(config, registry, command, deps);
  if (command.command === 'export')
    return exportEntries(config, await readFilled(registry.table, config.stage), deps.output, command);
  const diff = await lookAt(config, registry, command, Math.floor(deps.now() / 1000));
  deps.output.out(command.json ? JSON.stringify(diffJson(diff), null, 2) : diffLines(diff).join('\n'));
  return differs(diff.comparison) ? differenceCode : 0;
};

/** Failures that may come in the middle of an apply. */
const midway = /Throttl|Exceeded|TooManyRequests|Timeout|ETIMEDOUT|ECONN|EPIPE|Internal|Unavailable/;

/** Turns a failure of AWS into a Refusal that says what to do. */
const explain = (error: unknown, config: StageConfig, command: RegistryCommand): unknown => {
  const known = explainRegistryFailure(error, config);
  if (error instanceof Refusal || !(error instanceof Error)) return error;
  if (error.name === 'ResourceNotFoundException') {
    const { table, grantsTable } = { grantsTable: undefined, ...command };
    const given = [table, grantsTable].filter((name) => name !== undefined);
    return new Refusal(`There is no table ${given.join(' or ')} in this account and region.`);
  }
  const cause = causeOf(error);
  if (!midway.test(cause)) return known;
  const advice = command.command === 'apply' ? ' Each entry that was written is whole; apply again to finish.' : '';
  const what =
    known instanceof Refusal ? known.message : `DynamoDB fails (${cause}). Run the same command in a minute.`;
  return new Refusal(`${what}${advice}`);
};

/**
 * Compares a stage's file with the table Registry, makes the table as the file is, or prints what the table has.
 * @returns the exit code
 * @throws UsageError, Refusal, ConfigError
 */
export const registry = async (args: readonly string[], deps: RegistryToolDeps): Promise<number> => {
  const command = readCommand(spec, args);
  if (command.command === 'apply') requireReasonOrTerminal(command, deps);
  const config = await stageOf(command, deps);
  const { environment, wait } = deps;
  const open = await openRegistryTable(config, {
    environment,
    tool: 'operator',
    name: command.table,
    ...(wait === undefined ? {} : { wait }),
  });
  try {
    return await run(config, open, command, deps);
  } catch (error) {
    throw explain(error, config, command);
  } finally {
    open.close();
  }
};
