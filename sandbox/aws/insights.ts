import { randomUUID } from 'node:crypto';
import type { Fields } from './insights-expressions.ts';
import { readInsightsQuery, type Command } from './insights-query.ts';
import { UnreadableQuery } from './insights-reader.ts';
import { runInsightsQuery, type InsightsAnswer } from './insights-rows.ts';
import { account } from './intrinsics.ts';
import { jsonAnswer, jsonError, type AwsAnswer } from './service.ts';

/** A group as a query sees it. Times are epoch milliseconds. */
export interface QueriedGroup {
  readonly createdAt: number;
  readonly retentionDays: number | undefined;
  readonly events: readonly { readonly timestamp: number; readonly message: string }[];
}

interface StartQuery {
  readonly logGroupNames?: readonly string[];
  readonly startTime?: number;
  readonly endTime?: number;
  readonly queryString?: string;
  readonly limit?: number;
}

interface GetQueryResults {
  readonly queryId?: string;
  readonly nextToken?: string;
}

/** CloudWatch Logs Insights, as far as `npm run usage` and the queries of the documents use it. */
export interface LocalInsights {
  readonly startQuery: (request: StartQuery) => AwsAnswer;
  readonly getQueryResults: (request: GetQueryResults) => AwsAnswer;
}

/** AWS's own bounds (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html). */
const mostGroups = 50;
const mostRows = 100_000;
const mostQueryCharacters = 10_000;
const defaultRows = 10_000;
const pageRows = 10_000;
const dayMs = 86_400_000;

const used = new Set(['logGroupNames', 'startTime', 'endTime', 'queryString', 'limit']);

const invalid = (message: string): AwsAnswer => jsonError('InvalidParameterException', message);

/** What a line of Lambda's own says of an invocation (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html). */
const reportOf = (message: string): Fields => {
  const numberAfter = (words: string): number | undefined => {
    const [, found] = new RegExp(`\\t${words}: ([\\d.]+)`).exec(message) ?? [];
    return found === undefined ? undefined : Number(found);
  };
  const megabytes = numberAfter('Max Memory Used');
  return {
    '@type': 'REPORT',
    '@duration': numberAfter('Duration'),
    '@initDuration': numberAfter('Init Duration'),
    '@maxMemoryUsed': megabytes === undefined ? undefined : megabytes * 1_000_000,
  };
};

/** The fields of a JSON line, and of a report of Lambda's; any other line has none. */
const fieldsOf = (message: string): Fields => {
  try {
    const parsed: unknown = JSON.parse(message);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Fields) : {};
  } catch {
    return message.startsWith('REPORT RequestId:') ? reportOf(message) : {};
  }
};

interface Running {
  readonly answer: InsightsAnswer;
  readonly scanned: { readonly records: number; readonly bytes: number };
  asked: number;
}

/** Answers queries over log groups. A query is complete when its results are requested for the second time. */
export const localInsights = (groups: ReadonlyMap<string, QueriedGroup>, now: () => number): LocalInsights => {
  const queries = new Map<string, Running>();

  /** AWS refuses a time range for which a group can have no logs, instead of returning no rows. */
  const isOutside = ({ createdAt, retentionDays }: QueriedGroup, endMs: number): boolean =>
    endMs < createdAt || (retentionDays !== undefined && endMs < now() - retentionDays * dayMs);

  const run = (
    query: readonly Command[],
    found: readonly (readonly [name: string, group: QueriedGroup])[],
    from: number,
    to: number,
    most: number,
  ): Running => {
    const scanned = found
      .flatMap(([name, { events, retentionDays = Number.POSITIVE_INFINITY }]) =>
        events
          .filter(({ timestamp }) => timestamp >= now() - retentionDays * dayMs)
          .map(({ timestamp, message }) => ({ timestamp, message, name })),
      )
      .filter(({ timestamp }) => timestamp >= from * 1000 && timestamp < (to + 1) * 1000);
    const events = scanned.map(({ message, timestamp, name }) => ({
      ...fieldsOf(message),
      '@timestamp': new Date(timestamp),
      '@message': message,
      '@log': `${account}:${name}`,
    }));
    const { rows, matched } = runInsightsQuery(query, events);
    const bytes = scanned.reduce((sum, { message }) => sum + Buffer.byteLength(message), 0);
    return { answer: { rows: rows.slice(0, most), matched }, scanned: { records: scanned.length, bytes }, asked: 0 };
  };

  return {
    startQuery: (request) => {
      const { logGroupNames = [], startTime, endTime, queryString = '', limit = defaultRows } = request;
      const unknown = Object.keys(request).find((name) => !used.has(name));
      if (unknown !== undefined) return invalid(`The local stack's StartQuery has no ${unknown}`);
      if (logGroupNames.length === 0 || logGroupNames.length > mostGroups)
        return invalid(`1 to ${mostGroups} log groups must be given`);
      if (startTime === undefined || endTime === undefined || startTime > endTime)
        return invalid('The start time must not be after the end time');
      if (!Number.isInteger(limit) || limit < 1 || limit > mostRows)
        return invalid(`The limit must be between 1 and ${mostRows}`);
      if (queryString.length > mostQueryCharacters)
        return invalid(`A query has ${mostQueryCharacters} characters at most`);
      const found = logGroupNames.map((name) => groups.get(name));
      if (!found.every((group) => group !== undefined))
        return jsonError('ResourceNotFoundException', 'Log group does not exist');
      if (found.some((group) => isOutside(group, endTime * 1000))) {
        return jsonError(
          'MalformedQueryException',
          "Query's end date and time is either before the log groups creation time or exceeds the log groups log retention settings",
        );
      }
      try {
        const queryId = randomUUID();
        const named = found.map((group, index) => [logGroupNames[index] ?? '', group] as const);
        queries.set(queryId, run(readInsightsQuery(queryString), named, startTime, endTime, limit));
        return jsonAnswer({ queryId });
      } catch (error) {
        if (error instanceof UnreadableQuery) return jsonError('MalformedQueryException', error.message);
        throw error;
      }
    },
    getQueryResults: ({ queryId = '', nextToken }) => {
      const query = queries.get(queryId);
      if (query === undefined) return jsonError('ResourceNotFoundException', 'The specified query does not exist.');
      query.asked += 1;
      if (query.asked === 1) return jsonAnswer({ status: 'Running', results: [] });
      const { rows, matched } = query.answer;
      const from = Number(nextToken ?? 0);
      const to = from + pageRows;
      return jsonAnswer({
        status: 'Complete',
        results: rows.slice(from, to),
        statistics: {
          recordsMatched: matched,
          recordsScanned: query.scanned.records,
          bytesScanned: query.scanned.bytes,
        },
        ...(to < rows.length ? { nextToken: String(to) } : {}),
      });
    },
  };
};
