import {
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
  type CloudWatchLogsClient,
} from '@aws-sdk/client-cloudwatch-logs';
import { Refusal } from '../shared/command-line.ts';
import type { TraceQuery } from './flags.ts';

/** A line of a log. */
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
    throw new Refusal(`There is no log group p2p-gateway-${stage}-… here. Is the stage deployed?`);
  return names;
};

const linesOf = async (
  client: CloudWatchLogsClient,
  group: string,
  text: string,
  startTime: number,
): Promise<FoundLine[]> => {
  const lines: FoundLine[] = [];
  // Between percent signs a regular expression, which finds the beginning of an id; words must match whole.
  const filterPattern = `%${text.replaceAll('+', '\\+')}%`;
  const pages = paginateFilterLogEvents({ client }, { logGroupName: group, filterPattern, startTime });
  for await (const { events = [] } of pages) {
    lines.push(
      ...events.map(({ timestamp = 0, message = '' }) => ({ group, atMs: timestamp, text: message.trimEnd() })),
    );
  }
  return lines;
};

const valueOf = ({ text }: FoundLine, name: string): string | undefined => {
  try {
    const value = (JSON.parse(text) as Record<string, unknown>)[name];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
};

/**
 * The lines that hold a reference, in the order in which they were written, and those that belong to the same request
 * under another id: the access log names a function's request id beside API Gateway's own.
 * @throws Refusal where the stage has no logs, and whatever the client throws
 */
export const findLines = async (
  client: CloudWatchLogsClient,
  stage: string,
  { reference, sinceMs }: Pick<TraceQuery, 'reference' | 'sinceMs'>,
): Promise<FoundLine[]> => {
  const groups = await groupsOf(client, stage);
  const search = async (text: string): Promise<FoundLine[]> =>
    (await Promise.all(groups.map((group) => linesOf(client, group, text, sinceMs)))).flat();
  const found = await search(reference);
  const others = new Set(
    found
      .map((line) => valueOf(line, 'integrationRequestId'))
      .filter((id) => id !== undefined && id !== '-' && !id.includes(reference)),
  );
  const more = await Promise.all([...others].map((id) => search(id ?? '')));
  const unique = new Map([...found, ...more.flat()].map((line) => [`${line.group} ${line.atMs} ${line.text}`, line]));
  return [...unique.values()].toSorted((a, b) => a.atMs - b.atMs);
};
