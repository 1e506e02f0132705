/** An error that the API answers with an OperationOutcome. `code` is a FHIR issue type. */
export class FhirError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'FhirError';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export const badRequest = (message: string): FhirError => new FhirError(400, 'invalid', message);
export const unsupported = (message: string): FhirError => new FhirError(400, 'not-supported', message);
export const notFound = (message: string): FhirError => new FhirError(404, 'not-found', message);

export const operationOutcome = (code: string, diagnostics: string): string => {
  return JSON.stringify({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, diagnostics }] });
};
