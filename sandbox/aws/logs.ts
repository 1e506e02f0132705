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
  readonly nextToken?: string;
}

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

  const describe = ({ logGroupNamePrefix = '' }: { readonly logGroupNamePrefix?: string }): AwsAnswer =>
    jsonAnswer({
      logGroups: [...groups]
        .filter(([name]) => name.startsWith(logGroupNamePrefix))
        .map(([logGroupName, { createdAt, retentionDays, events }]) => ({
          logGroupName,
          creationTime: createdAt,
          retentionInDays: retentionDays,
          storedBytes: bytesOf(events),
        })),
    });

  const filter = ({ logGroupName = '', filterPattern = '', startTime = 0, endTime, nextToken }: Filter): AwsAnswer => {
    const group = groups.get(logGroupName);
    if (group === undefined) return jsonError('ResourceNotFoundException', 'The specified log group does not exist.');
    const matcher = matcherOf(filterPattern);
    if (matcher === undefined) return invalid('Only a regular expression between percent signs is supported here');
    const found = group.events.filter(
      ({ timestamp, message }) =>
        timestamp >= startTime && timestamp <= (endTime ?? Number.MAX_SAFE_INTEGER) && matcher.test(message),
    );
    const from = Number(nextToken ?? 0);
    const to = from + pageLines;
    return jsonAnswer({ events: found.slice(from, to), ...(to < found.length ? { nextToken: String(to) } : {}) });
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
