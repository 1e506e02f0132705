import { GetQueryResultsCommand, StartQueryCommand, type CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { Refusal } from '../shared/errors.ts';
import type { Month } from './month.ts';

/**
 * A subset of the ids: those that begin with a prefix and one of several characters, or a single id, or none.
 */
export type Part =
  | { readonly kind: 'some'; readonly prefix: string; readonly next: string }
  | { readonly kind: 'one'; readonly id: string }
  | { readonly kind: 'none' };

/** What an id consists of (`config/checks/rules.ts`). The hyphen comes last, where a pattern takes it for itself. */
const characters = 'abcdefghijklmnopqrstuvwxyz0123456789-';

/** The condition of a query that asks for this part only. */
export const conditionOf = (field: string, part: Part): string => {
  if (part.kind === 'none') return `not ispresent(${field})`;
  return part.kind === 'one' ? `${field} like /^${part.id}$/` : `${field} like /^${part.prefix}[${part.next}]/`;
};

const halves = ({ prefix, next }: { readonly prefix: string; readonly next: string }): Part[] => {
  const middle = Math.ceil(next.length / 2);
  return [next.slice(0, middle), next.slice(middle)].map((half) => ({ kind: 'some', prefix, next: half }));
};

/**
 * Splits all ids, or a part of them, into parts that have every id once; undefined if it cannot be split.
 */
export const split = (part: Part | undefined): Part[] | undefined => {
  if (part === undefined) return [{ kind: 'none' }, ...halves({ prefix: '', next: characters })];
  if (part.kind !== 'some') return undefined;
  if (part.next.length > 1) return halves(part);
  const prefix = part.prefix + part.next;
  return [{ kind: 'one', id: prefix }, ...halves({ prefix, next: characters })];
};

/** A row of an answer, by the names of its fields. */
export type Row = Readonly<Record<string, string>>;

/** What queries need. */
export interface QueryDeps {
  readonly client: CloudWatchLogsClient;
  readonly logGroupNames: readonly string[];
  readonly month: Month;
  readonly delay: (ms: number) => Promise<void>;
  /** Told how many bytes each query has read. */
  readonly onScanned: (bytes: number) => void;
}

/** The rows that CloudWatch Logs returns at most, and those of a page. */
const mostRows = 100_000;
const pageRows = 10_000;

/** The wait grows from one question to the next, up to this. */
const longestWaitMs = 10_000;
/** CloudWatch stops a query after an hour. */
const longestMs = 3_700_000;

const unfinished = new Set(['Scheduled', 'Running']);

const start = async ({ client, logGroupNames, month }: QueryDeps, queryString: string): Promise<string> => {
  const { queryId } = await client.send(
    new StartQueryCommand({
      logGroupNames: [...logGroupNames],
      startTime: month.fromMs / 1000,
      // In whole seconds, and part of the range.
      endTime: Math.ceil(month.toMs / 1000) - 1,
      queryString,
      limit: mostRows,
    }),
  );
  if (queryId === undefined) throw new Refusal('CloudWatch Logs started no query. Nothing was written.');
  return queryId;
};

const pageOf = async ({ client }: QueryDeps, queryId: string, nextToken?: string) => {
  const {
    status = 'Unknown',
    results = [],
    statistics,
    nextToken: next,
  } = await client.send(new GetQueryResultsCommand({ queryId, ...(nextToken === undefined ? {} : { nextToken }) }));
  const rows = results.map((fields): Row =>
    Object.fromEntries(fields.flatMap(({ field, value }) => (field && value !== undefined ? [[field, value]] : []))),
  );
  return { status, rows, bytes: statistics?.bytesScanned ?? 0, next };
};

const firstPage = async (deps: QueryDeps, queryId: string): ReturnType<typeof pageOf> => {
  for (let waitedMs = 0, waitMs = 500; waitedMs < longestMs; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
    const page = await pageOf(deps, queryId);
    if (page.status === 'Complete') return page;
    if (!unfinished.has(page.status))
      throw new Refusal(
        `CloudWatch Logs ended a query without an answer (${page.status}). Nothing was written; try again later.`,
      );
    await deps.delay(waitMs);
    waitedMs += waitMs;
  }
  throw new Refusal('CloudWatch Logs has not finished a query for an hour. Nothing was written.');
};

/** The rows of one query, and whether there may be more than CloudWatch returns. */
const ask = async (deps: QueryDeps, queryString: string): Promise<{ rows: Row[]; mayBeCut: boolean }> => {
  const queryId = await start(deps, queryString);
  const first = await firstPage(deps, queryId);
  const rows = [...first.rows];
  for (let { next } = first; next !== undefined;) {
    const page = await pageOf(deps, queryId, next);
    rows.push(...page.rows);
    ({ next } = page);
  }
  deps.onScanned(first.bytes);
  // Where there are no pages yet, a query ends with its first 10,000 rows.
  return { rows, mayBeCut: rows.length > 0 && rows.length % pageRows === 0 };
};

/**
 * Runs a query. If its answer may have been cut off, it is asked again in parts, by the field that its rows are for.
 * @param query the query for all ids, or with a condition
 * @throws Refusal, and whatever the client throws
 */
export const runQuery = async (
  deps: QueryDeps,
  field: string,
  query: (which?: string) => string,
  part?: Part,
): Promise<Row[]> => {
  const { rows, mayBeCut } = await ask(deps, query(part && conditionOf(field, part)));
  const parts = mayBeCut ? split(part) : undefined;
  if (parts === undefined) return rows;
  const all: Row[] = [];
  for (const one of parts) all.push(...(await runQuery(deps, field, query, one)));
  return all;
};
