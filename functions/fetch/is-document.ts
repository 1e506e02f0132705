import type { FhirRequest } from '../shared/fhir/fhir-request.ts';

/**
 * Whether a request reads one Binary: the only kind whose answer may be anything but FHIR JSON
 * (https://hl7.org/fhir/R4/binary.html#rest). A search for Binaries is a Bundle like any other.
 */
export const isDocument = ({ resourceType, interaction }: FhirRequest): boolean =>
  resourceType === 'Binary' && (interaction === 'read' || interaction === 'vread');
