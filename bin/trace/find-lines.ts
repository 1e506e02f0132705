import {
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
  type CloudWatchLogsClient,
} from '@aws-sdk/client-cloudwatch-logs';
import { parseObject } from '../../functions/shared/json-object.ts';
import { Refusal } from '../shared/errors.ts';

/** A log line. */
export interface FoundLine {
  readonly group: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly text: string;
}

const groupsOf = async (client: CloudWatchLogsClient, stage: string): Promise<string[]> => {
  const names: string[] = [];
  const pages = paginateDescribeLogGroups({ client }, { logGroupNamePrefix: `p2p-gateway-${stage}-` });
  for await (const { logGroups = [] } of pages)
    names.push(...logGroups.flatMap(({ logGroupName }) => logGroupName ?? []));
  if (names.length === 0)
    throw new Refusal(
      `There is no log group p2p-gateway-${stage}-… in this account and region. Deploy the stage, or check --stage.`,
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
export const findLines = async (
  client: CloudWatchLogsClient,
  stage: string,
  { reference, sinceMs }: { readonly reference: string; readonly sinceMs: number },
): Promise<FoundLine[]> => {
  const groups = await groupsOf(client, stage);
  const search = async (text: string): Promise<FoundLine[]> =>
    (await Promise.all(groups.map((group) => linesOf(client, group, text, sinceMs)))).flat();
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
