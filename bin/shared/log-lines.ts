import {
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
  type CloudWatchLogsClient,
} from '@aws-sdk/client-cloudwatch-logs';
import { Refusal } from './errors.ts';

/** A log line. */
export interface FoundLine {
  readonly group: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly text: string;
}

/**
 * What CloudFormation names goes on with a logical id, which begins with a capital. What begins with the prefix and goes on
 * otherwise is another stage's: `p2p-gateway-prod-eu-…` for `p2p-gateway-prod-`.
 */
export const isOfStage = (name: string, prefix: string): boolean =>
  name.startsWith(prefix) && /^[A-Z]/.test(name.slice(prefix.lastIndexOf('-') + 1));

const groupsOf = async (client: CloudWatchLogsClient, prefix: string): Promise<string[]> => {
  const names: string[] = [];
  const pages = paginateDescribeLogGroups({ client }, { logGroupNamePrefix: prefix });
  for await (const { logGroups = [] } of pages)
    names.push(...logGroups.flatMap(({ logGroupName = '' }) => (isOfStage(logGroupName, prefix) ? logGroupName : [])));
  if (names.length === 0)
    throw new Refusal(
      `There is no log group ${prefix}… in this account and region. Deploy the stage, or check --stage.`,
    );
  return names;
};

const linesOf = async (
  client: CloudWatchLogsClient,
  group: string,
  text: string,
  startTime: number,
): Promise<FoundLine[]> => {
  const lines: FoundLine[] = [];
  // Between percent signs it is a regular expression, which also finds the start of an id; plain terms match whole
  // words only.
  const filterPattern = `%${text.replaceAll('+', '\\+')}%`;
  const pages = paginateFilterLogEvents({ client }, { logGroupName: group, filterPattern, startTime });
  for await (const { events = [] } of pages) {
    lines.push(
      ...events.map(({ timestamp = 0, message = '' }) => ({ group, atMs: timestamp, text: message.trimEnd() })),
    );
  }
  return lines;
};

/**
 * The lines with a text in all log groups whose names begin with a prefix.
 * @throws Refusal if there is no such group, and whatever the client throws
 */
export const findIn = async (
  client: CloudWatchLogsClient,
  prefix: string,
  { text, sinceMs }: { readonly text: string; readonly sinceMs: number },
): Promise<FoundLine[]> => {
  const groups = await groupsOf(client, prefix);
  return (await Promise.all(groups.map((group) => linesOf(client, group, text, sinceMs)))).flat();
};
