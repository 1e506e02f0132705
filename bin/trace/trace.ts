import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { visibleLine } from '../../config/checks/visible.ts';
import { parseObject } from '../../functions/shared/json/json-object.ts';
import { awsSettings, explainAwsFailure } from '../shared/aws.ts';
import { requireAccount } from '../shared/caller.ts';
import { readCommand } from '../shared/command-line.ts';
import { findIn, type FoundLine } from '../shared/log-lines.ts';
import type { Output } from '../shared/output.ts';
import { readStage } from '../shared/stage-flags.ts';
import { spec } from './flags.ts';

const stringIn = ({ text }: FoundLine, name: string): string | undefined => {
  const value = parseObject(text)?.[name];
  return typeof value === 'string' ? value : undefined;
};

/** The request that a line names as its cause: a failed export's kick-off, whose id is in the lines of its job. */
const requestNamedIn = (line: FoundLine): string | undefined =>
  /\brequest ([\w-]{8,64})$/.exec(stringIn(line, 'detail') ?? '')?.[1];

/**
 * Finds the lines that contain a reference, oldest first, and the lines of the same request under another id: the
 * access log has the function's request id next to API Gateway's own, and the answer to a poll for a failed export names
 * the request that began it.
 * @throws Refusal if the stage has no logs, and whatever the client throws
 */
const findLines = async (
  client: CloudWatchLogsClient,
  stage: string,
  { reference, sinceMs }: { readonly reference: string; readonly sinceMs: number },
): Promise<FoundLine[]> => {
  const search = (text: string): Promise<FoundLine[]> => findIn(client, `p2p-gateway-${stage}-`, { text, sinceMs });
  const found = await search(reference);
  const others = new Set(
    found
      .flatMap((line) => [stringIn(line, 'integrationRequestId'), requestNamedIn(line)])
      .filter((id) => id !== undefined && id !== '-' && !id.includes(reference)),
  );
  const more = await Promise.all([...others].map((id) => search(id ?? '')));
  const unique = new Map([...found, ...more.flat()].map((line) => [`${line.group} ${line.atMs} ${line.text}`, line]));
  return [...unique.values()].toSorted((a, b) => a.atMs - b.atMs);
};

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
