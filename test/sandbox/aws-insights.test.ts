import { readInsightsQuery } from '../../sandbox/aws/insights-query.ts';
import { runInsightsQuery } from '../../sandbox/aws/insights-rows.ts';
import { localLogs } from '../../sandbox/aws/logs.ts';
import type { AwsRequest } from '../../sandbox/aws/service.ts';

const dayMs = 86_400_000;
const now = Date.now();

interface Answer {
  readonly __type?: string;
  readonly message?: string;
  readonly queryId?: string;
  readonly status?: string;
  readonly results?: readonly (readonly { readonly field: string; readonly value: string }[])[];
  readonly statistics?: object;
  readonly nextToken?: string;
}

const logs = localLogs();

const ask = async (operation: string, body: object): Promise<Answer> => {
  const request = {
    headers: { 'x-amz-target': `Logs_20140328.${operation}` },
    body: Buffer.from(JSON.stringify(body)),
  };
  return JSON.parse(String((await logs.service(request as unknown as AwsRequest)).body)) as Answer;
};

const start = (queryString: string, change: object = {}): Promise<Answer> =>
  ask('StartQuery', {
    logGroupNames: ['fetch', 'token'],
    startTime: Math.floor((now - 5 * dayMs) / 1000),
    endTime: Math.floor(now / 1000),
    queryString,
    ...change,
  });

/** The rows of a query, as objects. */
const rowsOf = async (queryString: string, change: object = {}): Promise<Record<string, string>[]> => {
  const { queryId, message } = await start(queryString, change);
  if (queryId === undefined) throw new Error(message);
  await ask('GetQueryResults', { queryId });
  const { results = [] } = await ask('GetQueryResults', { queryId });
  return results.map((row) => Object.fromEntries(row.map(({ field, value }) => [field, value])));
};

const lines = [
  { step: 'fetch', payer: 'north', outcome: 'ok', ms: 10, bytes: 5_000_000 },
  { step: 'fetch', payer: 'north', outcome: 'ok', ms: 30, bytes: 10_000_000 },
  { step: 'fetch', payer: 'north', outcome: 'failed', error: 'payer_error', ms: 20 },
  { step: 'redeem', payer: 'south', outcome: 'refused', error: 'invalid_grant', ms: 1 },
  { step: 'redeem', outcome: 'refused', error: 'invalid_client', ms: 2 },
];

beforeAll(() => {
  for (const name of ['fetch', 'token']) logs.createGroup(name, { createdAt: now - 10 * dayMs, retentionDays: 20 });
  for (const line of lines) logs.write(line.step === 'fetch' ? 'fetch' : 'token', JSON.stringify(line), now - dayMs);
  logs.write('fetch', 'REPORT RequestId: x Duration: 3 ms', now - dayMs);
  logs.write('fetch', JSON.stringify({ step: 'fetch', payer: 'early', outcome: 'ok' }), now - 9 * dayMs);
});

describe('a query of the embedded Logs Insights', () => {
  it('adds up groups, and a field that no event of a group has is in no row', async () => {
    const rows = await rowsOf(
      'filter ispresent(step) | stats count() as n, sum(bytes) as b, pct(ms, 50) as m, pct(ms, 99) as p by payer',
    );
    expect(rows).toEqual([
      { payer: 'north', n: '3', b: '1.5E7', m: '20', p: '30' },
      { payer: 'south', n: '1', m: '1', p: '1' },
      { n: '1', m: '2', p: '2' },
    ]);
  });

  it.each(['payer.id = "north"', '"10" > "9"', '"-1" < "0"', '" 7" = 7', '"" < "a"', '"9a" > "10"'])(
    'has fields of fields, and compares as numbers what are numbers: %s',
    (condition) => {
      const query = readInsightsQuery(`filter payer.id != "south" and ${condition} | stats count() as n`);
      const { rows } = runInsightsQuery(query, [{ payer: { id: 'north' } }, { payer: { id: 'south' } }, {}]);
      expect(rows).toEqual([[{ field: 'n', value: '1' }]]);
    },
  );

  it('counts what holds, by products of 1 and 0', async () => {
    const rows = await rowsOf(
      'filter ispresent(step) | stats sum(strcontains(step, "fetch") * strcontains(outcome, "ok")) as n by payer',
    );
    expect(rows.map(({ n }) => n)).toEqual(['2', '0', '0']);
  });

  it.each([
    ['payer = "south"', ['south']],
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Filter.html
    ['payer =~ /^s/', ['south']],
    ['payer = "south" | where ms = 1', ['south']],
    ['payer in ["south", "west"]', ['south']],
    ['payer like /^n[a-o]/', ['north']],
    ['not ispresent(payer)', [undefined]],
    ['not payer like /^n/', ['south', undefined]],
    ["payer = 'south'", ['south']],
    ['payer != "south"', ['north']],
    ['payer not in ["south"]', ['north', undefined]],
    ['payer like "ort"', ['north']],
    ['(payer = "south" or ms > 20)', ['north', 'south']],
    ['ms >= 2 and ms < 20 and bytes / 1000 / 1000 = 5', ['north']],
    ['ms % 4 + 1 = 3 and not (ms = 30)', ['north', undefined]],
  ])('keeps the events for which %s', async (condition, payers) => {
    const rows = await rowsOf(`filter ispresent(step) and ${condition} | stats count(*) as n by payer`);
    expect(rows.map(({ payer }) => payer)).toEqual(payers);
  });

  it('is a line of commands in any order, each over what the one before it found', async () => {
    const query =
      'filter ispresent(step) | fields coalesce(payer, error) as who, ms * 2 as twice ' +
      '| stats sortsLast(step) as step, avg(twice) as mean, max(ms) - min(ms) as range, count_distinct(outcome) as kinds by who ' +
      '| filter mean > 2 | sort mean desc, who | limit 2 # the slow ones';
    expect(await rowsOf(query)).toEqual([
      { who: 'north', step: 'fetch', mean: '40', range: '20', kinds: '2' },
      { who: 'invalid_client', step: 'redeem', mean: '4', range: '0', kinds: '1' },
    ]);
    const day = new Date(Math.floor((now - dayMs) / 300_000) * 300_000).toISOString();
    expect(await rowsOf('filter step = "fetch" | stats count(*), latest(ms) as last by bin(5m), @log')).toEqual([
      { 'bin(5m)': day.replace('T', ' ').replace('Z', ''), '@log': '000000000000:fetch', 'count(*)': '3', last: '10' },
    ]);
  });

  it('shows the time and the line if nobody says what, the latest first, and what Lambda reports of a call', async () => {
    const [first] = await rowsOf('filter payer = "south"');
    expect(first).toEqual({
      '@timestamp': new Date(now - dayMs).toISOString().replace('T', ' ').replace('Z', ''),
      '@message': JSON.stringify(lines[3]),
      '@ptr': '0',
    });
    const report = 'REPORT RequestId: x\tDuration: 3.25 ms\tMax Memory Used: 80 MB\tInit Duration: 400.5 ms\t';
    logs.createGroup('reports', { createdAt: now - 10 * dayMs });
    for (const age of [2, 1]) logs.write('reports', report, now - age * dayMs);
    const cold =
      'filter @type = "REPORT" | stats count(@initDuration) as cold, max(@maxMemoryUsed / 1000 / 1000) as mb by @log';
    expect(await rowsOf(cold, { logGroupNames: ['reports'] })).toEqual([
      { '@log': '000000000000:reports', cold: '2', mb: '80' },
    ]);
    const times = await rowsOf('fields @timestamp', { logGroupNames: ['reports'] });
    expect(times.map((row) => row['@timestamp'])).toEqual(
      [1, 2].map((age) => new Date(now - age * dayMs).toISOString().replace('T', ' ').replace('Z', '')),
    );
  });

  it('sorts by number and ends at the limit, of the query or of the call', async () => {
    const query = 'filter ispresent(error) | stats count(*) as n, sum(ms) as ms by error | sort ms desc';
    expect((await rowsOf(query)).map(({ ms }) => ms)).toEqual(['20', '2', '1']);
    expect((await rowsOf(query.replace('desc', 'asc'))).map(({ ms }) => ms)).toEqual(['1', '2', '20']);
    expect((await rowsOf(`${query} | limit 1`)).map(({ ms }) => ms)).toEqual(['20']);
    expect((await rowsOf(query, { limit: 2 })).map(({ ms }) => ms)).toEqual(['20', '2']);
  });

  it('reads the groups and the time that it is asked for only', async () => {
    const query = 'filter ispresent(step) | stats count(*) as n by payer';
    expect(await rowsOf(query, { logGroupNames: ['token'] })).toHaveLength(2);
    const early = { startTime: Math.floor((now - 9.5 * dayMs) / 1000), endTime: Math.floor((now - 8 * dayMs) / 1000) };
    expect(await rowsOf(query, early)).toEqual([{ payer: 'early', n: '1' }]);
  });

  it('is ready at the second question, says what it read, and comes in pages of 10,000 rows', async () => {
    logs.createGroup('many', { createdAt: now - 10 * dayMs });
    for (let count = 0; count < 12_000; count += 1)
      logs.write('many', JSON.stringify({ step: 'fetch', payer: `p-${count}` }), now - dayMs);
    const { queryId } = await start('filter ispresent(step) | stats count(*) as n by payer', {
      logGroupNames: ['many'],
      limit: 100_000,
    });
    expect(await ask('GetQueryResults', { queryId })).toEqual({ status: 'Running', results: [] });
    const first = await ask('GetQueryResults', { queryId });
    expect(first).toMatchObject({ status: 'Complete', statistics: { recordsMatched: 12_000, recordsScanned: 12_000 } });
    const second = await ask('GetQueryResults', { queryId, nextToken: first.nextToken });
    expect([first.results?.length, second.results?.length, second.nextToken]).toEqual([10_000, 2000, undefined]);
  });
});

describe('the embedded Logs Insights', () => {
  it.each([
    '',
    'parse @message "*" as x',
    'filter ispresent(step) | dedup payer',
    'filter step =',
    'filter (step = "a"',
    'filter median(ms) > 1',
    'stats count(*) as n by bin(5)',
    'filter ispresent(step) | stats count(*) as n by payer, ',
    'filter ispresent(step) | stats count(*) as n by payer; ',
    'stats count(*) as n by payer | limit many',
  ])('refuses a query that it cannot read: %s', async (query) => {
    expect((await start(query)).__type).toBe('MalformedQueryException');
  });

  it.each<[string, object, string]>([
    ['no time', { endTime: undefined }, 'InvalidParameterException'],
    ['a limit over 100,000', { limit: 100_001 }, 'InvalidParameterException'],
    ['another member', { queryLanguage: 'SQL' }, 'InvalidParameterException'],
  ])('refuses a query with %s', async (_, change, type) => {
    expect((await start('filter ispresent(step) | stats count(*) as n by payer', change)).__type).toBe(type);
  });

  it('gives no event after its retention, and refuses a query of a time that the retention has ended', async () => {
    logs.createGroup('short', { createdAt: now - 10 * dayMs, retentionDays: 3 });
    for (const days of [1, 4])
      logs.write('short', JSON.stringify({ step: 'fetch', days: `${days}` }), now - days * dayMs);
    const query = 'filter ispresent(step) | stats count(*) as n by days';
    const logGroupNames = ['short'];
    expect(await rowsOf(query, { logGroupNames })).toEqual([{ days: '1', n: '1' }]);
    const ended = await start(query, { logGroupNames, endTime: Math.floor((now - 4 * dayMs) / 1000) });
    expect(ended.__type).toBe('MalformedQueryException');
  });
});

it('the embedded CloudWatch Logs says of each group when it was created, how long it keeps and what it has', async () => {
  const { logGroups } = (await ask('DescribeLogGroups', { logGroupNamePrefix: 'token' })) as {
    logGroups?: readonly object[];
  };
  expect(logGroups).toEqual([
    {
      logGroupName: 'token',
      creationTime: now - 10 * dayMs,
      retentionInDays: 20,
      storedBytes: lines.slice(3).reduce((sum, line) => sum + JSON.stringify(line).length, 0),
    },
  ]);
});
