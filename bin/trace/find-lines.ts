import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { parseObject } from '../../functions/shared/json-object.ts';
import { findIn, type FoundLine } from '../shared/log-lines.ts';

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
