import type { Parameter } from '../../shared/fhir/fhir-request.ts';
import {
  limitsOf,
  parseRecordSearch,
  patientReference,
  readRecordSearch,
  type RecordSearch,
} from '../../shared/fhir/record-search.ts';
import { payerUrl } from '../../shared/fhir/to-payer-url.ts';
import { baseUrlOf } from '../../shared/registry/fhir-bases.ts';
import type { Payer } from '../../shared/registry/types.ts';
import type { Export } from '../../shared/store/export-item.ts';
import type { Problem } from '../reading/problems.ts';
import { everything, type Declared, type SearchTask } from '../state/state.ts';
import { isKnownOf, isMemberType, memberTypes, otherParameters, patientParameters } from './declared.ts';
import { isFiltered, type Wanted } from './wanted.ts';

/**
 * The types to search if a payer's profile does not list any: those of US Core and CARIN Blue Button that are about a
 * patient. Practitioners, organizations and the like are read by reference.
 */
const usualTypes: readonly string[] =
  'Patient AllergyIntolerance CarePlan CareTeam Condition Coverage Device DiagnosticReport DocumentReference Encounter ExplanationOfBenefit Goal Immunization MedicationDispense MedicationRequest Observation Procedure QuestionnaireResponse RelatedPerson ServiceRequest Specimen'.split(
    ' ',
  );

/** The parameter that limits a search to one patient; undefined if R4 has none for the type. */
const patientParameter = ({ asked: { patient }, declared }: PlanInputs, type: string): Parameter | undefined => {
  const code = declared?.types[type] ?? patientParameters(type)[0];
  if (code === undefined) return undefined;
  return [code, code === 'patient' || code === '_id' ? patient : `Patient/${patient}`];
};

export interface PlanInputs {
  readonly payer: Payer;
  readonly wanted: Wanted;
  readonly asked: Pick<Export, 'patient' | 'types' | 'since' | 'filters' | 'until'>;
  /** What the payer declares; undefined if its statement could not be read. */
  readonly declared?: Declared | undefined;
}

/** The searches to run, and the types that none of them reads. */
export interface Plan {
  readonly tasks: readonly SearchTask[];
  readonly outOfScope: readonly string[];
  /** Of which the scope has a part that does not bring them all: reads without searches, or searches without reads. */
  readonly halfInScope: readonly Extract<Problem, { readonly kind: 'typeOnlyReferred' }>[];
  /**
   * The types that were asked for, that the scope lets the job read, and that no search by patient finds; and those that the scope
   * names, if nothing is searched that may refer to them.
   */
  readonly notSearched: readonly string[];
  /** The types of which the profile's searches find only a part, each with the parameters that limit them. */
  readonly inPart: ReadonlyMap<string, readonly string[]>;
  /** Whether the scope covers reading the Patient, and no search of it. */
  readonly readsPatient?: true;
}

/** The problems that a plan reports. @param wasWanted whether the scope covered a type at the kick-off */
export const problemsOf = (
  { outOfScope, halfInScope, notSearched, inPart }: Plan,
  wasWanted: Wanted['isWanted'],
): readonly Problem[] => [
  ...outOfScope.map((type) => ({ kind: 'typeOutOfScope', type, ...(wasWanted(type) && { narrowed: true }) }) as const),
  ...halfInScope,
  ...notSearched.map((type) => ({ kind: 'typeNotSearched', type }) as const),
  ...[...inPart].map(([type, by]) => ({ kind: 'typeInPart', type, by }) as const),
];

type Path = readonly string[];

const taskOf = (
  { payer }: PlanInputs,
  type: string,
  segments: Path,
  query: readonly Parameter[],
  provenance?: SearchTask['provenance'],
): SearchTask => {
  const base = payer.fhirBaseUrl.replace(/\/+$/, '');
  // Without the other bases: what follows a base is the same at each.
  const { url } = payerUrl(
    { fhirBaseUrl: base },
    { interaction: 'search-type', method: 'GET', searched: [], types: [], segments, query },
    { gatewayBase: base },
  );
  const rest = url.slice(base.length);
  const counts = { matched: 0, stale: 0, tries: 0, waits: 0, refusals: 0 };
  return { kind: 'search', type, rest, page: 1, ...counts, ...(provenance !== undefined && { provenance }) };
};

const pageSizeOf = ({ payer }: PlanInputs): Parameter[] => {
  const size = payer.wholeRecord?.pageSize;
  return size === undefined ? [] : [['_count', String(size)]];
};

/** `Patient/{id}/$everything` (https://hl7.org/fhir/R4/operation-patient-everything.html). */
const everythingTask = (inputs: PlanInputs): SearchTask => {
  const { patient, types, since } = inputs.asked;
  const query: Parameter[] = [
    ...(since === undefined ? [] : [['_since', since] as const]),
    ...(types === undefined ? [] : [['_type', types.join(',')] as const]),
    ...pageSizeOf(inputs),
  ];
  return taskOf(inputs, everything, ['Patient', patient, '$everything'], query);
};

/** Drops `_include` and `_revinclude` if they may return types that the scope does not cover. */
const withinScope = (search: RecordSearch, text: string, { payer, wanted }: PlanInputs): RecordSearch => {
  const read = readRecordSearch(text, payer.searchParameters ?? {});
  const isCovered =
    'needs' in read && read.needs.every(({ type, needs }) => wanted.mayAll(needs) || wanted.may(type, needs));
  if (isCovered) return search;
  return { ...search, parameters: search.parameters.filter(([name]) => !/^_(?:rev)?include\b/.test(name)) };
};

/** Brings the Provenances of what a search finds (https://hl7.org/fhir/us/core/general-guidance.html). */
const withProvenances: Parameter = ['_revinclude', 'Provenance:target'];

/** Whether the search of a type, as the profile has it, brings Provenances, or may be asked to. Those of another base are not taken. */
const provenanceBy = (
  { payer, wanted, asked, declared }: PlanInputs,
  { type, parameters }: RecordSearch,
): SearchTask['provenance'] => {
  if (baseUrlOf(payer, type) !== baseUrlOf(payer, 'Provenance')) return undefined;
  const isSaid = ([name, value]: Parameter): boolean =>
    name === '_revinclude' && value.split(',').some((one) => /^(?:\*|Provenance:(?:\*|target))$/.test(one.trim()));
  if (parameters.some(isSaid)) return 'profile';
  const isWanted = wanted.may('Provenance', 's') && !isFiltered(asked, 'Provenance') && type !== 'Provenance';
  return isWanted && declared?.provenanceOf?.includes(type) === true ? 'declared' : undefined;
};

interface SearchOptions {
  readonly named?: string;
  /** Further parameters, of `_typeFilter`. */
  readonly filter?: readonly Parameter[];
  /** The parameter that names the member. @default the usual one */
  readonly by?: string | undefined;
}

const searchTask = (
  inputs: PlanInputs,
  text: string,
  { named, filter = [], by }: SearchOptions = {},
): SearchTask | undefined => {
  const search = withinScope(parseRecordSearch(text), text, inputs);
  const { since, until, patient } = inputs.asked;
  const own = patientReference(search);
  const code = by ?? own?.[0];
  const ofPatient: Parameter | undefined =
    code === undefined ? patientParameter(inputs, search.type) : [code, `Patient/${patient}`];
  if (ofPatient === undefined) return undefined;
  const provenance = named === undefined ? provenanceBy(inputs, search) : undefined;
  const isByPart = code !== undefined && !patientParameters(search.type).includes(code);
  const query: Parameter[] = [
    ofPatient,
    ...search.parameters.filter((one) => one !== own),
    ...filter,
    ...(provenance === 'declared' ? [withProvenances] : []),
    ...(until === undefined ? [] : [['_lastUpdated', `le${until}`] as const]),
    ...(since === undefined ? [] : [['_lastUpdated', `ge${since}`] as const]),
    ...pageSizeOf(inputs),
  ];
  const task = taskOf(inputs, named ?? search.type, [search.type], query, provenance);
  return isByPart ? Object.assign(task, { isByPart: true as const }) : task;
};

/**
 * Searches by each parameter that the payer has for the member's resources of a type. The profile may name one itself. If it is not known
 * what the payer declares, it may lack those that not every payer has.
 */
const tasksByEach = (inputs: PlanInputs, text: string, filter: readonly Parameter[] = []): readonly SearchTask[] => {
  const search = parseRecordSearch(text);
  const { declared } = inputs;
  const isNamed = patientReference(search) !== undefined;
  const others = declared?.others?.[search.type] ?? [];
  const guessed = isKnownOf(declared, search.type)
    ? []
    : otherParameters(search.type).filter((code) => !others.includes(code));
  const byEach = (codes: readonly (string | undefined)[]): readonly SearchTask[] =>
    codes.flatMap((by) => searchTask(inputs, text, { filter, by }) ?? []);
  if (isNamed) return byEach([undefined]);
  return [
    ...byEach([undefined, ...others]),
    ...byEach(guessed).map((task) => Object.assign(task, { mayBeUnknown: true as const })),
  ];
};

const typeOf = (text: string): string => parseRecordSearch(text).type;

/**
 * Whether a 404 means that the payer does not have a type (https://hl7.org/fhir/R4/http.html#search). It does for a type
 * that nobody named, and that the payer does not declare. Any other refusal may be about how the search is put.
 */
const mayBeAbsent = ({ declared }: PlanInputs, type: string): boolean =>
  type !== 'Patient' && !(type in (declared?.types ?? {}));

/** The types that the payer declares; if that is not known, or not all, each type of a patient's. */
const typesDeclared = ({ declared }: PlanInputs): readonly string[] => {
  const types = Object.keys(declared?.types ?? {});
  return [...new Set([...types, ...memberTypes.filter((type) => !isKnownOf(declared, type))])];
};

/** The types that were asked for or, if none were, those that the scope names. A Binary is no part of the record, but an attachment's content. */
export const namedIn = ({ named }: Pick<Wanted, 'named'>, asked?: readonly string[]): readonly string[] =>
  (asked ?? named).filter((type) => type !== 'Binary');

/** The types that the profile, the request or the scope names, and so are reported if they are not read. */
const namedTypes = ({ payer, wanted, asked }: PlanInputs): ReadonlySet<string> =>
  new Set([
    ...(payer.wholeRecord?.searches ?? []).map(typeOf),
    ...(payer.furtherBases ?? []).flatMap(({ types }) => types).filter(isMemberType),
    ...(asked.types ?? namedIn(wanted)),
    ...(asked.filters ?? []).map(typeOf),
  ]);

/** Whether a type is searched only because the payer may have it. */
const isUnnamed = (inputs: PlanInputs, type: string): boolean =>
  !namedTypes(inputs).has(type) && mayBeAbsent(inputs, type);

const unlessAbsent = (inputs: PlanInputs, task: SearchTask): SearchTask =>
  isUnnamed(inputs, task.type) ? Object.assign(task, { mayBeAbsent: true as const }) : task;

/** Whether a type is named if the scope keeps it out. If it is not known what a payer has, the usual types are. */
const isNamedBeyond = (inputs: PlanInputs, type: string): boolean =>
  !isUnnamed(inputs, type) || (!isKnownOf(inputs.declared, type) && usualTypes.includes(type));

/**
 * The searches by type: the profile's or the usual ones, Patient, each type that the payer declares, and any others that
 * were asked for or that the scope names. If it is not known what a payer declares, each type of a patient's is searched.
 */
const searchesOf = (inputs: PlanInputs): readonly string[] => {
  const known = inputs.payer.wholeRecord?.searches ?? usualTypes;
  const types = new Set(known.map(typeOf));
  const others = [...namedTypes(inputs), ...typesDeclared(inputs)];
  return [
    ...(types.has('Patient') ? [] : ['Patient']),
    ...known,
    ...[...new Set(others)].filter((type) => !types.has(type) && type !== 'Patient'),
  ];
};

/** A search once for each filter of its type, or once as it is. */
const searchTasks = (inputs: PlanInputs, text: string): readonly SearchTask[] => {
  const filters = (inputs.asked.filters ?? []).map(parseRecordSearch).filter(({ type }) => type === typeOf(text));
  const given = filters.length === 0 ? [{ parameters: [] }] : filters;
  return given.flatMap(({ parameters: filter }) => tasksByEach(inputs, text, filter));
};

/** Those that are read by reference only, unless they were named and something is searched that may refer to them. */
const notSearchedIn = (
  { wanted, asked }: PlanInputs,
  types: readonly string[],
  isAnySearched: boolean,
): readonly string[] => {
  const mayBeReferred = (type: string): boolean => isAnySearched && namedIn(wanted, asked.types).includes(type);
  return types.filter((type) => !isMemberType(type) && wanted.may(type, 'r') && !mayBeReferred(type));
};

/** Whether a filter that was asked for lies within one of these limits, and so leaves nothing out by them. */
const isWithin = (limits: readonly string[], filter: string): boolean => {
  const asked = filter.split('&');
  return limits.some((limit) => limit.split('&').every((parameter) => asked.includes(parameter)));
};

/** The types that have no search without limits. Only the profile knows that the limits of a type leave nothing out. */
const inPartBy = ({ payer, asked }: PlanInputs, searches: readonly string[]): Plan['inPart'] => {
  const { exhaustive = [] } = payer.wholeRecord ?? {};
  const isWhole = (type: string, by: readonly string[]): boolean => {
    const filters = (asked.filters ?? []).filter((text) => typeOf(text) === type).map(limitsOf);
    const isAskedWithin = filters.length > 0 && filters.every((filter) => isWithin(by, filter));
    return by.includes('') || exhaustive.includes(type) || isAskedWithin;
  };
  const found = [...Map.groupBy(searches, typeOf)].map(([type, texts]) => [type, texts.map(limitsOf)] as const);
  return new Map(found.filter(([type, by]) => !isWhole(type, by)));
};

/** Plans searches by type, and lists the types that the scope or R4's searches leave out. */
export const planByType = (inputs: PlanInputs): Plan => {
  const { wanted, asked } = inputs;
  const isAsked = (type: string): boolean => asked.types?.includes(type) ?? true;
  const searches = searchesOf(inputs).filter((text) => isAsked(typeOf(text)));
  const types = [...new Set(searches.map(typeOf))];
  const isCovered = (type: string): boolean => wanted.may(type, isMemberType(type) ? 's' : 'r');
  const covered = searches.filter((text) => isCovered(typeOf(text)));
  // A read by id cannot be filtered.
  const isRead = wanted.may('Patient', 'r') && !isFiltered(asked, 'Patient');
  const readsPatient = types.includes('Patient') && !isCovered('Patient') && isRead;
  const beyond = types.filter(
    (type) => !isCovered(type) && !(type === 'Patient' && readsPatient) && isNamedBeyond(inputs, type),
  );
  const isHalf = (type: string): boolean => wanted.may(type, 'r') || wanted.may(type, 's');
  const isAnySearched = covered.some((text) => isMemberType(typeOf(text)));
  return {
    tasks: covered.flatMap((text) => searchTasks(inputs, text)).map((task) => unlessAbsent(inputs, task)),
    outOfScope: beyond.filter((type) => !isHalf(type)),
    halfInScope: beyond
      .filter(isHalf)
      .map((type) => ({ kind: 'typeOnlyReferred', type, why: isMemberType(type) ? 'scope' : 'scopeOfReads' })),
    notSearched: notSearchedIn(inputs, types, isAnySearched),
    inPart: inPartBy(inputs, covered),
    ...(readsPatient && { readsPatient }),
  };
};

/**
 * The searches after the one for everything: of each type that the payer declares or, if that is not known, that may be a
 * patient's; and of each of a patient's that is named, whatever is declared. A type of which that brought resources is not searched again.
 */
const afterEverything = (inputs: PlanInputs): readonly SearchTask[] => {
  const { types } = inputs.asked;
  // If the payer does not declare Patient, the member's Patient is read by its id.
  const named = [...namedTypes(inputs)].filter((type) => isMemberType(type) && type !== 'Patient');
  return [...new Set([...typesDeclared(inputs), ...named])]
    .filter((type) => types?.includes(type) ?? true)
    .flatMap((type) => tasksByEach(inputs, type))
    .map((task) => Object.assign(unlessAbsent(inputs, task), { unlessCame: true as const }));
};

/**
 * Decides how to read a record: as the payer's profile says, else with `$everything`, else with one search for each
 * type. A request that may return any type needs a scope that covers every type.
 */
export const planReading = (inputs: PlanInputs): Plan => {
  const { payer, wanted, asked } = inputs;
  const { substitute, searches } = payer.wholeRecord ?? {};
  // Neither a filter nor an end can be asked of `$everything`.
  if (!wanted.mayAll('rs') || asked.filters !== undefined || asked.until !== undefined) return planByType(inputs);
  const { types = [] } = asked;
  const whole = (task: SearchTask | undefined, first?: SearchTask): Plan => {
    const tasks = [first, task].filter((one) => one !== undefined);
    const rest = afterEverything(inputs).filter(({ type }) => type !== first?.type);
    const isSearched = (type: string): boolean => rest.some((search) => search.type === type);
    return {
      tasks: [...tasks, ...rest],
      outOfScope: [],
      halfInScope: [],
      notSearched: notSearchedIn(inputs, types, types.some(isMemberType)),
      inPart: inPartBy(inputs, substitute === undefined || isSearched(typeOf(substitute)) ? [] : [substitute]),
    };
  };
  if (substitute !== undefined) {
    const isPatientAsked = asked.types?.includes('Patient') ?? true;
    return whole(
      searchTask(inputs, substitute, { named: everything }),
      isPatientAsked ? searchTask(inputs, 'Patient') : undefined,
    );
  }
  if (searches !== undefined || !payer.everything) return planByType(inputs);
  return whole(everythingTask(inputs));
};
