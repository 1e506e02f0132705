import { distance } from '../scopes/distance.ts';

/** The most characters that anyone misspells. */
const longest = 40;

/** A sentence that names the most similar name, after a blank; empty if none is similar. */
export const nearestTo = (name: string, known: Iterable<string>): string => {
  if (name.length > longest) return '';
  const [nearest] = [...known]
    .map((candidate) => ({ candidate, far: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, far }) => far <= Math.min(2, Math.floor(candidate.length / 3)))
    .toSorted((a, b) => a.far - b.far);
  return nearest === undefined ? '' : ` The nearest is ${nearest.candidate}.`;
};
