import type { DatabaseSync } from 'node:sqlite';
import { pageOf } from './lists.ts';
import type { Page } from './lists.ts';

/** What happened on one day under one name. A sensor's hundred readings of a day are one event. */
export interface DayEvent {
  readonly day: string;
  readonly type: string;
  readonly title: string;
  readonly count: number;
  readonly topic: string | null;
  /** The id of the entry, or of one of them if there are several. */
  readonly id: string;
  readonly detail: string;
}

/** The lowest and the highest of a day's readings. */
export interface DayRange {
  readonly part: string;
  readonly unit: string;
  readonly lowest: number;
  readonly highest: number;
}

const events = (types: readonly string[]): string => `
  SELECT day, type, title, count(*) AS count, max(n) AS n, topic, id, detail FROM entry
  WHERE day IS NOT NULL ${types.length === 0 ? '' : `AND type IN (${types.map(() => '?').join()})`}
  GROUP BY day, type, title ORDER BY day DESC, type, title LIMIT ? OFFSET ?`;

/** What happened, the newest day first. @param types all types if empty */
export const timelineOf = (db: DatabaseSync, types: readonly string[], page: number, size = 50): Page<DayEvent> =>
  pageOf(db, events(types), types, { page, size });

/** The ranges of the numbers among the entries of a day and a title. */
export const rangesOf = (db: DatabaseSync, { day, type, title }: DayEvent): readonly DayRange[] =>
  db
    .prepare(
      `SELECT part, unit, min(value) AS lowest, max(value) AS highest FROM entry JOIN reading ON reading.entry = entry.n
       WHERE day = ? AND type = ? AND title = ? GROUP BY part, unit`,
    )
    .all(day, type, title) as unknown as readonly DayRange[];
