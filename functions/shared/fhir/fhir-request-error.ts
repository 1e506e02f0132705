/** Issue types (https://hl7.org/fhir/R4/valueset-issue-type.html) that a refused FHIR request may carry. */
export type RefusalCode = 'invalid' | 'not-supported' | 'forbidden';

/** A FHIR request that the gateway refuses before the payer is asked. */
export class FhirRequestError extends Error {
  override readonly name = 'FhirRequestError';
  readonly status: 400 | 403 | 404 | 405 | 406;
  /** Issue type of the OperationOutcome. */
  readonly code: RefusalCode;
  /** May be shown to the caller. Of the request it quotes at most the name of a parameter, made short and safe. */
  readonly publicMessage: string;
  /** What the log says instead, where the message quotes something. */
  readonly detail: string | undefined;
  /** Whether the answer's challenge says `insufficient_scope` (RFC 6750 §3.1). */
  readonly insufficientScope: boolean;

  constructor(
    status: FhirRequestError['status'],
    code: RefusalCode,
    publicMessage: string,
    { insufficientScope = false, detail }: { insufficientScope?: boolean; detail?: string } = {},
  ) {
    super(publicMessage);
    this.status = status;
    this.code = code;
    this.publicMessage = publicMessage;
    this.detail = detail;
    this.insufficientScope = insufficientScope;
  }
}
