/** An id as it is referred to: some payers write one of digits as a number. Any other value stays as it is. */
export const writtenId = (id: unknown): unknown => (Number.isSafeInteger(id) ? String(id) : id);

/** Whether a value is an id of FHIR that can be a part of a path. https://hl7.org/fhir/R4/datatypes.html#id */
export const isFhirId = (value: unknown): value is string =>
  typeof value === 'string' && /^(?!\.{1,2}$)[A-Za-z0-9.-]{1,64}$/.test(value);

/** A segment of a path that the gateway takes. */
export const segmentForm = /^(?!\.{1,2}$)[A-Za-z0-9._~$*-]{1,128}$/;

/** An id among these. It is lenient: payers have ids that are longer, or of more characters, than FHIR's. Reserved names begin with `_`. */
export const idForm = /^[A-Za-z0-9.~-][A-Za-z0-9._~-]*$/;
