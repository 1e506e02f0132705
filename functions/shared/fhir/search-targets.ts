import { anyType, resourceTypes } from '../scopes/resource-types.ts';
import { packedSearchTargets } from './search-parameter-targets.ts';
import { unpack } from './unpack.ts';

/** Resource types and search parameters of R4 and the guides that the gateway knows, packed; numbers are base 36. */
export interface SearchTargets {
  /** All resource types, separated by spaces. */
  readonly types: string;
  /** Sets of target types, separated by commas: indexes into `types` separated by spaces, or `*` for any type. */
  readonly sets: string;
  /**
   * Groups of parameters that the same types have, separated by commas: the parameters, `|`, and indexes of those types
   * (into `types` and then `Resource`, `DomainResource`), both separated by spaces. A reference is `code:index of the
   * set`, any other parameter its `code`.
   */
  readonly parameters: string;
}

/** The base types whose parameters all resource types share, or all types with a narrative. */
const abstractTypes = ['Resource', 'DomainResource'] as const;

type Codes = ReadonlyMap<string, readonly string[] | undefined>;

/** Unpacked on first use: most functions that handle scopes never need search parameters. */
let table: ReadonlyMap<string, Codes> | undefined;

/** The table's two texts. */
export const readPacked = (packed: string): Pick<SearchTargets, 'sets' | 'parameters'> => {
  const text = unpack(packed);
  const [sets = '', parameters = ''] = text.split('\n');
  return { sets, parameters };
};

const readTable = (): ReadonlyMap<string, Codes> => {
  const packed = readPacked(packedSearchTargets);
  const at = (names: readonly string[], index: string) => names[Number.parseInt(index, 36)]!;
  const sets = packed.sets
    .split(',')
    .map((set) => (set === anyType ? [anyType] : set.split(' ').map((index) => at(resourceTypes, index))));
  const carriers = [...resourceTypes, ...abstractTypes];
  const byType = new Map(carriers.map((type) => [type, new Map<string, readonly string[] | undefined>()]));
  for (const group of packed.parameters.split(',')) {
    const [entries, indexes] = group.split('|').map((part) => part.split(' ')) as [string[], string[]];
    for (const index of indexes) {
      for (const entry of entries) {
        const [code, set] = entry.split(':') as [string, string?];
        byType.get(at(carriers, index))!.set(code, set === undefined ? undefined : sets[Number.parseInt(set, 36)]);
      }
    }
  }
  return byType;
};

const codesOf = (type: string): Codes | undefined => (table ??= readTable()).get(type);

/** R4's position of a resource type, which never changes; -1 for none. */
export const indexOfType = (name: string): number => resourceTypes.indexOf(name);
/** The resource type at a position. */
export const typeAt = (index: number): string | undefined => resourceTypes[index];

/** Types without a narrative, and so without `_text`: https://hl7.org/fhir/R4/domainresource.html */
const withoutNarrative = new Set(['Binary', 'Bundle', 'Parameters']);

/**
 * Whether a resource type has a search parameter, spelled exactly. `anyType` has only what all types share.
 * https://hl7.org/fhir/R4/search.html#all
 */
export const isSearchParameter = (resourceType: string, code: string): boolean => {
  if (codesOf('Resource')!.has(code)) return true;
  if (resourceType === anyType) return false;
  if (!withoutNarrative.has(resourceType) && codesOf('DomainResource')!.has(code)) return true;
  return codesOf(resourceType)?.has(code) ?? false;
};

/** The search parameters of a resource type, or those that all types share for `anyType`. */
export const searchParametersOf = (resourceType: string): readonly string[] =>
  [...abstractTypes, resourceType].flatMap((type) => Array.from(codesOf(type)?.keys() ?? []));

/**
 * The types that a reference search parameter may point to, `anyType` among them where every type is allowed; undefined
 * where there is no such reference parameter. The case of `code` does not matter. For the resource type `anyType` the
 * answer is that of all types together.
 */
export const searchTargets = (resourceType: string, code: string): readonly string[] | undefined => {
  const wanted = code.toLowerCase();
  if (resourceType !== anyType) return codesOf(resourceType)?.get(wanted);
  table ??= readTable();
  const found = [...table.values()].flatMap((parameters) => parameters.get(wanted) ?? []);
  return found.length === 0 ? undefined : [...new Set(found)];
};
