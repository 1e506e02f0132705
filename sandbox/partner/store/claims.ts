import type { DatabaseSync } from 'node:sqlite';
import { pageOf } from './lists.ts';
import type { Entry, Page } from './lists.ts';

/** A claim with its costs in cents; null where it does not say. */
export interface ClaimEntry extends Entry {
  readonly currency: string;
  readonly billed: number | null;
  readonly paid: number | null;
  readonly owed: number | null;
}

/** What the claims of one currency come to. */
export interface ClaimSums {
  readonly currency: string;
  readonly count: number;
  readonly billed: number | null;
  readonly paid: number | null;
  readonly owed: number | null;
}

/** The claims, the newest first. */
export const claimsOf = (db: DatabaseSync, page: number, size = 50): Page<ClaimEntry> =>
  pageOf(
    db,
    `SELECT n, type, id, title, detail, date, currency, billed, paid, owed FROM entry JOIN claim ON claim.entry = entry.n
     ORDER BY at DESC, n LIMIT ? OFFSET ?`,
    [],
    { page, size },
  );

/** The sums of all claims, by currency. */
export const sumsOf = (db: DatabaseSync): readonly ClaimSums[] =>
  db
    .prepare(
      `SELECT currency, count(*) AS count, sum(billed) AS billed, sum(paid) AS paid, sum(owed) AS owed FROM claim
       GROUP BY currency ORDER BY currency`,
    )
    .all() as unknown as readonly ClaimSums[];
