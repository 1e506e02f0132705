/** A FHIR R4 OperationOutcome with one issue: https://hl7.org/fhir/R4/operationoutcome.html */
export type OperationOutcome = {
  readonly resourceType: 'OperationOutcome';
  readonly issue: readonly [
    {
      readonly severity: IssueSeverity;
      readonly code: string;
      readonly details: { text: string };
      readonly diagnostics: string;
    },
  ];
};

export type IssueSeverity = 'fatal' | 'error' | 'warning' | 'information';

/**
 * Makes an OperationOutcome.
 * @param code issue type, of https://hl7.org/fhir/R4/valueset-issue-type.html
 * @param message a public sentence; some clients read `diagnostics`, some `details.text`, so it is in both
 */
export const operationOutcome = (
  code: string,
  message: string,
  severity: IssueSeverity = 'error',
): OperationOutcome => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity, code, details: { text: message }, diagnostics: message }],
});
