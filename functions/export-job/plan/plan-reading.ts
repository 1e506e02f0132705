import type { Parameter } from '../../shared/fhir/fhir-request.ts';
import { parseRecordSearch, readRecordSearch, type RecordSearch } from '../../shared/fhir/record-search.ts';
import { isSearchParameter } from '../../shared/fhir/search-targets.ts';
import { payerUrl } from '../../shared/fhir/to-payer-url.ts';
import type { Payer } from '../../shared/registry/types.ts';
import type { Export } from '../../shared/store/export-item.ts';
import type { Problem } from '../reading/problems.ts';
import { everything, type SearchTask } from '../state/state.ts';
import type { Wanted } from './wanted.ts';

/**
 * The types to search if a payer's profile does not list any: those of US Core and CARIN Blue Button that are about a
 * patient. Practitioners, organizations and the like are read by reference.
 */
export const usualTypes: readonly string[] =
  'Patient AllergyIntolerance CarePlan CareTeam Condition Coverage Device DiagnosticReport DocumentReference Encounter ExplanationOfBenefit Goal Immunization MedicationDispense MedicationRequest Observation Procedure QuestionnaireResponse RelatedPerson ServiceRequest Specimen'.split(
    ' ',
  );

/** The parameter that limits a search to one patient; undefined if R4 has none for the type. */
const patientParameter = (type: string, patient: string): Parameter | undefined => {
  if (type === 'Patient') return ['_id', patient];
  if (isSearchParameter(type, 'patient')) return ['patient', patient];
  return isSearchParameter(type, 'subject') ? ['subject', `Patient/${patient}`] : undefined;
};

export interface PlanInputs {
  readonly payer: Payer;
  readonly wanted: Wanted;
  readonly asked: Pick<Export, 'patient' | 'types' | 'since'>;
}

/** The searches to run, and the types that none of them reads. */
export interface Plan {
  readonly tasks: readonly SearchTask[];
  readonly outOfScope: readonly string[];
  /** The types that were asked for, that the scope lets the job read, and that no search of a patient's finds. */
  readonly notSearched: readonly string[];
}

/** The problems to report about a plan. @param options.narrowed whether the scope covered more at the kick-off */
export const problemsOf = (
  { outOfScope, notSearched }: Plan,
  { narrowed }: { readonly narrowed?: true } = {},
): readonly Problem[] => [
  ...outOfScope.map((type) => ({ kind: 'typeOutOfScope', type, ...(narrowed && { narrowed }) }) as const),
  ...notSearched.map((type) => ({ kind: 'typeNotSearched', type }) as const),
];

type Path = readonly string[];

const taskOf = ({ payer }: PlanInputs, type: string, segments: Path, query: readonly Parameter[]): SearchTask => {
  const base = payer.fhirBaseUrl.replace(/\/+$/, '');
  const { url } = payerUrl(
    base,
    { interaction: 'search-type', method: 'GET', searched: [], types: [], segments, query },
    { gatewayBase: base },
  );
  const rest = url.slice(base.length);
  return { kind: 'search', type, rest, page: 1, matched: 0, stale: 0, tries: 0, waits: 0, refusals: 0 };
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

const searchTask = (inputs: PlanInputs, text: string, named?: string): SearchTask | undefined => {
  const search = withinScope(parseRecordSearch(text), text, inputs);
  const { patient, since } = inputs.asked;
  const ofPatient = patientParameter(search.type, patient);
  if (ofPatient === undefined) return undefined;
  const query: Parameter[] = [
    ofPatient,
    ...search.parameters,
    ...(since === undefined ? [] : [['_lastUpdated', `ge${since}`] as const]),
    ...pageSizeOf(inputs),
  ];
  return taskOf(inputs, named ?? search.type, [search.type], query);
};

/**
 * The searches by type: the profile's or the usual ones, Patient, and any other types that were asked for. Without such a
 * list, the types that the scope names are asked for, if a search finds them by patient.
 */
const searchesOf = ({ payer, wanted, asked }: PlanInputs): string[] => {
  const known = payer.wholeRecord?.searches ?? usualTypes;
  const types = new Set(known.map((text) => parseRecordSearch(text).type));
  const named = wanted.named.filter((type) => patientParameter(type, asked.patient) !== undefined);
  return [
    ...(types.has('Patient') ? [] : ['Patient']),
    ...known,
    ...(asked.types ?? named).filter((type) => !types.has(type)),
  ];
};

/** Plans searches by type, and lists the types that the scope or R4's searches leave out. */
export const planByType = (inputs: PlanInputs): Plan => {
  const { wanted, asked } = inputs;
  const isAsked = (type: string): boolean => asked.types?.includes(type) ?? true;
  const searches = searchesOf(inputs).filter((text) => isAsked(parseRecordSearch(text).type));
  const typeOf = (text: string): string => parseRecordSearch(text).type;
  const isSearched = (type: string): boolean => patientParameter(type, asked.patient) !== undefined;
  const types = [...new Set(searches.map(typeOf))];
  const isCovered = (type: string): boolean => wanted.may(type, isSearched(type) ? 's' : 'r');
  return {
    tasks: searches.filter((text) => isCovered(typeOf(text))).flatMap((text) => searchTask(inputs, text) ?? []),
    outOfScope: types.filter((type) => !isCovered(type)),
    notSearched: types.filter((type) => isCovered(type) && !isSearched(type)),
  };
};

/**
 * Decides how to read a record: as the payer's profile says, else with `$everything`, else with one search for each
 * type. A request that may return any type needs a scope that covers every type.
 */
export const planReading = (inputs: PlanInputs): Plan => {
  const { payer, wanted, asked } = inputs;
  const { substitute, searches } = payer.wholeRecord ?? {};
  if (!wanted.mayAll('rs')) return planByType(inputs);
  if (substitute !== undefined) {
    const whole = searchTask(inputs, substitute, everything);
    const patient = (asked.types?.includes('Patient') ?? true) ? searchTask(inputs, 'Patient') : undefined;
    return { tasks: [patient, whole].filter((task) => task !== undefined), outOfScope: [], notSearched: [] };
  }
  if (searches !== undefined || !payer.everything) return planByType(inputs);
  return { tasks: [everythingTask(inputs)], outOfScope: [], notSearched: [] };
};
