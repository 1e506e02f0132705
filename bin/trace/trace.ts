import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { visibleLine } from '../../config/visible.ts';
import { parseObject } from '../../functions/shared/json-object.ts';
import { awsSettings, explainAwsFailure } from '../shared/aws.ts';
import { requireAccount } from '../shared/caller.ts';
import { readCommand } from '../shared/command-line.ts';
import type { FoundLine } from '../shared/log-lines.ts';
import type { Output } from '../shared/output.ts';
import { readStage } from '../shared/stage-flags.ts';
import { findLines } from './find-lines.ts';
import { spec } from './flags.ts';

/** What a person reads first, in this order; the line's other fields follow. */
const first = [
  'level',
  'function',
  'step',
  'status',
  'outcome',
  'error',
  'detail',
  'partner',
  'payer',
  'grantId',
] as const;
/** Fields of the metrics, and the time, which the line starts with. */
const leftOut = new Set(['_aws', 'time', 'requests']);

const tell = (value: unknown): string =>
  typeof value === 'string' && /^[\w./:{}+*-]+$/.test(value) ? value : JSON.stringify(value);

/** A log line for a person: its time and its fields by name. A line that is not a JSON object stays as it is. */
export const tellLine = ({ atMs, text }: FoundLine): string => {
  const time = new Date(atMs).toISOString();
  const fields = parseObject(text);
  if (fields === undefined) return `${time}  ${visibleLine(text)}`;
  const rest = Object.keys(fields).filter((name) => !leftOut.has(name) && !(first as readonly string[]).includes(name));
  const told = [...first, ...rest]
    .filter((name) => fields[name] !== undefined && fields[name] !== '-')
    .map((name) => `${name}=${tell(fields[name])}`);
  return `${time}  ${told.join('  ')}`;
};

/** What the tool needs that tests replace. */
export interface TraceDeps {
  readonly nowMs: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Pick<Output, 'out' | 'note'>;
}

/**
 * Prints the log lines of one request.
 * @returns the exit code: 1 if there is no line
 * @throws UsageError, Refusal, ConfigError
 */
export const trace = async (args: readonly string[], { nowMs, environment, output }: TraceDeps): Promise<number> => {
  const query = readCommand(spec, args);
  const sinceMs = nowMs - query.since * 3_600_000;
  const config = await readStage(query);
  await requireAccount(config, environment, 'trace');
  const client = new CloudWatchLogsClient(awsSettings(config, environment, 'trace'));
  try {
    const lines = await findLines(client, config.stage, { ...query, sinceMs });
    for (const line of lines) output.out(query.json ? line.text : tellLine(line));
    if (lines.length > 0) return 0;
    output.note(
      `No line since ${new Date(sinceMs).toISOString()} contains ${query.reference}. Look further back with --since, ` +
        'or try another --stage. CloudWatch shows a line only seconds after it was logged.',
    );
    return 1;
  } catch (error) {
    const rights = "logs:DescribeLogGroups and logs:FilterLogEvents, and use of the logs' key";
    throw explainAwsFailure(error, { stage: config.stage, service: 'CloudWatch Logs', rights });
  } finally {
    client.destroy();
  }
};
