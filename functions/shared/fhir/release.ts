/**
 * Whether a version of FHIR is R4: `4.0`, `4.0.0` and `4.0.1` are its codes (https://hl7.org/fhir/R5/codesystem-FHIR-version.html). 4.1 and
 * 4.3 are R4B, which has other resources.
 */
export const isR4 = (version: unknown): version is string =>
  typeof version === 'string' && /^4\.0(?:\.\d+)?$/.test(version);
