import { parametersForPatient, typesByPatient } from '../../shared/fhir/search-by-patient.ts';
import { isObject, objectsIn } from '../../shared/json-object.ts';
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
 * What a payer declares in its CapabilityStatement (https://hl7.org/fhir/R4/capabilitystatement.html). A type that it
 * declares without a search is searched all the same: many statements say less than the server does.
 * @returns undefined if it is not a server's statement
 */
export const declaredBy = (statement: unknown): Declared | undefined => {
  if (!isObject(statement) || statement['resourceType'] !== 'CapabilityStatement') return undefined;
  const servers = objectsIn(statement['rest']).filter(({ mode }) => mode === 'server');
  if (servers.length === 0) return undefined;
  const found = servers
    .flatMap(({ resource }) => objectsIn(resource))
    .map(({ type, searchParam }) => {
      const names = new Set(objectsIn(searchParam).map(({ name }) => name));
      const [usual, ...others] = typeof type === 'string' ? patientParameters(type) : [];
      return [type, [usual, ...others].find((code) => names.has(code)) ?? usual];
    });
  return Object.fromEntries(found.filter(([, code]) => code !== undefined)) as Declared;
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
  const [first, ...others] = bases.map((base, at): Declared | undefined => {
    const { only = [] } = base;
    const named = only.flatMap((type) =>
      patientParameters(type)
        .slice(0, 1)
        .map((code) => [type, code] as const),
    );
    const own = Object.entries(declared[at] ?? {}).filter(([type]) => isAt(base, type));
    return declared[at] === undefined && only.length === 0 ? undefined : Object.fromEntries([...named, ...own]);
  });
  return first === undefined ? undefined : (Object.assign({}, ...others, first) as Declared);
};
