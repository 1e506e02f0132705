import { parseRecordSearch } from '../fhir/record-search.ts';
import { isR4 } from '../fhir/release.ts';
import { objectsIn, type JsonObject } from '../json/json-object.ts';
import { fhirBases, isAt, type FhirBase } from '../registry/fhir-bases.ts';
import type { Payer } from '../registry/types.ts';
import type { Difference } from './difference.ts';

interface Stated {
  /** Whose statement it is. */
  readonly base: FhirBase;
  /** The server's resources, as a CapabilityStatement lists them. */
  readonly resources: readonly JsonObject[];
  /** Those of the whole server. */
  readonly parameters: readonly JsonObject[];
}

type Comparison = (stated: Stated, payer: Payer) => Difference | undefined;

const ofType = ({ resources }: Stated, type: string): JsonObject | undefined =>
  resources.find((resource) => resource['type'] === type);

/** An operation's name, as servers write it: with `$` or without. */
const operationsOf = (stated: Stated, type: string): string[] =>
  objectsIn(ofType(stated, type)?.['operation']).map(({ name }) => String(name).replace(/^\$/, ''));

/** The difference of a statement that lacks what the profile relies on. */
const lack = (field: string, lacking: readonly string[], value?: unknown): Difference | undefined => {
  if (lacking.length === 0) return undefined;
  const ours = lacking.join(', ');
  return {
    field,
    ours,
    theirs: 'not in metadata',
    text: `metadata lacks ${ours}, which ${field} relies on`,
    todo: `ask the payer whether it still has ${ours}; if not, take it out of ${field}`,
    ...(value === undefined ? {} : { value }),
  };
};

/** What is asked at the payer's first base only. */
const isFirst = ({ base }: Stated): boolean => base.only === undefined;

/** The types of a further base that its statement lacks. */
const furtherTypes: Comparison = (stated) =>
  lack(
    'furtherBases',
    (stated.base.only ?? []).filter((type) => ofType(stated, type) === undefined),
  );

const everything: Comparison = (stated, payer) =>
  isFirst(stated) && payer.everything && !operationsOf(stated, 'Patient').includes('everything')
    ? lack('everything', ['Patient/$everything'], false)
    : undefined;

const operations: Comparison = (stated, payer) => {
  const listed = operationsOf(stated, 'Patient');
  const relied = isFirst(stated) ? Object.keys(payer.operations ?? {}) : [];
  const lacking = relied.filter((name) => !listed.includes(name));
  return lack(
    'operations',
    lacking.map((name) => `Patient/$${name}`),
  );
};

const searches: Comparison = (stated, { wholeRecord }) => {
  const all = wholeRecord?.searches ?? [];
  const isKept = (type: string): boolean => !isAt(stated.base, type) || ofType(stated, type) !== undefined;
  const kept = all.filter((search) => isKept(parseRecordSearch(search).type));
  return lack(
    'wholeRecord.searches',
    all.filter((search) => !kept.includes(search)),
    kept,
  );
};

/** A resource that lists no parameters says nothing about them. */
const searchParameters: Comparison = (stated, payer) => {
  const lacking = Object.entries(payer.searchParameters ?? {}).flatMap(([type, codes]) => {
    const listed = objectsIn(ofType(stated, type)?.['searchParam']).map(({ name }) => name);
    return listed.length === 0 || !isAt(stated.base, type)
      ? []
      : codes.filter((code) => !listed.includes(code)).map((code) => `${type}?${code}`);
  });
  return lack('searchParameters', lacking);
};

/** The largest number in what a server writes about `_count`, such as "default 10, maximum 50". */
const largestCount = ({ resources, parameters }: Stated): number | undefined => {
  const all = [...parameters, ...resources.flatMap(({ searchParam }) => objectsIn(searchParam))];
  const words = all.flatMap(({ name, documentation }) =>
    name === '_count' && typeof documentation === 'string' ? (documentation.match(/\b\d{1,6}\b/g) ?? []) : [],
  );
  // Not by an argument for each word: a payer may write more than a call can have.
  return words.length === 0 ? undefined : words.map(Number).reduce((most, one) => Math.max(most, one));
};

const pageSize: Comparison = (stated, { wholeRecord }) => {
  const [ours, most] = [wholeRecord?.pageSize, largestCount(stated)];
  if (ours === undefined || most === undefined || most < 1 || ours <= most) return undefined;
  return {
    field: 'wholeRecord.pageSize',
    ours: String(ours),
    theirs: String(most),
    value: most,
    text: `metadata says that _count is at most ${most}, the profile asks for ${ours}`,
    todo: `write wholeRecord.pageSize: ${most}`,
  };
};

const release = (statement: JsonObject, { only, bases }: FhirBase): Difference[] => {
  const version = String(statement['fhirVersion']).slice(0, 20);
  if (isR4(statement['fhirVersion'])) return [];
  const todo = 'ask the payer for its FHIR R4 base URL';
  const text = `metadata says that this is FHIR ${version}, but the gateway reads R4`;
  const field = only === undefined ? 'fhirBaseUrl' : `furtherBases of ${bases[0]!}`;
  return [{ field, ours: 'FHIR 4.0', theirs: `FHIR ${version}`, text, todo }];
};

const comparisons = [furtherTypes, everything, operations, searches, searchParameters, pageSize];

/**
 * How a CapabilityStatement differs from what a payer's profile relies on. One that lists no resources says nothing.
 * @param base whose statement it is
 */
export const compareStatement = (
  statement: JsonObject,
  payer: Payer,
  base: FhirBase = fhirBases(payer)[0],
): Difference[] => {
  const servers = objectsIn(statement['rest']).filter(({ mode }) => mode === 'server');
  const stated = {
    base,
    resources: servers.flatMap(({ resource }) => objectsIn(resource)),
    parameters: servers.flatMap(({ searchParam }) => objectsIn(searchParam)),
  };
  const found = stated.resources.length === 0 ? [] : comparisons.flatMap((compare) => compare(stated, payer) ?? []);
  return [...release(statement, base), ...found];
};
