import { distance } from '../../functions/shared/scopes/distance.ts';
import { Refusal, type UsageError } from './errors.ts';

/** What people mistype: case, spaces and punctuation do not count. */
const plain = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');

const longest = 200;
const most = 3;

/**
 * The things that someone probably meant by a name, nearest first, three at most: a name of theirs contains it, or
 * differs from it by a third of its letters or fewer.
 */
export const nearest = <T>(wanted: string, things: readonly T[], namesOf: (thing: T) => readonly string[]): T[] => {
  const given = plain(wanted.slice(0, longest));
  const far = (name: string): number => {
    const other = plain(name.slice(0, longest));
    if (given === '' || other === '') return Number.POSITIVE_INFINITY;
    if (other === given) return 0;
    if (other.includes(given)) return 1;
    // Texts of different lengths differ by at least that many letters.
    const limit = Math.max(1, Math.floor(given.length / 3));
    if (Math.abs(other.length - given.length) > limit) return Number.POSITIVE_INFINITY;
    const found = distance(given, other);
    return found <= limit ? found : Number.POSITIVE_INFINITY;
  };
  return things
    .map((thing) => ({ thing, far: Math.min(...namesOf(thing).map(far)) }))
    .filter((candidate) => Number.isFinite(candidate.far))
    .toSorted((a, b) => a.far - b.far)
    .slice(0, most)
    .map(({ thing }) => thing);
};

/** What a person may call a payer or a partner by. */
export interface Named {
  readonly id: string;
  /** Undefined if only the id is known. */
  readonly name: string | undefined;
}

/** So many are listed; of more, those that were probably meant. */
const mostListed = 10;

/** An id with its name. */
export const called = ({ id, name }: Named): string => (name === undefined || name === id ? id : `${id} (${name})`);

interface FindOptions {
  readonly stage: string;
  /** Such as `partner`. */
  readonly kind: string;
  /** What its id is called, such as `client id`. */
  readonly idKind: string;
  /** @default Refusal */
  readonly Wrong?: typeof Refusal | typeof UsageError;
}

/**
 * Finds what a person named by its id, or by a name that only one has.
 * @throws Refusal or UsageError that says what was probably meant
 */
export const findNamed = <T extends Named>(
  things: readonly T[],
  nameOrId: string,
  { stage, kind, idKind, Wrong = Refusal }: FindOptions,
): T => {
  const byId = things.find(({ id }) => id === nameOrId);
  if (byId !== undefined) return byId;
  const [byName, ...others] = things.filter(({ name }) => name === nameOrId);
  if (byName !== undefined && others.length === 0) return byName;
  if (byName !== undefined) {
    const ids = [byName, ...others].map(({ id }) => id).join(', ');
    throw new Wrong(`Several ${kind}s are called "${nameOrId}"; give a ${idKind}: ${ids}`);
  }
  const none = `Stage ${stage} has no ${kind} "${nameOrId}"`;
  if (things.length <= mostListed) {
    throw new Wrong(`${none}; it has: ${things.map(({ id }) => id).join(', ') || 'none'}`);
  }
  const meant = nearest(nameOrId, things, ({ id, name }) => (name === undefined ? [id] : [id, name]));
  throw new Wrong(
    meant.length === 0
      ? `${none}, nor one with a similar name; list them with: npm run ${kind}s -- list --stage ${stage}`
      : `${none}; did you mean ${meant.map(called).join(', or ')}?`,
  );
};
