import { parametersForPatient, typesByPatient } from '../../shared/fhir/search-by-patient.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json-object.ts';
import { isAt, type FhirBase } from '../../shared/registry/fhir-bases.ts';
import { parametersAbout } from '../reading/about.ts';
import type { Declared } from '../state/state.ts';

/** The parameters that limit a search to one patient, the usual one first. None for a type that is not a patient's. */
export const patientParameters = (type: string): readonly string[] => parametersForPatient(type, parametersAbout(type));

/** The types whose resources are a patient's, so that a search finds them by patient. The others are read by reference. */
export const memberTypes: readonly string[] = typesByPatient();

const member = new Set(memberTypes);

export const isMemberType = (type: string): boolean => member.has(type);

/** Whether it is known of each type whether the payer declares it. */
export const isKnownWhole = (declared: Declared | undefined): declared is Declared =>
  declared !== undefined && declared.isPart !== true;

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
  return {
    types: Object.fromEntries(found.filter(([, code]) => code !== undefined)) as Declared['types'],
    ...(isAddition(statement) && { isPart: true }),
  };
};

/**
 * What several bases declare together: of each only the types that are at it, and all that the profile names.
 * @param declared what each base declares, in their order; undefined where that could not be read
 * @returns undefined if it is not known of the first, which has all other types
 */
export const declaredByAll = (
  bases: readonly FhirBase[],
  declared: readonly (Declared | undefined)[],
): Declared | undefined => {
  const [first] = declared;
  if (first === undefined) return undefined;
  const typesAt = (base: FhirBase, at: number): Declared['types'] => {
    const own = Object.entries(declared[at]?.types ?? {}).filter(([type]) => isAt(base, type));
    const named = (base.only ?? []).flatMap((type) =>
      patientParameters(type)
        .slice(0, 1)
        .map((code) => [type, code] as const),
    );
    return Object.fromEntries([...named, ...own]);
  };
  const [atFirst, ...others] = bases.map(typesAt);
  return { ...first, types: Object.assign({}, ...others, atFirst) as Declared['types'] };
};
