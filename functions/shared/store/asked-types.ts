/** Which resources an export was asked for. */
export interface AskedTypes {
  /** Undefined for all. */
  readonly types?: readonly string[];
  /** Searches of a type, such as `Observation?date=ge2020`: of that type only what one of them finds. */
  readonly filters?: readonly string[];
  /** FHIR instant: nothing that changed after it. */
  readonly until?: string;
}

/*
 * All of it is in the attribute `types`. If there are searches or an end, no entry is a type's name alone: a version that
 * does not know them then reads nothing, rather than more than was asked.
 *
 *   Observation               a type
 *   Observation?   *?         a type, or all types, beside entries of the next two kinds
 *   Observation?date=ge2020   a search of a type
 *   ?2026-01-31T00:00:00Z     the end
 */

const allTypes = '*';

/** The attribute's value. */
export const writeAskedTypes = ({ types, filters = [], until }: AskedTypes): string[] | undefined => {
  if (filters.length === 0 && until === undefined) return types === undefined ? undefined : [...types];
  const named = (types ?? [allTypes]).map((type) => `${type}?`);
  return [...named, ...filters, ...(until === undefined ? [] : [`?${until}`])];
};

/** What {@link writeAskedTypes} wrote. */
export const readAskedTypes = (entries: readonly string[] | undefined): AskedTypes => {
  if (entries === undefined) return {};
  if (!entries.some((entry) => entry.includes('?'))) return { types: entries };
  const named = entries.filter((entry) => entry.endsWith('?')).map((entry) => entry.slice(0, -1));
  const filters = entries.filter((entry) => /^[A-Z]\w*\?./.test(entry));
  const until = entries.find((entry) => entry.startsWith('?'))?.slice(1);
  return {
    ...(named.includes(allTypes) ? {} : { types: named }),
    ...(filters.length === 0 ? {} : { filters }),
    ...(until === undefined ? {} : { until }),
  };
};
