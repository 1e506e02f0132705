import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { findRequestLogs } from '../../bin/usage/log-groups.ts';
import { conditionOf, runQuery, split, type Part, type Row } from '../../bin/usage/run-query.ts';
import { errorCodes } from '../../functions/shared/errors.ts';
import { reasonsQuery, totalsQuery } from '../../functions/shared/metrics/figures-query.ts';
import type { Fields } from '../../sandbox/aws/insights-expressions.ts';
import { readInsightsQuery } from '../../sandbox/aws/insights-query.ts';
import { runInsightsQuery } from '../../sandbox/aws/insights-rows.ts';

const month = { name: '2026-11', fromMs: Date.UTC(2026, 10), toMs: Date.UTC(2026, 11) };

/** CloudWatch Logs over these events, with this bound on the rows of a query, and pages of 10,000. */
const logsOf = (events: readonly Fields[], mostRows: number) => {
  const asked: { queryString: string; startTime: number; endTime: number; limit: number }[] = [];
  let answered: Row[][] = [];
  const send = async ({ input }: { input: Record<string, unknown> }): Promise<object> => {
    if (typeof input['queryString'] === 'string') {
      asked.push(input as (typeof asked)[number]);
      const { rows } = runInsightsQuery(readInsightsQuery(input['queryString']), events);
      const kept = rows
        .slice(0, mostRows)
        .map((row) => Object.fromEntries(row.map((cell) => [cell.field, cell.value])));
      answered = Array.from({ length: Math.ceil(kept.length / 10_000) }, (_, at) =>
        kept.slice(at * 10_000, (at + 1) * 10_000),
      );
      return { queryId: 'q' };
    }
    const at = Number(input['nextToken'] ?? 0);
    const results = (answered[at] ?? []).map((row) => Object.entries(row).map(([field, value]) => ({ field, value })));
    const statistics = { bytesScanned: 7 };
    return { status: 'Complete', results, statistics, ...(at + 1 < answered.length ? { nextToken: `${at + 1}` } : {}) };
  };
  return { client: { send } as unknown as CloudWatchLogsClient, asked };
};

const run = async (events: readonly Fields[], mostRows: number) => {
  const { client, asked } = logsOf(events, mostRows);
  let scanned = 0;
  const rows = await runQuery(
    { client, logGroupNames: ['a'], month, delay: async () => {}, onScanned: (bytes) => void (scanned += bytes) },
    'payer',
    (which) => reasonsQuery('payer', which),
  );
  return { rows, asked, scanned };
};

const failed = (payer: string | undefined, error: string): Fields => ({
  step: 'fetch',
  outcome: 'failed',
  error,
  ...(payer === undefined ? {} : { payer }),
});

/** Ids as a national network may have them: many begin with the same text. */
const payers = Array.from({ length: 2000 }, (_, at) => `${['blue-', 'b', 'plan-', '-', ''][at % 5]}${at}`);
const codes = errorCodes.slice(0, 7);
const events = payers
  .flatMap((payer) => codes.map((code) => failed(payer, code)))
  .concat(failed(undefined, 'invalid_client'));

const countsOf = (rows: readonly Row[]): Record<string, string | undefined> =>
  Object.fromEntries(rows.map(({ payer, error, times }) => [`${payer} ${error}`, times]));
const everyOne = Object.fromEntries(
  [...payers.flatMap((payer) => codes.map((code) => `${payer} ${code}`)), 'undefined invalid_client'].map((key) => [
    key,
    '1',
  ]),
);

describe('a query whose answer is large', () => {
  it('comes in pages, up to 100,000 rows in one query', async () => {
    const { rows, asked, scanned } = await run(events, 100_000);

    expect(rows).toHaveLength(14_001);
    expect(countsOf(rows)).toEqual(everyOne);
    expect([asked.length, scanned]).toEqual([1, 7]);
  });

  it('is asked again in parts where CloudWatch cuts it at 10,000 rows, and has every payer and code once', async () => {
    const { rows, asked, scanned } = await run(events, 10_000);

    expect(rows).toHaveLength(14_001);
    expect(countsOf(rows)).toEqual(everyOne);
    expect(asked.length).toBeLessThan(30);
    expect(scanned).toBe(7 * asked.length);
  });

  it('is for the whole month, its first and its last second included', async () => {
    const { asked } = await run([failed('north', 'payer_error')], 100_000);

    expect(asked).toMatchObject([{ startTime: 1_793_491_200, endTime: 1_796_083_199, limit: 100_000 }]);
  });
});

describe('parts of all ids', () => {
  const ids = ['a', 'ab', 'abc', 'b', '-', '--', '0', 'z9-', 'm'.repeat(64), undefined];
  const holds = (part: Part, payer: string | undefined): boolean =>
    runInsightsQuery(readInsightsQuery(`filter ${conditionOf('payer', part)} | stats count(*) as n by payer`), [
      payer === undefined ? {} : { payer },
    ]).matched === 1;

  it('have each id once, however often they are split, and end at a single id', () => {
    let parts = split(undefined) ?? [];
    for (let round = 0; round < 9; round += 1) {
      expect(ids.map((id) => parts.filter((part) => holds(part, id)).length)).toEqual(ids.map(() => 1));
      parts = parts.flatMap((part) => split(part) ?? [part]);
      // Only those that an id of ours is in: the others would be too many.
      parts = parts.filter((part) => ids.some((id) => holds(part, id)));
    }
    expect(parts).toContainEqual({ kind: 'none' });
    expect(split({ kind: 'one', id: 'a' })).toBeUndefined();
  });
});

describe('the text of the queries', () => {
  it('is this', () => {
    expect(totalsQuery('payer')).toBe(
      'filter ispresent(step) | stats count(*) as requests, sum(strcontains(step, "callback") * strcontains(outcome, "ok") ' +
        '+ strcontains(step, "identity") * strcontains(outcome, "ok")) as connected, sum(strcontains(outcome, "refused")) as refused, sum(strcontains(outcome, "failed")) as failed, ' +
        'sum(bytes) as bytes, pct(ms, 50) as medianMs, pct(ms, 99) as p99Ms, pct(payerMs, 50) as payerMedianMs, ' +
        'pct(payerMs, 99) as payerP99Ms by payer',
    );
    expect(totalsQuery('partner', 'partner like /^a/')).toMatch(
      /^filter ispresent\(step\) and partner like \/\^a\/ \| stats count\(\*\) as requests, .* by partner$/,
    );
    expect(reasonsQuery('payer')).toBe(
      'filter ispresent(step) and outcome in ["refused", "failed"] | stats count(*) as times by payer, error',
    );
    expect(reasonsQuery('partner', 'partner like /^a/')).toBe(
      'filter ispresent(step) and outcome in ["refused", "failed"] and partner like /^a/ | stats count(*) as times by partner, error',
    );
  });
});

it('a log group of which CloudWatch says only the name is as old as can be, empty, and kept for ever', async () => {
  const named = (logGroupNamePrefix: unknown) => ({
    logGroups: [{ logGroupName: `${String(logGroupNamePrefix)}Logs1` }],
  });
  const send = async ({ input }: { input: Record<string, unknown> }): Promise<object> =>
    named(input['logGroupNamePrefix']);
  const client = Object.assign(Object.create(CloudWatchLogsClient.prototype) as CloudWatchLogsClient, { send });

  const nothingKnown = { createdAtMs: 0, retentionDays: Number.POSITIVE_INFINITY, bytes: 0 };
  expect(await findRequestLogs(client, 'pilot')).toEqual([
    { name: 'p2p-gateway-pilot-FunctionsLogs1', ...nothingKnown },
    { name: 'p2p-gateway-pilot-ExportsExportLogsLogs1', ...nothingKnown },
  ]);
});
