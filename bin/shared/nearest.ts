import { distance } from '../../config/distance.ts';

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
    // A difference in length alone is a difference of that many letters.
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
