import { patientCompartment } from '../../shared/fhir/patient-compartment.ts';
import { parametersForPatient, typesByPatient } from '../../shared/fhir/search-by-patient.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import { isAt, type FhirBase } from '../../shared/registry/fhir-bases.ts';
import { parametersAbout } from '../reading/about.ts';
import type { Declared } from '../state/state.ts';

/** The parameters that limit a search to one patient, the usual one first. None for a type that is not a patient's. */
export const patientParameters = (type: string): readonly string[] => parametersForPatient(type, parametersAbout(type));

/** The types whose resources are a patient's, so that a search finds them by patient. The others are read by reference. */
export const memberTypes: readonly string[] = typesByPatient();

const member = new Set(memberTypes);

export const isMemberType = (type: string): boolean => member.has(type);

/**
 * The types of which R4 does not require that they say whom they are about (the element has a minimum of 0), though the patient
 * compartment finds them by another element, too (https://hl7.org/fhir/R4/compartmentdefinition-patient.html).
 */
const aboutNobody = new Set(
  'Basic CareTeam Communication CommunicationRequest Composition DocumentManifest DocumentReference Invoice List MedicationDispense Observation QuestionnaireResponse RequestGroup Task'.split(
    ' ',
  ),
);

/** The parameters of the compartment that find what names the member in another element than the one that says whom it is about. */
export const otherParameters = (type: string): readonly string[] => {
  if (!aboutNobody.has(type)) return [];
  const usual = patientParameters(type);
  return parametersForPatient(type, Object.keys(patientCompartment()[type] ?? {})).filter(
    (code) => !usual.includes(code),
  );
};

/** Whether a payer declares that a search of a type can bring Provenances, as US Core has it. Some write a dot. */
const bringsProvenances = ({ searchRevInclude }: JsonObject): boolean =>
  Array.isArray(searchRevInclude) &&
  searchRevInclude.some(
    (one) => typeof one === 'string' && /^(?:\*|Provenance(?:[:.](?:\*|target))?)$/.test(one.trim()),
  );

/** Whether it is known of a type whether the base that has it declares it. */
export const isKnownOf = (declared: Declared | undefined, type: string): declared is Declared =>
  declared !== undefined && (declared.further?.[type] ?? declared.isPart !== true);

/** Whether that is known of each type. */
export const isKnownWhole = (declared: Declared | undefined): declared is Declared =>
  declared !== undefined && declared.isPart !== true && !Object.values(declared.further ?? {}).includes(false);

/** A payer may only name the statements that it adds to (https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.imports). */
const isAddition = ({ imports }: JsonObject): boolean =>
  Array.isArray(imports) ? imports.length > 0 : (imports ?? null) !== null;

/**
 * What a payer declares in its CapabilityStatement (https://hl7.org/fhir/R4/capabilitystatement.html). A type that it
 * declares without a search is searched all the same: many statements say less than the server does.
 * @returns undefined if it is not a server's statement, or lists no types: no server has none
 */
export const declaredBy = (statement: unknown): Declared | undefined => {
  if (!isObject(statement) || statement['resourceType'] !== 'CapabilityStatement') return undefined;
  const resources = objectsIn(statement['rest'])
    .filter(({ mode }) => mode === 'server')
    .flatMap(({ resource }) => objectsIn(resource))
    .filter(({ type }) => typeof type === 'string');
  if (resources.length === 0) return undefined;
  const found = resources.map(({ type, searchParam }) => {
    const names = new Set(objectsIn(searchParam).map(({ name }) => name));
    const [usual, ...others] = patientParameters(String(type));
    return [type, [usual, ...others].find((code) => names.has(code)) ?? usual];
  });
  const others = resources.map(({ type, searchParam }) => {
    const names = new Set(objectsIn(searchParam).map(({ name }) => name));
    return [String(type), otherParameters(String(type)).filter((code) => names.has(code))] as const;
  });
  return {
    types: Object.fromEntries(found.filter(([, code]) => code !== undefined)) as Declared['types'],
    others: Object.fromEntries(others.filter(([, codes]) => codes.length > 0)),
    provenanceOf: resources.filter(bringsProvenances).map(({ type }) => String(type)),
    ...(isAddition(statement) && { isPart: true }),
  };
};

/**
 * Combines what several bases declare: from each base the types that it serves, and every type that the profile names.
 * @param declared what each base declares, in their order; undefined where that could not be read
 * @returns undefined if it is known of none
 */
export const declaredByAll = (
  bases: readonly FhirBase[],
  declared: readonly (Declared | undefined)[],
): Declared | undefined => {
  if (declared.every((one) => one === undefined)) return undefined;
  const typesAt = (base: FhirBase, at: number): Declared['types'] => {
    const own = Object.entries(declared[at]?.types ?? {}).filter(([type]) => isAt(base, type));
    const named = (base.only ?? []).flatMap((type) =>
      patientParameters(type)
        .slice(0, 1)
        .map((code) => [type, code] as const),
    );
    return Object.fromEntries([...named, ...own]);
  };
  const [atFirst, ...further] = bases.map(typesAt);
  const types = Object.assign({}, ...further, atFirst) as Declared['types'];
  const atTheirs = declared.map((one, at) => {
    const isTheirs = (type: string): boolean => isAt(bases[at]!, type) && (type !== 'Patient' || at === 0);
    const others = Object.entries(one?.others ?? {}).filter(([type]) => isTheirs(type));
    return { others: Object.fromEntries(others), provenanceOf: (one?.provenanceOf ?? []).filter(isTheirs) };
  });
  const furtherBases = bases.slice(1).map((base, at) => ({ base, only: base.only ?? [], one: declared[at + 1] }));
  const astray = furtherBases.flatMap(({ base, one }) =>
    Object.keys(one?.types ?? {}).filter((type) => !isAt(base, type)),
  );
  return {
    types,
    ...(!isKnownWhole(declared[0]) && { isPart: true }),
    further: Object.fromEntries(furtherBases.flatMap(({ only, one }) => only.map((type) => [type, isKnownWhole(one)]))),
    others: Object.assign({}, ...atTheirs.map(({ others }) => others)) as Declared['others'],
    provenanceOf: atTheirs.flatMap(({ provenanceOf }) => provenanceOf),
    astray: [...new Set(astray)],
  };
};
