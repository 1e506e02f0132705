import {
  DescribeLogGroupsCommand,
  FilterLogEventsCommand,
  GetQueryResultsCommand,
  StartQueryCommand,
  type CloudWatchLogsClient,
  type FilterLogEventsCommandInput,
  type StartQueryCommandInput,
} from '@aws-sdk/client-cloudwatch-logs';
import { casesFrom, type Case } from './contract.ts';

/** CloudWatch Logs in which groups can be made and written to. */
export interface Logs {
  readonly client: CloudWatchLogsClient;
  readonly makeGroup: (name: string) => Promise<void>;
  /** Writes lines of one time, in epoch milliseconds. */
  readonly write: (group: string, lines: readonly string[], at: number) => Promise<void>;
}

const reference = 'https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference';
const describing = casesFrom<Logs>(`${reference}/API_DescribeLogGroups.html`);
const filtering = casesFrom<Logs>(`${reference}/API_FilterLogEvents.html`);
const querying = casesFrom<Logs>(`${reference}/API_StartQuery.html`);

let made = 0;
const freshPrefix = (): string => `/contract-${(made += 1)}/`;
/** Makes a log group for one case alone. */
const freshGroup = async ({ makeGroup }: Logs): Promise<string> => {
  const name = `${freshPrefix()}fetch`;
  await makeGroup(name);
  return name;
};
const now = Date.now();

const groupsUnder = async ({ client }: Logs, logGroupNamePrefix: string) => {
  const pages: (string | undefined)[][] = [];
  let nextToken: string | undefined;
  do {
    const page = await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix, nextToken }));
    pages.push((page.logGroups ?? []).map(({ logGroupName }) => logGroupName));
    ({ nextToken } = page);
  } while (nextToken !== undefined);
  return pages;
};
/** The messages of every page. */
const messagesIn = async ({ client }: Logs, more: FilterLogEventsCommandInput) => {
  const pages: (string | undefined)[][] = [];
  let nextToken: string | undefined;
  do {
    const page = await client.send(new FilterLogEventsCommand({ filterPattern: '%.%', ...more, nextToken }));
    pages.push((page.events ?? []).map(({ message }) => message));
    ({ nextToken } = page);
  } while (nextToken !== undefined);
  return pages;
};
const start = ({ client }: Logs, group: string, more: Partial<StartQueryCommandInput> = {}) =>
  client.send(
    new StartQueryCommand({
      logGroupNames: [group],
      startTime: Math.floor(now / 1000) - 60,
      endTime: Math.floor(now / 1000) + 3600,
      queryString: 'filter ispresent(step) | stats count(*) as n by payer',
      ...more,
    }),
  );
const refuses = (sending: Promise<unknown>, name: string) => expect(sending).rejects.toMatchObject({ name });

/** Queries that are refused: a change of one that is taken. */
const refusedQueries: readonly (readonly [string, string, (group: string) => Partial<StartQueryCommandInput>])[] = [
  ['of no group', 'InvalidParameterException', () => ({ logGroupNames: [] })],
  [
    'of 51 groups',
    'InvalidParameterException',
    (group) => ({ logGroupNames: Array.from({ length: 51 }, () => group) }),
  ],
  ['that ends before it starts', 'InvalidParameterException', () => ({ startTime: 2, endTime: 1 })],
  ['with a limit of 0', 'InvalidParameterException', () => ({ limit: 0 })],
  ['of over 10,000 characters', 'InvalidParameterException', () => ({ queryString: 'x'.repeat(10_001) })],
  ['of an unknown group', 'ResourceNotFoundException', (group) => ({ logGroupNames: [group, `${group}-none`] })],
  ['that cannot be read', 'MalformedQueryException', () => ({ queryString: 'filter filter' })],
  ['of a time before its group', 'MalformedQueryException', () => ({ startTime: 1, endTime: 2 })],
];

/** What CloudWatch Logs does with what tools send. */
export const logsCases: readonly Case<Logs>[] = [
  describing('CloudWatch Logs lists the groups whose names begin with a prefix, in order', async (target) => {
    const prefix = freshPrefix();
    for (const name of [`${prefix}token`, `${prefix}fetch`, `/other${prefix}fetch`]) await target.makeGroup(name);
    expect(await groupsUnder(target, prefix)).toEqual([[`${prefix}fetch`, `${prefix}token`]]);
  }),
  describing('CloudWatch Logs lists 50 groups on a page', async (target) => {
    const prefix = freshPrefix();
    const names = Array.from({ length: 51 }, (_none, n) => `${prefix}${100 + n}`);
    for (const name of names) await target.makeGroup(name);
    expect(await groupsUnder(target, prefix)).toEqual([names.slice(0, 50), names.slice(50)]);
  }),
  filtering('CloudWatch Logs gives every line of a group once, page by page, in order', async (target) => {
    const group = await freshGroup(target);
    const lines = Array.from({ length: 1100 }, (_none, n) => `line ${n}`);
    await target.write(group, lines, now);
    await target.write(await freshGroup(target), ['line of another'], now);
    expect((await messagesIn(target, { logGroupName: group })).flat()).toEqual(lines);
  }),
  filtering('CloudWatch Logs gives no more lines on a page than it is asked for', async (target) => {
    const group = await freshGroup(target);
    await target.write(group, ['a', 'b', 'c'], now);
    expect(await messagesIn(target, { logGroupName: group, limit: 2 })).toEqual([['a', 'b'], ['c']]);
  }),
  filtering('CloudWatch Logs gives the lines that match a regular expression', async (target) => {
    const group = await freshGroup(target);
    await target.write(group, ['line 1', 'line 2', 'another 2'], now);
    expect(await messagesIn(target, { logGroupName: group, filterPattern: '%line [2-9]$%' })).toEqual([['line 2']]);
  }),
  filtering('CloudWatch Logs gives the lines between two times, both included', async (target) => {
    const group = await freshGroup(target);
    for (const [n, line] of ['first', 'second', 'third'].entries()) await target.write(group, [line], now + n);
    const between = (startTime: number, endTime: number) =>
      messagesIn(target, { logGroupName: group, startTime, endTime });
    expect(await between(now, now + 2)).toEqual([['first', 'second', 'third']]);
    expect(await between(now + 1, now + 1)).toEqual([['second']]);
    expect(await between(now + 3, now + 9)).toEqual([[]]);
    expect(await between(now - 9, now - 1)).toEqual([[]]);
  }),
  filtering('CloudWatch Logs finds no group that was not made', async (target) => {
    await refuses(messagesIn(target, { logGroupName: '/none' }), 'ResourceNotFoundException');
  }),
  querying('CloudWatch Logs starts a query, and gives its status', async (target) => {
    const group = await freshGroup(target);
    await target.write(group, ['{"step":"fetch","payer":"north"}'], now);
    const { queryId } = await start(target, group);
    const { status } = await target.client.send(new GetQueryResultsCommand({ queryId }));
    expect(['Scheduled', 'Running', 'Complete']).toContain(status);
  }),
  ...refusedQueries.map(([what, name, change]) =>
    querying(`CloudWatch Logs refuses a query ${what}`, async (target) => {
      const group = await freshGroup(target);
      await refuses(start(target, group, change(group)), name);
    }),
  ),
  querying('CloudWatch Logs takes a query of 50 groups', async (target) => {
    const group = await freshGroup(target);
    const { queryId } = await start(target, group, { logGroupNames: Array.from({ length: 50 }, () => group) });
    expect(queryId).toBeDefined();
  }),
  casesFrom<Logs>(`${reference}/API_GetQueryResults.html`)(
    'CloudWatch Logs has no results of a query that it did not start',
    async ({ client }) => {
      const queryId = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
      await refuses(client.send(new GetQueryResultsCommand({ queryId })), 'ResourceNotFoundException');
    },
  ),
];
