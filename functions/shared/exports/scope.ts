import { heldByPartner, heldInPart, heldWhole } from '../scopes/limit-scopes.ts';
import { covers, lettersHeld, type ReadAccess, type Scopes } from '../scopes/scopes.ts';

/*
 * An export includes a type if its scope lets the partner read or search it. A token can open the export's files if it
 * still allows all of that.
 */

/** What a scope lets a partner do with a type: `r`, `s`, both, or nothing. */
const accessTo = (scope: Scopes, type: string): ReadAccess | '' =>
  lettersHeld(heldByPartner(scope), type, 'rs') as ReadAccess | '';

/** The types that a scope covers at least in part. */
export const typesInScope = (scope: Scopes, types: readonly string[]): readonly string[] =>
  types.filter((type) => accessTo(scope, type) !== '');

/** The job writes one resource of this type itself. If the kick-off's scope did not cover it, no token needs to. */
const typeOfOurOwn = 'Provenance';

/**
 * The types of an export that a token may no longer read as the kick-off's token could.
 * @param types of the record's files
 * @param then the scope at the kick-off
 * @param now the presented token's scope, limited to what the partner may have today
 */
export const typesNoLongerInScope = (types: readonly string[], then: Scopes, now: Scopes): readonly string[] => {
  const [held, whole, wholeThen] = [heldByPartner(now), heldWhole(now), heldWhole(then)];
  const [parts, partsThen] = [heldInPart(now), heldInPart(then)];
  /** Whether each part that was read is still held, by the same filter or as a part of the whole type. */
  const holdsParts = (type: string): boolean =>
    [...partsThen].every(([filter, heldThen]) => {
      const letters = [whole, parts.get(filter) ?? new Map()].map((one) => lettersHeld(one, type, 'rs')).join('');
      return Array.from(lettersHeld(heldThen, type, 'rs')).every((letter) => letters.includes(letter));
    });
  return types.filter((type) => {
    const access = accessTo(then, type);
    if (access === '') return type !== typeOfOurOwn;
    // What was read of a whole type is not open to a token for a part of it, nor what was read of two parts to one for one of them.
    const unlimited = lettersHeld(wholeThen, type, 'rs') as ReadAccess | '';
    const holdsWhole = unlimited === '' || covers(whole, type, unlimited);
    return !covers(held, type, access) || !holdsWhole || !holdsParts(type);
  });
};
