import { distance } from '../scopes/distance.ts';

/** How many characters of a name are taken for a slip. */
const slips = ({ length }: string): number => Math.min(2, Math.floor(length / 3));

/** A sentence that names the most similar name, after a blank; empty if none is similar. */
export const nearestTo = (name: string, known: Iterable<string>): string => {
  const [nearest] = [...known]
    // A distance is never less than the difference in length, and the comparison costs more than all else in a refusal.
    .filter((candidate) => Math.abs(candidate.length - name.length) <= slips(candidate))
    .map((candidate) => ({ candidate, far: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, far }) => far <= slips(candidate))
    .toSorted((a, b) => a.far - b.far);
  return nearest === undefined ? '' : ` The nearest is ${nearest.candidate}.`;
};
