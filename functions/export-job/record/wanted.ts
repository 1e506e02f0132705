import { heldByPartner } from '../../shared/scopes/limit-scopes.ts';
import { anyType } from '../../shared/scopes/resource-types.ts';
import { covers, lettersHeld, type ReadAccess, type Scopes } from '../../shared/scopes/scopes.ts';
import type { Export } from '../../shared/store/export-item.ts';

/** What an export was asked for and may read. */
export interface Wanted {
  /** Whether resources of a type may be in the record. */
  readonly isWanted: (type: string) => boolean;
  /** Whether only the scope keeps a type out. */
  readonly isBeyond: (type: string) => boolean;
  /** Whether a type was asked for and the scope covers this access to it. */
  readonly may: (type: string, access: ReadAccess) => boolean;
  /** Whether the scope covers this access to every type, so that one request may return anything. */
  readonly mayAll: (access: ReadAccess) => boolean;
  /** The types that the scope names. */
  readonly named: readonly string[];
}

/** Whether a type is searched by filters, so that only resources that those searches find are wanted. */
export const isFiltered = ({ filters = [] }: Pick<Export, 'filters'>, type: string): boolean =>
  filters.some((text) => text.startsWith(`${type}?`));

/** Whether the record must have the member's Patient. With a time or a filter it may be beyond them. */
export const isPatientDue = (
  { isWanted }: Pick<Wanted, 'isWanted'>,
  asked: Pick<Export, 'since' | 'until' | 'filters'>,
): boolean =>
  isWanted('Patient') && asked.since === undefined && asked.until === undefined && !isFiltered(asked, 'Patient');

/**
 * @param scope what the token could read at the kick-off, limited to what the partner may read now
 * @param types what was asked for; undefined for all
 */
export const wantedOf = (scope: Scopes, types: readonly string[] | undefined): Wanted => {
  const held = heldByPartner(scope);
  const asked = types === undefined ? undefined : new Set(types);
  const isAsked = (type: string): boolean => asked === undefined || asked.has(type);
  const isHeld = (type: string): boolean => lettersHeld(held, type, 'rs') !== '';
  return {
    isWanted: (type) => isAsked(type) && isHeld(type),
    isBeyond: (type) => isAsked(type) && !isHeld(type),
    may: (type, access) => isAsked(type) && covers(held, type, access),
    mayAll: (access) => covers(held, anyType, access),
    named: [...held.keys()].filter((type) => type !== anyType),
  };
};
