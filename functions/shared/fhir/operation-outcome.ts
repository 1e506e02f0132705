import { withReference } from '../errors.ts';

/** A FHIR R4 OperationOutcome with one issue: https://hl7.org/fhir/R4/operationoutcome.html */
export interface OperationOutcome {
  readonly resourceType: 'OperationOutcome';
  readonly issue: readonly [
    {
      readonly severity: 'error';
      readonly code: string;
      readonly details: { text: string };
      readonly diagnostics: string;
    },
  ];
}

/**
 * Makes an OperationOutcome.
 * @param code issue type, of https://hl7.org/fhir/R4/valueset-issue-type.html
 * @param message a public sentence; some clients read `diagnostics`, some `details.text`, so it is in both
 * @param reference the request's, for a person to quote; it follows the sentence in `diagnostics`
 */
export const operationOutcome = (code: string, message: string, reference?: string): OperationOutcome => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code, details: { text: message }, diagnostics: withReference(message, reference) }],
});
