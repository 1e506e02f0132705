import type { FhirRequest } from '../shared/fhir/fhir-request.ts';
import type { LinkKey } from '../shared/fhir/page-link.ts';
import type { Deadline } from '../shared/http/deadline.ts';
import type { PayerResponse } from '../shared/payer/http.ts';
import type { ReadAudit } from '../shared/record/audit-read.ts';
import type { RequestRecord } from '../shared/record/request-record.ts';
import type { Payer } from '../shared/registry/types.ts';

/** A payer's answer and its request. */
export interface PayerAnswer {
  readonly response: PayerResponse;
  readonly payer: Payer;
  readonly request: FhirRequest;
  /** The request has a condition, so that 304 answers it. */
  readonly isConditional: boolean;
  readonly base: string;
  /** The key for page links; undefined if the answer has none. */
  readonly linkKey: LinkKey | undefined;
  readonly deadline: Deadline;
  readonly record: RequestRecord;
  readonly audit: ReadAudit;
}
