import { GatewayError } from '../../shared/errors.ts';
import type { Directory } from '../../shared/registry/directory.ts';
import type { DirectoryEntry } from '../../shared/registry/entry-items.ts';
import { mayReadFrom } from '../../shared/registry/profile.ts';
import type { Registry } from '../../shared/registry/registry.ts';
import { isPayerPaused } from '../../shared/registry/require-payer.ts';
import type { Partner } from '../../shared/registry/types.ts';
import { searchIndex, type Search } from './search-index.ts';

/** A payer as the search shows it. */
export interface FoundPayer {
  readonly id: string;
  readonly name: string;
  readonly otherNames: readonly string[];
  readonly linesOfBusiness: readonly string[];
  /** Whether a member can sign in there now: no operator has paused it. */
  readonly available: boolean;
}

/** What a search found: the best, and how many there are. */
export interface Found {
  readonly total: number;
  readonly payers: readonly FoundPayer[];
}

/** The most payers that a search shows. If an app has no more than that, they are all shown before the member types. */
export const mostShown = 20;

/** Characters of a search. The longest names have some eighty. */
export const longestSearch = 100;

/** @throws GatewayError `invalid_request` */
export const checkSearch = (typed: string): void => {
  if (typed.length > longestSearch) {
    throw new GatewayError('invalid_request', `q is too long: at most ${longestSearch} characters.`, {
      detail: `a search of ${typed.length} characters`,
    });
  }
};

/** Keeps the index of the newest directory. */
const keptIndex = (): ((directory: Directory) => Search) => {
  let kept: { readonly version: string; readonly search: Search } | undefined;
  return ({ entries, version }) => {
    if (kept?.version !== version) kept = { version, search: searchIndex(entries) };
    return kept.search;
  };
};

/** A payer whose entry cannot be read now counts as available: the next step looks again. */
const isAvailable = async (registry: Registry, id: string): Promise<boolean> => {
  try {
    return !(await isPayerPaused(registry, id));
  } catch {
    return true;
  }
};

const shown = async (registry: Registry, entry: DirectoryEntry): Promise<FoundPayer> => ({
  id: entry.id,
  name: entry.displayName,
  otherNames: entry.brand?.otherNames ?? [],
  linesOfBusiness: entry.linesOfBusiness ?? [],
  available: await isAvailable(registry, entry.id),
});

/** As people count: Plan 2 before Plan 10. */
const { compare } = new Intl.Collator('en-US', { numeric: true });

const byName = (one: DirectoryEntry, other: DirectoryEntry): number => compare(one.displayName, other.displayName);

/** Finds the payers of a partner that fit what a member has typed; with nothing typed all, if they are few. */
export type FindPayers = (partner: Pick<Partner, 'payers'>, typed: string) => Promise<Found>;

/** Makes the search. All partners share one index of all payers, and each finds its own. */
export const payerFinder = (registry: Registry): FindPayers => {
  const indexOf = keptIndex();
  return async (partner, typed) => {
    const directory = await registry.directory();
    const isAllowed = (id: string): boolean => mayReadFrom(partner, id);
    const all = (): DirectoryEntry[] => directory.entries.filter(({ id }) => isAllowed(id)).toSorted(byName);
    const found = typed.trim() === '' ? all() : indexOf(directory)(typed, isAllowed);
    const best = typed.trim() === '' && found.length > mostShown ? [] : found.slice(0, mostShown);
    return { total: found.length, payers: await Promise.all(best.map((entry) => shown(registry, entry))) };
  };
};
