/** Whether a value is an id of FHIR that can be a part of a path. https://hl7.org/fhir/R4/datatypes.html#id */
export const isFhirId = (value: unknown): value is string =>
  typeof value === 'string' && /^(?!\.{1,2}$)[A-Za-z0-9.-]{1,64}$/.test(value);
