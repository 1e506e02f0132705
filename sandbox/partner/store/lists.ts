import type { DatabaseSync } from 'node:sqlite';
import { parseFhir } from '../fhir.ts';
import type { Resource } from '../fhir.ts';

/** An entry as lists show it. */
export interface Entry {
  readonly n: number;
  readonly type: string;
  readonly id: string;
  readonly title: string;
  readonly detail: string;
  /** As FHIR wrote it; may be empty. */
  readonly date: string;
}

/** One page of a list. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** From 1. */
  readonly page: number;
  readonly hasMore: boolean;
}

const columns = 'n, type, id, title, detail, date';

/** Runs a query that ends in `LIMIT ? OFFSET ?`, for one row more than the page shows. */
export const pageOf = <Row>(
  db: DatabaseSync,
  sql: string,
  values: readonly (string | number)[],
  { page, size }: { readonly page: number; readonly size: number },
): Page<Row> => {
  const rows = db.prepare(sql).all(...values, size + 1, (page - 1) * size) as unknown as readonly Row[];
  return { rows: rows.slice(0, size), page, hasMore: rows.length > size };
};

/** How many entries of each type, most frequent first. */
export const countsIn = (db: DatabaseSync): readonly { readonly type: string; readonly count: number }[] =>
  db
    .prepare('SELECT type, count(*) AS count FROM entry GROUP BY type ORDER BY count DESC, type')
    .all() as unknown as readonly { type: string; count: number }[];

/** The entries of a type, the newest first. */
export const entriesOf = (db: DatabaseSync, type: string, page: number, size = 50): Page<Entry> =>
  pageOf(db, `SELECT ${columns} FROM entry WHERE type = ? ORDER BY at DESC, n LIMIT ? OFFSET ?`, [type], {
    page,
    size,
  });

/** The entries of a type that are active: what is true of the member now. The newest first. */
export const activeOf = (db: DatabaseSync, type: string, page: number, size: number): Page<Entry> =>
  pageOf(
    db,
    `SELECT ${columns} FROM entry WHERE type = ? AND state = 'active' ORDER BY at DESC, n LIMIT ? OFFSET ?`,
    [type],
    { page, size },
  );

/** The results of one kind, the newest first. */
export const entriesAbout = (db: DatabaseSync, topic: string, page: number, size = 50): Page<Entry> =>
  pageOf(db, `SELECT ${columns} FROM entry WHERE topic = ? ORDER BY at DESC LIMIT ? OFFSET ?`, [topic], {
    page,
    size,
  });

/** The text of one resource as the payer wrote it. */
export const jsonOf = (db: DatabaseSync, type: string, id: string): string | undefined => {
  const found = db.prepare('SELECT json FROM entry WHERE type = ? AND id = ?').get(type, id);
  return found?.['json'] as string | undefined;
};

/** The resource of an entry. */
export const resourceOf = (db: DatabaseSync, { type, id }: Pick<Entry, 'type' | 'id'>): Resource =>
  parseFhir(jsonOf(db, type, id) ?? '{}');

/** All resources as lines of NDJSON, read from the store as the receiver takes them. */
export const allLines = function* (db: DatabaseSync): Generator<string> {
  for (const row of db.prepare('SELECT json FROM entry ORDER BY n').iterate()) yield `${String(row['json'])}\n`;
};

interface Reference {
  readonly reference?: string;
  readonly display?: string;
}

/** Who or what a reference names: its own text, else the name of the resource in the record, else empty. */
export const nameOfReference = (db: DatabaseSync, reference: unknown): string => {
  const { display, reference: target = '' } = (reference ?? {}) as Reference;
  if (display !== undefined) return display;
  const [, type = '', id = ''] = /(?:^|\/)([A-Za-z]+)\/([^/]+)$/.exec(target) ?? [];
  const found = db.prepare('SELECT title FROM entry WHERE type = ? AND id = ?').get(type, id);
  return (found?.['title'] as string | undefined) ?? '';
};
