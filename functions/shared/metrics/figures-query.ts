/**
 * Questions to CloudWatch Logs Insights about the requests of many, for the dashboard and `npm run usage`. Lines of
 * requests are those with a `step`. The language: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
 */

/** What figures are added up by. Both are ids of the registry. */
export type FiguresBy = 'payer' | 'partner';

/** What {@link totalsQuery} answers with, besides the id. */
export const totals = [
  'requests',
  'connected',
  'refused',
  'failed',
  'bytes',
  'medianMs',
  'p99Ms',
  'payerMedianMs',
  'payerP99Ms',
] as const;

/**
 * One row for each payer or partner, and one without an id for requests that name none. `connected` counts logins and
 * calls with a member's identity that ended with a grant. `payerMedianMs` and `payerP99Ms` measure reads only, up to the arrival of the payer's headers.
 * @param which a further condition
 */
export const totalsQuery = (by: FiguresBy, which?: string): string =>
  [
    `filter ispresent(step)${which === undefined ? '' : ` and ${which}`}`,
    'stats count(*) as requests, sum(strcontains(step, "callback") * strcontains(outcome, "ok") + ' +
      'strcontains(step, "identity") * strcontains(outcome, "ok")) as connected, sum(strcontains(outcome, "refused")) as refused, sum(strcontains(outcome, "failed")) as failed, sum(bytes) as bytes, ' +
      'pct(ms, 50) as medianMs, pct(ms, 99) as p99Ms, pct(payerMs, 50) as payerMedianMs, pct(payerMs, 99) as payerP99Ms ' +
      `by ${by}`,
  ].join(' | ');

/**
 * How often each error code ended a request, for each payer or partner. A refusal that is the payer's own has no code.
 * @param which a further condition
 */
export const reasonsQuery = (by: FiguresBy, which?: string): string =>
  [
    `filter ispresent(step) and outcome in ["refused", "failed"]${which === undefined ? '' : ` and ${which}`}`,
    `stats count(*) as times by ${by}, error`,
  ].join(' | ');
