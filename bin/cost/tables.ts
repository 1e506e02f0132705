import example from '../../config/production-example.ts';
import { markdownTable } from '../shared/markdown-table.ts';
import { groupExport, match, wholeExport } from './export-usage.ts';
import { fixedMonth } from './fixed.ts';
import { addUp, dollars, prices, pricesKnownFor, type PriceName, type Quantities } from './prices.ts';
import { sizeOf, type StageSize } from './stage-size.ts';
import { login, memberYear, oneRead, syncStart } from './usage.ts';

const names = Object.keys(prices) as PriceName[];

const usd = (value: number): string =>
  value >= 0.1 || value === 0 ? value.toFixed(2) : value >= 0.001 ? value.toFixed(4) : value.toFixed(6);

/** Rounded to three significant digits, with thousands separators. */
const count = (value: number): string =>
  value === 0 ? '' : Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 12 });

const total = (quantities: Quantities): number =>
  names.reduce((sum, name) => sum + dollars(name, quantities[name] ?? 0), 0);

const figures = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  markdownTable(head, rows, { numbers: true });

/** What each service costs in each column, in the order of the price list. */
const byPage = (head: readonly string[], columns: readonly Quantities[]): string => {
  const pages = [...new Set<string>(names.map((name) => prices[name].page))];
  const rows = pages
    .map((page) => {
      const own = names.filter((name) => prices[name].page === page);
      return {
        page,
        costs: columns.map((of) => own.reduce((sum, name) => sum + dollars(name, of[name] ?? 0), 0)),
      };
    })
    .filter(({ costs }) => costs.some((cost) => cost > 0))
    .map(({ page, costs }) => [page].concat(costs.map(usd)));
  return figures(head, [...rows, ['**Total**', ...columns.map((of) => `**${usd(total(of))}**`)]]);
};

const priceTable = (): string =>
  figures(
    ['price', 'USD', 'for', 'unit'],
    names.map((name) => {
      const { page, usd: price, per, unit } = prices[name];
      return [page, String(price), per.toLocaleString('en-US'), unit];
    }),
  );

const usageTable = (): string =>
  figures(
    ['uses', 'per login', 'per sync, before its reads', 'per read'],
    names
      .filter((name) => [login, syncStart, oneRead].some((of) => (of[name] ?? 0) > 0))
      .map((name) =>
        [`${prices[name].page}: ${prices[name].unit}`].concat(
          [login, syncStart, oneRead].map((of) => count(of[name] ?? 0)),
        ),
      ),
  );

const sizeName = ({ payers, partners }: StageSize): string =>
  `${payers.toLocaleString('en-US')} payers, ${partners.toLocaleString('en-US')} partners`;

/** A national network, in which each payer has a secret of its own. */
const national: StageSize = { ...sizeOf(example), payers: 5000, partners: 1000, secrets: 5000 };

const fixedTable = (sizes: readonly StageSize[]): string => {
  const columns = sizes.map(fixedMonth);
  const rows = (columns[0] ?? []).map(({ what }, at) =>
    [what].concat(columns.map((lines) => usd(total(lines[at]?.quantities ?? {})))),
  );
  const sums = columns.map((lines) => total(addUp(...lines.map(({ quantities }) => [1, quantities] as const))));
  return figures(
    ['per month, USD', ...sizes.map(sizeName)],
    [...rows, ['**Total**'].concat(sums.map((sum) => `**${usd(sum)}**`))],
  );
};

const readsPerSync = [20, 200] as const;
const exportSizes = [400, 50_000] as const;
const [matchedMembers, groupMembers] = [1000, 100];

/** What an idle stage of this size costs per month, and what it brings, which is not counted. */
export const idleTable = (size: StageSize, brought: readonly string[]): string =>
  [
    '### An idle stage, per month',
    '',
    fixedTable([size]),
    ...(brought.length === 0 ? [] : ['', `Not counted, since the stage brings it: ${brought.join('; ')}.`]),
  ].join('\n');

/** Everything between the markers of `docs/reports/cost.md`. */
export const costTables = (): string =>
  [
    '### One member for a year',
    '',
    'Two logins, four syncs; US dollars.',
    '',
    byPage(['service', ...readsPerSync.map((reads) => `${reads} reads per sync`)], readsPerSync.map(memberYear)),
    '',
    '### A million reads',
    '',
    byPage(['service', 'USD'], [addUp([1_000_000, oneRead])]),
    '',
    '### An export of a whole record',
    '',
    'From the kick-off to the end of its files, with one download of each; US dollars.',
    '',
    byPage(
      ['service', ...exportSizes.map((size) => `${size.toLocaleString('en-US')} resources`)],
      exportSizes.map(wholeExport),
    ),
    '',
    '### An exchange between two plans',
    '',
    'From the token to the end of the files, with one download of each, where the former plan needs ten minutes; US dollars.',
    '',
    byPage(
      [
        'service',
        `a match of ${matchedMembers.toLocaleString('en-US')} members`,
        `the export of a Group of ${groupMembers} members`,
      ],
      [match(matchedMembers), groupExport(groupMembers)],
    ),
    '',
    '### An idle stage, per month',
    '',
    'With everything on: `config/production-example.ts`, and a national network in which each payer has a secret of its own, and one a key of exchanges.',
    '',
    fixedTable([sizeOf(example), national]),
    '',
    '### What each step uses',
    '',
    usageTable(),
    '',
    `### Prices (us-east-1, list, as published in ${pricesKnownFor})`,
    '',
    priceTable(),
  ].join('\n');

const begin = '<!-- begin: npm run cost -->';
const end = '<!-- end: npm run cost -->';

/**
 * The document with its tables replaced.
 * @throws Error if it lacks the markers
 */
export const withCostTables = (document: string): string => {
  const [before, rest] = document.split(begin);
  const [, after] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined) throw new Error(`The document lacks ${begin} or ${end}`);
  return `${before}${begin}\n\n${costTables()}\n\n${end}${after}`;
};
