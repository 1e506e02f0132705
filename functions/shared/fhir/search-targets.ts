import { searchParameterTargets } from './search-parameter-targets.ts';

/** R4's resource types and reference search parameters, packed; numbers are base 36. */
export type SearchTargets = {
  /** All resource types, separated by spaces. */
  readonly types: string;
  /** Sets of target types, separated by commas: indexes into `types` separated by spaces, or `*` for any type. */
  readonly sets: string;
  /** For each resource type, separated by commas: its name and its `code:index of the set`, separated by spaces. */
  readonly parameters: string;
};

/** Any resource type. */
export const ANY = '*';

const types = searchParameterTargets.types.split(' ');
const typesByLowerCase = new Map(types.map((type) => [type.toLowerCase(), type]));

/** Unpacked on the first use: most functions that know scopes never look at search parameters. */
let table: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> | undefined;

function unpack(): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> {
  const sets = searchParameterTargets.sets
    .split(',')
    .map((set) => (set === ANY ? [ANY] : set.split(' ').map((index) => types[Number.parseInt(index, 36)]!)));
  return new Map(
    searchParameterTargets.parameters.split(',').map((line) => {
      const [type, ...parameters] = line.split(' ');
      const targets = parameters.map((parameter) => {
        const colon = parameter.lastIndexOf(':');
        return [parameter.slice(0, colon), sets[Number.parseInt(parameter.slice(colon + 1), 36)]!] as const;
      });
      return [type!, new Map(targets)];
    }),
  );
}

/** Whether this is one of R4's resource types, spelled exactly. */
export const isResourceType = (name: string): boolean => typesByLowerCase.get(name.toLowerCase()) === name;

/** The resource type of that name whatever its case: a payer may be lenient where we must not be fooled. */
export const resourceTypeOf = (name: string): string | undefined => typesByLowerCase.get(name.toLowerCase());

/**
 * The types that a reference search parameter may point to, `ANY` among them where R4 allows every type; undefined
 * where R4 defines no such reference parameter. The case of `code` does not matter. For the resource type `ANY` the
 * answer is that of all types together.
 */
export function searchTargets(resourceType: string, code: string): readonly string[] | undefined {
  table ??= unpack();
  const wanted = code.toLowerCase();
  if (resourceType !== ANY) return table.get(resourceType)?.get(wanted);
  const found = [...table.values()].flatMap((parameters) => parameters.get(wanted) ?? []);
  return found.length === 0 ? undefined : [...new Set(found)];
}
