import { jsonError, type AwsAnswer, type AwsService } from './service.ts';

/** The part of CloudWatch Logs that `npm run trace` uses: log groups by prefix, and lines that contain a text. */
export interface LocalLogs {
  readonly service: AwsService;
  readonly createGroup: (name: string) => void;
  /** Adds a line to a group. */
  readonly write: (group: string, message: string) => void;
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

const json = (value: unknown): AwsAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(value),
});

const invalid = (message: string): AwsAnswer => jsonError('InvalidParameterException', message);

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

/** Creates a CloudWatch Logs without log groups. */
export const localLogs = (): LocalLogs => {
  const groups = new Map<string, LogEvent[]>();
  let written = 0;

  const describe = ({ logGroupNamePrefix = '' }: { readonly logGroupNamePrefix?: string }): AwsAnswer =>
    json({
      logGroups: [...groups.keys()]
        .filter((name) => name.startsWith(logGroupNamePrefix))
        .map((logGroupName) => ({ logGroupName })),
    });

  const filter = ({ logGroupName = '', filterPattern = '', startTime = 0, endTime, nextToken }: Filter): AwsAnswer => {
    const events = groups.get(logGroupName);
    if (events === undefined) return jsonError('ResourceNotFoundException', 'The specified log group does not exist.');
    const matcher = matcherOf(filterPattern);
    if (matcher === undefined) return invalid('Only a regular expression between percent signs is supported here');
    const found = events.filter(
      ({ timestamp, message }) =>
        timestamp >= startTime && timestamp <= (endTime ?? Number.MAX_SAFE_INTEGER) && matcher.test(message),
    );
    const from = Number(nextToken ?? 0);
    const to = from + pageLines;
    return json({ events: found.slice(from, to), ...(to < found.length ? { nextToken: String(to) } : {}) });
  };

  const operations: Readonly<Record<string, (request: object) => AwsAnswer>> = {
    DescribeLogGroups: describe,
    FilterLogEvents: filter,
  };

  return {
    service: ({ headers, body }) => {
      const [, operation = ''] = String(headers['x-amz-target']).split('.');
      const serve = operations[operation];
      return serve === undefined
        ? jsonError('UnknownOperationException', `The local stack has no ${operation}`)
        : serve(JSON.parse(body.toString()) as object);
    },
    createGroup: (name) => void groups.set(name, []),
    write: (group, message) => {
      const events = groups.get(group);
      if (events === undefined) throw new Error(`There is no log group ${group}`);
      written += 1;
      events.push({ logStreamName: 'local', timestamp: Date.now(), message, eventId: String(written) });
      if (events.length > mostLines * 2) events.splice(0, events.length - mostLines);
    },
  };
};
