import type { Payer } from '../registry/types.ts';
import { anyType, isResourceType } from '../scopes/resource-types.ts';
import { checkBases } from './check-bases.ts';
import { checkSearch, requireType, unknownType } from './check-search.ts';
import { idForm, segmentForm } from './fhir-id.ts';
import { isDocument, mergeNeeds, type FhirRequest, type Parameter, type TypeNeed } from './fhir-request.ts';
import { plainParameters, type AddedParameters, type Grammar } from './known-parameters.ts';
import { malformed, notAllowed, notSupported, reading, readOnly } from './refusals.ts';

export interface FhirRequestInput {
  readonly method: string;
  /** Decoded path segments below the FHIR base. */
  readonly segments: readonly string[];
  readonly query: readonly Parameter[];
  readonly form?: readonly Parameter[];
  /** Whether the payer has `Patient/{id}/$everything`. */
  readonly everything: boolean;
  /** The payer's other operations on one patient, and the types that each returns. */
  readonly operations?: Payer['operations'] | undefined;
  /** Search parameters that the payer adds. */
  readonly searchParameters?: AddedParameters | undefined;
  /** Parameters of the payer's page links that any search takes. */
  readonly pagingParameters?: readonly string[] | undefined;
  /** The payer's bases beside its first. With some, no single search finds all types. */
  readonly furtherBases?: Payer['furtherBases'] | undefined;
}

type Target = Pick<FhirRequest, 'interaction' | 'resourceType' | 'id' | 'searched'> & { readonly needs: TypeNeed[] };

const badPath = () => malformed('The path is not a FHIR read or search.');
const notFound = (message: string) => notSupported(message, { status: 404 });

/** Checks that the path has valid FHIR segments only, and drops a trailing slash. */
const checkSegments = (given: readonly string[]): readonly string[] => {
  const segments = given.at(-1) === '' ? given.slice(0, -1) : given;
  for (const segment of segments) {
    if (!segmentForm.test(segment)) throw badPath();
  }
  return segments;
};

/** Checks the method: reading only. */
const checkReading = (method: string, segments: readonly string[]): 'GET' | 'POST' => {
  if (method === 'GET') return method;
  if (method === 'POST' && segments.length === 2 && segments[1] === '_search') return method;
  throw readOnly(segments);
};

/**
 * A request without a path asks for a search of all types. `_type` does not narrow the access that it needs, since a
 * payer may ignore it.
 */
const parseBase = (query: readonly Parameter[]): Target => {
  if (query.length === 0) throw notFound('Name a resource type below this base URL.');
  return { interaction: 'search-system', searched: [anyType], needs: [{ type: anyType, needs: 's' }] };
};

const checkId = (id: string): string => {
  if (!idForm.test(id)) throw badPath();
  return id;
};

/** The types that an operation of the payer's profile returns; undefined for any other. */
const returnedBy = (operations: Payer['operations'] = {}, segment: string): readonly string[] | undefined => {
  const name = segment.slice(1);
  return segment.startsWith('$') && Object.hasOwn(operations, name) ? operations[name] : undefined;
};

/** What a path with a resource id, and perhaps more after it, asks for. */
const parseInstance = (
  resourceType: string,
  id: string,
  [third, version]: readonly string[],
  { everything, operations = {} }: Pick<FhirRequestInput, 'everything' | 'operations'>,
): Target => {
  const read = { resourceType, id, searched: [resourceType], needs: [{ type: resourceType, needs: 'r' as const }] };
  if (third === undefined) return { interaction: 'read', ...read };
  if (third === '_history') {
    if (version === undefined) return { interaction: 'history-instance', ...read };
    checkId(version);
    return { interaction: 'vread', ...read };
  }
  if (version !== undefined || resourceType !== 'Patient') throw notFound('This server has no such path.');
  if (third === '$everything') {
    if (!everything) throw notAllowed('This payer has no $everything. Search each resource type instead.', reading);
    return {
      interaction: 'everything',
      resourceType,
      id,
      searched: [anyType],
      needs: [{ type: anyType, needs: 'rs' }],
    };
  }
  const returned = returnedBy(operations, third);
  if (returned !== undefined) {
    return {
      interaction: 'operation',
      resourceType,
      id,
      searched: [],
      needs: returned.map((type) => ({ type, needs: 'rs' })),
    };
  }
  if (third !== anyType && !isResourceType(third)) throw unknownType(third, 404);
  return {
    interaction: 'search-compartment',
    resourceType,
    id,
    searched: [third],
    needs: [{ type: third, needs: 's' }],
  };
};

/** What the path asks for. */
const parseTarget = (segments: readonly string[], method: 'GET' | 'POST', input: FhirRequestInput): Target => {
  const [resourceType, second] = segments;
  if (resourceType === undefined) return parseBase(input.query);
  const operation = segments.findIndex((segment) => segment.startsWith('$'));
  const isOfPatient = operation === 2 && resourceType === 'Patient';
  const isKnown = segments[2] === '$everything' || returnedBy(input.operations, segments[2] ?? '') !== undefined;
  if (operation >= 0 && !(isOfPatient && isKnown)) {
    const named = Object.keys(input.operations ?? {}).map((name) => `Patient/{id}/$${name}`);
    const all = ['Patient/{id}/$everything', ...named].join(', ');
    throw notAllowed(`Of the operations only ${all} and Patient/$export are supported.`, 'OPTIONS');
  }
  if (!isResourceType(resourceType)) throw unknownType(resourceType, 404);
  if (segments.length > 4) throw notFound('This server has no such path.');
  const needs: TypeNeed[] = [{ type: resourceType, needs: 's' }];
  // A POST is always to _search; checked earlier.
  if (second === undefined || method === 'POST') {
    return { interaction: 'search-type', resourceType, searched: [resourceType], needs };
  }
  if (segments.length === 2) {
    if (second === '_search') throw notAllowed('Use POST for _search, or leave it out.', 'POST, OPTIONS');
    if (second === '_history') return { interaction: 'history-type', resourceType, searched: [resourceType], needs };
  }
  return parseInstance(resourceType, checkId(second), segments.slice(2), input);
};

/**
 * Turns a search without a path that `_type` limits to one type into that type's own search, which means the same. A
 * payer that ignores `_type` then cannot return other types.
 */
const asTypeSearch = (
  segments: readonly string[],
  { method, query }: FhirRequestInput,
): [readonly string[], readonly Parameter[]] => {
  if (method !== 'GET' || segments.length > 0) return [segments, query];
  const types = new Set(query.flatMap(([name, value]) => (name === '_type' ? value.split(',').map(requireType) : [])));
  if (types.size !== 1) return [segments, query];
  return [[...types], query.filter(([name]) => name !== '_type')];
};

/** Adds the payer's paging parameters to those of a kind of request whose answer has pages. */
const withPaging = (plain: ReadonlySet<string>, paging: readonly string[] = []): ReadonlySet<string> =>
  paging.length === 0 ? plain : new Set([...plain, ...paging]);

/** The parameters that a kind of request takes, and the types whose search parameters it takes. */
const grammarOf = (
  { interaction, searched }: Target,
  query: readonly Parameter[],
  paging: readonly string[] | undefined,
): Pick<Grammar, 'plain' | 'on'> => {
  switch (interaction) {
    case 'read':
    case 'vread':
    case 'operation':
      return { plain: plainParameters.read, on: [] };
    case 'history-instance':
    case 'history-type':
      return { plain: plainParameters.history, on: [] };
    case 'everything':
      return { plain: withPaging(plainParameters.everything, paging), on: [] };
    case 'search-system': {
      // https://hl7.org/fhir/R4/search.html#all: only what all searched types have.
      const types = query.flatMap(([name, value]) => (name === '_type' ? value.split(',').map(requireType) : []));
      return { plain: withPaging(plainParameters.searchSystem, paging), on: types.length === 0 ? [anyType] : types };
    }
    default:
      return { plain: withPaging(plainParameters.search, paging), on: searched };
  }
};

/**
 * Reads a FHIR R4 request that may go to the payer: a read, a history, a search, `$everything`.
 * @throws GatewayError for anything else
 */
export const parseFhirRequest = (input: FhirRequestInput): FhirRequest => {
  const given = checkSegments(input.segments);
  const method = checkReading(input.method, given);
  const [segments, query] = asTypeSearch(given, input);
  const { needs, ...target } = parseTarget(segments, method, { ...input, query });
  const form = method === 'POST' ? (input.form ?? []) : undefined;
  const grammar = {
    ...grammarOf({ needs, ...target }, query, input.pagingParameters),
    added: input.searchParameters ?? {},
  };
  const parameters = [...query, ...(form ?? [])];
  if (input.furtherBases !== undefined) checkBases(parameters, target.searched, input.furtherBases);
  const consulted = checkSearch(parameters, target.searched, grammar, isDocument(target));
  return {
    ...target,
    method,
    types: mergeNeeds([...needs, ...consulted]),
    segments,
    query,
    ...(form === undefined ? {} : { form }),
  };
};
