import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { StageConfig } from '../../config/stage.ts';
import { reasonsQuery, totalsQuery } from '../../functions/shared/metrics/figures-query.ts';
import { dollars } from '../cost/prices.ts';
import { awsSettings, explainAwsFailure } from '../shared/aws.ts';
import { requireAccount } from '../shared/caller.ts';
import { readCommand } from '../shared/command-line.ts';
import { dayOf } from '../shared/day.ts';
import { Refusal } from '../shared/errors.ts';
import type { Output } from '../shared/output.ts';
import { readStage } from '../shared/stage-flags.ts';
import { requireWritable, writeWhole } from '../shared/write-whole.ts';
import { csvOf } from './csv.ts';
import { figuresOf, type Figures } from './figures.ts';
import { spec, type UsageCommand } from './flags.ts';
import { bytesWithin, findRequestLogs, keptFrom, type RequestLog } from './log-groups.ts';
import { sinceDay, type Month } from './month.ts';
import { readNames } from './names.ts';
import { runQuery } from './run-query.ts';

/** What the tool needs that tests replace. */
export interface UsageDeps {
  readonly nowMs: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Pick<Output, 'out' | 'note'>;
  readonly delay: (ms: number) => Promise<void>;
}

const gb = 1e9;

const told = (bytes: number): string =>
  `${(bytes / gb).toFixed(3)} GB of log (${dollars('logGbScanned', bytes / gb).toFixed(2)} dollars at list price)`;

/** The part of the month that the logs still have in full. @throws Refusal if that is nothing */
const remainingOf = (month: Month, logs: readonly RequestLog[], { nowMs, output }: UsageDeps): Month => {
  const left = sinceDay(month, keptFrom(logs, nowMs));
  if (left.fromMs >= left.toMs)
    throw new Refusal(
      `The logs of ${month.name} are gone: they begin on ${dayOf(left.fromMs)} (retention.logDays). Nothing was written.`,
    );
  if (left.fromMs > month.fromMs)
    output.note(`These are the figures from ${dayOf(left.fromMs)} on: older logs are gone (retention.logDays).`);
  return left;
};

interface Setting {
  readonly command: UsageCommand;
  readonly config: StageConfig;
  readonly logs: CloudWatchLogsClient;
}

const showPlan = ({ by }: UsageCommand, month: Month, groups: readonly RequestLog[], deps: UsageDeps): void => {
  const { output, nowMs } = deps;
  output.out(
    `from ${dayOf(month.fromMs)} to ${dayOf(month.toMs - 1)} in ${groups.map(({ name }) => name).join(', ')}:`,
  );
  const queries = [totalsQuery(by), reasonsQuery(by)];
  for (const query of queries) output.out(query);
  output.note(
    `Would read about ${told(queries.length * bytesWithin(groups, month, nowMs))}. Nothing was asked or written.`,
  );
};

const askFigures = async (
  { command: { by }, logs }: Setting,
  month: Month,
  groups: readonly RequestLog[],
  { delay, output }: UsageDeps,
): Promise<Figures[]> => {
  if (groups.length === 0) return [];
  let scanned = 0;
  const deps = {
    client: logs,
    logGroupNames: groups.map(({ name }) => name),
    month,
    delay,
    onScanned: (bytes: number) => void (scanned += bytes),
  };
  const totalRows = await runQuery(deps, by, (which) => totalsQuery(by, which));
  const reasonRows = totalRows.length === 0 ? [] : await runQuery(deps, by, (which) => reasonsQuery(by, which));
  output.note(`Read ${told(scanned)}.`);
  return figuresOf(by, totalRows, reasonRows);
};

const namesOf = (
  { command: { by, table }, config }: Setting,
  { environment, delay }: UsageDeps,
): Promise<ReadonlyMap<string, string>> =>
  readNames(config, by, { environment, tool: 'usage', name: table, wait: delay });

const run = async (setting: Setting, deps: UsageDeps): Promise<void> => {
  const { command, config, logs } = setting;
  if (command.csv !== undefined) await requireWritable(command.csv);
  const all = await findRequestLogs(logs, config.stage);
  const month = remainingOf(command.month, all, deps);
  // CloudWatch refuses a time before a log group was created.
  const groups = all.filter(({ createdAtMs }) => createdAtMs < month.toMs - 1000);
  if (command.dryRun) return showPlan(command, month, groups, deps);
  // A table given by name is checked before the logs are read, since reading logs costs money.
  const named = command.table === undefined ? undefined : await namesOf(setting, deps);
  const figures = await askFigures(setting, month, groups, deps);
  const hasIds = figures.some(({ id }) => id !== '');
  const csv = csvOf(command.by, month, figures, named ?? (hasIds ? await namesOf(setting, deps) : new Map()));
  if (command.csv === undefined) deps.output.out(csv.trimEnd());
  else await writeWhole(command.csv, csv);
  if (figures.length === 0)
    deps.output.note(`The stage had no request in ${command.month.name}: the CSV has its head only.`);
  else if (command.csv !== undefined) deps.output.note(`${command.csv} has ${figures.length} lines.`);
};

const busy = /^(?:LimitExceeded|Throttling|TooManyRequests|ProvisionedThroughputExceeded)\w*$/;

const explain = (error: unknown, { stage }: StageConfig): unknown => {
  if (error instanceof Error && busy.test(error.name)) {
    return new Refusal(
      `AWS is busy with other calls of this account (${error.name}). Nothing was written; try again later.`,
    );
  }
  const rights = "logs:DescribeLogGroups, logs:StartQuery and logs:GetQueryResults, and use of the logs' key";
  return explainAwsFailure(error, { stage, service: 'CloudWatch Logs', rights });
};

/**
 * Prints a month's figures as CSV, or writes them into a file, whole or not at all.
 * @returns the exit code
 * @throws UsageError, Refusal, ConfigError
 */
export const usage = async (args: readonly string[], deps: UsageDeps): Promise<number> => {
  const command = readCommand(spec, args, deps.nowMs);
  const config = await readStage(command);
  await requireAccount(config, deps.environment, 'usage');
  // An account may run few queries at a time, so the SDK retries with growing pauses.
  const logs = new CloudWatchLogsClient({ ...awsSettings(config, deps.environment, 'usage'), maxAttempts: 8 });
  try {
    await run({ command, config, logs }, deps);
    return 0;
  } catch (error) {
    throw explain(error, config);
  } finally {
    logs.destroy();
  }
};
