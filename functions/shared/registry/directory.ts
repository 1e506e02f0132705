import { hash } from 'node:crypto';
import type { DirectoryEntry } from './entry-items.ts';
import { mayReadFrom } from './profile.ts';
import type { Partner } from './types.ts';

/** Payers as the directory has them, and which state of it that is. */
export interface Directory {
  /** In no particular order. */
  readonly entries: readonly DirectoryEntry[];
  /** Differs whenever the entries differ. */
  readonly version: string;
  /** When they changed last, epoch seconds. */
  readonly changedAt: number;
  /** Whether every page of it could be used; without one, its payers are not among the entries. */
  readonly isWhole: boolean;
}

/** A version that depends on each of these texts and on their order. */
export const versionOf = (texts: readonly (string | undefined)[]): string =>
  hash('sha256', JSON.stringify(texts), 'base64url');

/** The part of a directory that a partner may read from. @param changedAt when the partner's entry changed last */
export const limitDirectory = (
  { entries, version, changedAt: wholeChangedAt, isWhole }: Directory,
  partner: Pick<Partner, 'payers'>,
  changedAt: number,
): Directory => ({
  entries: entries.filter(({ id }) => mayReadFrom(partner, id)),
  version: versionOf([version, ...partner.payers]),
  changedAt: Math.max(wholeChangedAt, changedAt),
  isWhole,
});
