import dns from 'node:dns';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { readInsightsQuery } from '../../sandbox/aws/insights-query.ts';
import { runInsightsQuery } from '../../sandbox/aws/insights-rows.ts';
import { words } from '../support/words.ts';
import { blocksOf, codeSpansOf, documentAt, documents, runbook as readRunbook, root } from './documents.ts';
import { accessLogFields } from './fields.ts';
import { loggedDetails } from './logged-details.ts';
import { realLines, type Line } from './real-lines.ts';

const runbook = readRunbook();
const lines = await realLines(accessLogFields());

const unquoted = (text: string): string => text.replaceAll('"', '');
/** What a person writes in place of a placeholder. */
const given: Readonly<Record<string, string>> = { PARTNER: 'demo-partner' };

type Test = (line: Line) => boolean;

/** A condition as the runbook's queries write it, or several for `in`: each must find something. */
const testsOf = (condition: string): Test[] => {
  const present = /^ispresent\((\w+)\)$/.exec(condition)?.[1];
  if (present !== undefined) return [(line) => line[present] !== undefined];
  const [, field = '', operator, value = ''] = /^(\w+) (=|!=|in) (.+)$/.exec(condition) ?? [];
  if (operator === 'in') {
    const values = value.slice(1, -1).split(', ').map(unquoted);
    return values.map(
      (one): Test =>
        (line) =>
          String(line[field]) === one,
    );
  }
  if (operator === undefined) throw new Error(`What does ${condition} mean?`);
  const wanted = given[unquoted(value)] ?? unquoted(value);
  return [(line) => (String(line[field]) === wanted) === (operator === '=')];
};

/** Every alternative of a query's first filter, and the lines that it finds. */
const foundBy = (filter: string): Line[][] =>
  filter
    .split(' and ')
    .map(testsOf)
    .reduce<Test[][]>((ways, tests) => ways.flatMap((way) => tests.map((test) => [...way, test])), [[]])
    .map((way) => lines.filter((line) => way.every((test) => test(line))));

const queries = blocksOf(runbook)
  .filter(({ language }) => language === '')
  .map(({ code }) => code.trim());
/** Queries over Lambda's own lines find nothing among ours. */
const ours = queries.filter((query) => !query.startsWith('filter @'));

/** Every query of every document, those of the command `insights` too. */
const everyQuery = documents().flatMap((document) =>
  blocksOf(document).flatMap(({ language: kind, code }) =>
    kind === ''
      ? [code.trim()].filter((text) => /^(?:filter|fields|stats) /.test(text))
      : [...code.matchAll(/\binsights \d+ '([^']+)'/g)].map(([, query = '']) => query),
  ),
);

/** Keywords of the query language. */
const language = new Set(
  'and as asc avg bin by coalesce count count_distinct desc fields h latest limit m max pct sort sortsLast stats sum'.split(
    ' ',
  ),
);

/** The fields that a query uses after its filter, up to those that it defines itself. */
const fieldsOf = (query: string): string[] => {
  const [, ...steps] = query.split(' | ');
  const made = new Set([...query.matchAll(/ as (\w+)/g)].map(([, name]) => name));
  const used = steps
    .filter((step) => !step.startsWith('filter'))
    .flatMap((step) => [...step.matchAll(/[A-Za-z_]\w*/g)].map(([word]) => word));
  return [...new Set(used)].filter((word) => !made.has(word) && !language.has(word));
};

describe('a query of the runbook', () => {
  it.each(ours)('finds lines that the code writes, with the fields that it shows: %s', (query) => {
    const [filter = ''] = query.replace(/^filter /, '').split(' | ');
    const ways = foundBy(filter);
    expect(ways.map((found) => found.length > 0)).toEqual(ways.map(() => true));

    const all = ways.flat();
    const missing = fieldsOf(query).filter((field) => !all.some((line) => line[field] !== undefined));
    expect(missing).toEqual([]);
  });

  it.each(everyQuery)('runs at the local stack, so that an incident can be rehearsed: %s', (query) => {
    const known = query.replaceAll('PARTNER', 'demo-partner');
    const { rows } = runInsightsQuery(readInsightsQuery(known), lines);
    // Queries about the own lines of Lambda, API Gateway or CloudFront may find none of ours.
    const mayFindNone = /PARTNER|@type|@message|errorType|route|sc-status/.test(query);
    expect([query, rows.length > 0 || mayFindNone]).toEqual([query, true]);
  });

  it('of the promise about reads counts those that succeeded or failed, and none that was refused', () => {
    const [query = ''] = blocksOf(documentAt('docs/objectives.md')).map(({ code }) => code.trim());
    const read = lines.find((line) => line['step'] === 'fetch');
    const events = ['ok', 'ok', 'failed', 'refused'].map((outcome) => Object.assign({}, read, { outcome }));

    expect(runInsightsQuery(readInsightsQuery(query), events).rows).toEqual([
      expect.arrayContaining([
        { field: 'failed', value: '1' },
        { field: 'all', value: '3' },
      ]),
    ]);
  });

  it('finds crashes and time-outs alone if it is for them, and no other finds them', () => {
    /** How Lambda logs an invocation that it ends: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html */
    const failure = {
      errorType: 'TypeError',
      errorMessage: 'x is not a function',
      stack: ['at handler (/var/task/index.js:1:1)'],
    };
    const inText = (head: string): Line => ({ ...failure, '@message': `${head}\t${JSON.stringify(failure)}` });
    const started = '2026-06-01T12:00:00.000Z\t8476a536-e9f4-11e8-9739-2dfe598c3fcd';
    const imported = { ...failure, errorType: 'Runtime.ImportModuleError' };
    const crashes: Line[] = [
      inText(`${started}\tERROR\tInvoke Error `),
      inText(`${started}\tERROR\tUncaught Exception `),
      { ...imported, '@message': `${started}\tERROR\tUncaught Exception \t${JSON.stringify(imported)}` },
      {
        '@message': '2026-06-01T12:00:29.000Z 8476a536-e9f4-11e8-9739-2dfe598c3fcd Task timed out after 29.00 seconds',
      },
      { '@message': 'RequestId: 8476a536 Error: Runtime exited with error: signal: killed' },
    ];
    const good: Line[] = [
      ...lines.map((line) => ({ ...line, '@message': JSON.stringify(line) })),
      ...['START RequestId: 8476a536 Version: $LATEST', 'END RequestId: 8476a536'].map((text) => ({
        '@message': text,
      })),
      {
        '@type': 'REPORT',
        '@message': 'REPORT RequestId: 8476a536 Duration: 22.74 ms Billed Duration: 23 ms',
        '@duration': 22.74,
      },
    ];
    const found = (query: string, events: readonly Line[]): number =>
      runInsightsQuery(readInsightsQuery(query.replaceAll('PARTNER', 'demo-partner')), events).matched;
    const isForCrashes = (query: string): boolean => query.includes('@message like');

    expect(everyQuery.filter(isForCrashes)).toHaveLength(1);
    for (const query of everyQuery) {
      const known = query.replace(/ \| limit \d+$/, '');
      const wanted = isForCrashes(query) ? crashes.length : found(known, good);
      expect([query, found(known, [...good, ...crashes])]).toEqual([query, wanted]);
    }
  });

  it('is one of many, all but two of them over our own log lines', () => {
    expect(queries.length).toBeGreaterThan(18);
    expect(queries.length - ours.length).toBe(2);
  });

  it('may be a condition in the text, which finds lines as well', () => {
    const conditions = codeSpansOf(runbook).filter((code) => /^\w+ = (?:\d+|"[^"]+")$/.test(code));
    expect(conditions.length).toBeGreaterThan(3);
    for (const condition of conditions)
      expect([condition, foundBy(condition).flat().length > 0]).toEqual([condition, true]);
  });
});

const sourcesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, folder, name), 'utf8'));
const source = sourcesIn('functions').join('\n');

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
/** Templates with enough text of their own, as patterns of the texts that they produce. */
const templates = [...source.matchAll(/`([^`\n]*\$\{[^`\n]*)`/g)]
  .map(([, text = '']) => text.split(/\$\{[^}]*\}/))
  .filter((parts) => parts.join('').length >= 8)
  .map((parts) => new RegExp(`^${parts.map(escaped).join('.+')}$`));

/** Codes of Node's errors: from the system, the resolver, zlib, llhttp and OpenSSL. */
const errorCodes = [
  ...[...getSystemErrorMap().values()].map(([name]) => name),
  ...Object.values(dns).filter((value) => typeof value === 'string'),
  ...words(`
    CERT_HAS_EXPIRED DEPTH_ZERO_SELF_SIGNED_CERT UNABLE_TO_VERIFY_LEAF_SIGNATURE ERR_TLS_CERT_ALTNAME_INVALID
    HPE_INVALID_CONSTANT Z_DATA_ERROR
  `),
];

const details = lines.map(({ detail }) => String(detail));

/** Whether the code can write a `detail` that the runbook quotes. `…` stands for anything, `..` for digits. */
const canBeLogged = (quoted: string): boolean => {
  const example = quoted.replaceAll('…', 'x').replace(/(?<!\.)\.\.$/, '00');
  if (templates.some((template) => template.test(example))) return true;
  if (errorCodes.some((code) => code.includes(quoted))) return true;
  return quoted
    .split('…')
    .map((piece) => piece.trim())
    .every((piece) => piece.length < 3 || source.includes(piece) || details.some((detail) => detail.includes(piece)));
};

describe('a cause in a table of the runbook', () => {
  const tables = runbook.text.split(/\n(?=\| `detail`)/).slice(1);
  const quoted = tables.flatMap((table) =>
    table
      .slice(0, table.indexOf('\n\n'))
      .split('\n')
      .slice(2)
      .flatMap((row) => codeSpansOf({ path: '', text: row.split('|')[1] ?? '' })),
  );

  it.each(quoted.filter((code) => code !== 'grantId'))('is a detail that the code can log: %s', (text) => {
    expect(canBeLogged(text)).toBe(true);
  });

  /** As in a row: `…` stands for anything, `..` for digits. */
  const patterns = quoted.map(
    (code) =>
      new RegExp(
        `^${code
          .replace(/(?<!\.)\.\.$/, '…')
          .split('…')
          .map(escaped)
          .join('.*')}$`,
        's',
      ),
  );
  it.each(loggedDetails())('is there for each detail that the code can log: %s', (detail) => {
    expect([detail, patterns.some((pattern) => pattern.test(detail.replaceAll('…', 'x')))]).toEqual([detail, true]);
  });

  it('is told apart from text that the code cannot log', () => {
    expect(tables).toHaveLength(5);
    expect(['socket hang up', 'another cause', 'payer said 5..'].filter(canBeLogged)).toEqual([]);
  });
});
