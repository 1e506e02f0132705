import type { DatabaseSync } from 'node:sqlite';
import type { Entry, Page } from './lists.ts';
import { entriesAbout, pageOf } from './lists.ts';

/** A kind of result, such as body weight. */
export interface Topic {
  readonly topic: string;
  readonly count: number;
  readonly latest: Entry;
}

/** One point of a curve, or the summary of a span of time. */
export interface Point {
  /** Milliseconds since the epoch, of the reading or of the middle of the span. */
  readonly at: number;
  readonly value: number;
  readonly lowest: number;
  readonly highest: number;
  readonly count: number;
}

/** The curves of one kind of result in one unit. */
export interface Chart {
  readonly unit: string;
  /** The span that a point stands for; undefined if each point is one reading. */
  readonly span: 'day' | 'week' | 'month' | undefined;
  readonly curves: readonly { readonly name: string; readonly points: readonly Point[] }[];
}

const dayMs = 86_400_000;
const spans = [
  ['day', dayMs],
  ['week', 7 * dayMs],
  ['month', 30 * dayMs],
] as const;
/** More points than this are not told apart on a screen, nor read in a table. */
const mostPoints = 240;

/** The kinds of results, most frequent first. */
export const topicsOf = (db: DatabaseSync, page: number, size = 30): Page<Topic> => {
  const found = pageOf<{ topic: string; count: number }>(
    db,
    'SELECT topic, count(*) AS count FROM entry WHERE topic IS NOT NULL GROUP BY topic ORDER BY count DESC, topic LIMIT ? OFFSET ?',
    [],
    { page, size },
  );
  const rows = found.rows.flatMap(({ topic, count }) => {
    const [latest] = entriesAbout(db, topic, 1, 1).rows;
    return latest === undefined ? [] : [{ topic, count, latest }];
  });
  return { ...found, rows };
};

/** The latest result of each kind, the newest first. */
export const latestOf = (db: DatabaseSync, size: number): readonly Entry[] => {
  const found = db
    .prepare('SELECT topic FROM entry WHERE topic IS NOT NULL GROUP BY topic ORDER BY max(at) DESC, min(n) LIMIT ?')
    .all(size) as unknown as readonly { topic: string }[];
  return found.flatMap(({ topic }) => entriesAbout(db, topic, 1, 1).rows);
};

/** A topic's charts, one for each unit. Those with a single point are left out. */
export const chartsOf = (db: DatabaseSync, topic: string): readonly Chart[] => {
  const units = db
    .prepare(
      'SELECT unit, count(*) AS count, min(at) AS first, max(at) AS last FROM reading WHERE topic = ? GROUP BY unit',
    )
    .all(topic) as unknown as readonly { unit: string; count: number; first: number; last: number }[];
  return units.filter(({ first, last }) => last > first).map((unit) => chartOf(db, topic, unit));
};

const chartOf = (
  db: DatabaseSync,
  topic: string,
  { unit, count, first, last }: { unit: string; count: number; first: number; last: number },
): Chart => {
  const fitting = spans.find(([, ms]) => (last - first) / ms <= mostPoints) ?? spans[2];
  const [span, ms] = count <= mostPoints ? [undefined, 1] : fitting;
  const rows = db
    .prepare(
      `SELECT part, CAST(at / ? AS INTEGER) AS slot, avg(value) AS value, min(value) AS lowest, max(value) AS highest, count(*) AS count
       FROM reading WHERE topic = ? AND unit = ? GROUP BY part, slot ORDER BY part, slot`,
    )
    .all(ms, topic, unit) as unknown as readonly (Omit<Point, 'at'> & { part: string; slot: number })[];
  const curves = [...Map.groupBy(rows, ({ part }) => part)].map(([name, points]) => ({
    name,
    points: points.map(({ slot, value, lowest, highest, count: of }) => ({
      at: slot * ms + Math.floor(ms / 2),
      value,
      lowest,
      highest,
      count: of,
    })),
  }));
  return { unit, span, curves };
};
