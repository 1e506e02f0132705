import { localInsights } from './insights.ts';
import { jsonAnswer, jsonError, type AwsAnswer, type AwsService } from './service.ts';

/** What a log group may be created with. */
interface GroupOptions {
  /** @default for ever */
  readonly retentionDays?: number | undefined;
  /** Epoch milliseconds. @default now */
  readonly createdAt?: number;
}

/**
 * The part of CloudWatch Logs that `npm run trace` and `npm run usage` use: log groups by prefix, lines that contain a
 * text, and queries.
 */
export interface LocalLogs {
  readonly service: AwsService;
  readonly createGroup: (name: string, options?: GroupOptions) => void;
  /** Adds a line to a group. @param at epoch milliseconds, now by default */
  readonly write: (group: string, message: string, at?: number) => void;
}

interface LogEvent {
  readonly logStreamName: string;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly message: string;
  readonly eventId: string;
}

/** A limit, so that a stack that runs for days does not fill the memory. */
const mostLines = 10_000;
/** Lines per answer; AWS's limit is 10,000. */
const pageLines = 1000;
/** Groups per answer (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html). */
const pageGroups = 50;

const invalid = (message: string): AwsAnswer => jsonError('InvalidParameterException', message);

interface Group {
  readonly createdAt: number;
  readonly retentionDays: number | undefined;
  readonly events: LogEvent[];
}

interface Filter {
  readonly logGroupName?: string;
  readonly filterPattern?: string;
  readonly startTime?: number;
  readonly endTime?: number;
  readonly limit?: number;
  readonly nextToken?: string;
}

interface Describe {
  readonly logGroupNamePrefix?: string;
  readonly nextToken?: string;
}

/** What is on the page of a token, and the token of the next one. */
const pageOf = <T>(all: readonly T[], size: number, token = '0') => {
  const to = Number(token) + size;
  return { page: all.slice(Number(token), to), ...(to < all.length ? { nextToken: String(to) } : {}) };
};

/** A pattern between percent signs is a regular expression. CloudWatch Logs' other patterns are not supported. */
const matcherOf = (pattern: string): RegExp | undefined => {
  const [, expression] = /^%(.+)%$/s.exec(pattern) ?? [];
  return expression === undefined ? undefined : new RegExp(expression);
};

const bytesOf = (events: readonly LogEvent[]): number =>
  events.reduce((sum, { message }) => sum + Buffer.byteLength(message), 0);

/** Creates a CloudWatch Logs without log groups. */
export const localLogs = (): LocalLogs => {
  const groups = new Map<string, Group>();
  const insights = localInsights(groups, Date.now);
  let written = 0;

  const describe = ({ logGroupNamePrefix = '', nextToken }: Describe): AwsAnswer => {
    const found = [...groups]
      .filter(([name]) => name.startsWith(logGroupNamePrefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([logGroupName, { createdAt, retentionDays, events }]) => ({
        logGroupName,
        creationTime: createdAt,
        retentionInDays: retentionDays,
        storedBytes: bytesOf(events),
      }));
    const { page, ...more } = pageOf(found, pageGroups, nextToken);
    return jsonAnswer({ logGroups: page, ...more });
  };

  const filter = (request: Filter): AwsAnswer => {
    const { logGroupName = '', filterPattern = '', startTime = 0, endTime, limit = pageLines, nextToken } = request;
    const group = groups.get(logGroupName);
    if (group === undefined) return jsonError('ResourceNotFoundException', 'The specified log group does not exist.');
    const matcher = matcherOf(filterPattern);
    if (matcher === undefined) return invalid('Only a regular expression between percent signs is supported here');
    const found = group.events.filter(
      ({ timestamp, message }) =>
        timestamp >= startTime && timestamp <= (endTime ?? Number.MAX_SAFE_INTEGER) && matcher.test(message),
    );
    const { page, ...more } = pageOf(found, Math.min(limit, pageLines), nextToken);
    return jsonAnswer({ events: page, ...more });
  };

  const operations: Readonly<Record<string, (request: object) => AwsAnswer>> = {
    DescribeLogGroups: describe,
    FilterLogEvents: filter,
    StartQuery: insights.startQuery,
    GetQueryResults: insights.getQueryResults,
  };

  return {
    service: ({ headers, body }) => {
      const [, operation = ''] = String(headers['x-amz-target']).split('.');
      const serve = operations[operation];
      return serve === undefined
        ? jsonError('UnknownOperationException', `The local stack has no ${operation}`)
        : serve(JSON.parse(body.toString()) as object);
    },
    createGroup: (name, { retentionDays, createdAt = Date.now() } = {}) =>
      void groups.set(name, { retentionDays, createdAt, events: [] }),
    write: (group, message, at = Date.now()) => {
      const events = groups.get(group)?.events;
      if (events === undefined) throw new Error(`There is no log group ${group}`);
      written += 1;
      events.push({ logStreamName: 'local', timestamp: at, message, eventId: String(written) });
      if (events.length > mostLines * 2) events.splice(0, events.length - mostLines);
    },
  };
};
