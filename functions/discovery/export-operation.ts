import type { Payer } from '../shared/registry/types.ts';

/** What servers with exports instantiate: https://hl7.org/fhir/uv/bulkdata/STU2/CapabilityStatement-bulk-data.html */
export const bulkDataStatement = 'http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data';

/** The operation that exports a member's whole record. */
export const exportOperation = {
  name: 'export',
  definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export',
} as const;

/** Whether a payer's records can be exported: its grants must be bound to a patient. */
export const hasExports = ({ patientFrom }: Pick<Payer, 'patientFrom'>): boolean => patientFrom !== 'none';
