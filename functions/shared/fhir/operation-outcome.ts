import {
  errorHeaders,
  withReference,
  type ErrorCode,
  type GatewayError,
  type IssueType,
  type Mistake,
} from '../errors.ts';
import type { ApiResponse } from '../http/api.ts';
import { readOn, withReadOn } from '../http/read-on.ts';

/** A FHIR R4 OperationOutcome with one issue, and what else is wrong: https://hl7.org/fhir/R4/operationoutcome.html */
export interface OperationOutcome {
  readonly resourceType: 'OperationOutcome';
  readonly issue: readonly [
    {
      readonly severity: 'error';
      readonly code: string;
      readonly details: { text: string };
      readonly diagnostics: string;
    },
    ...{
      readonly severity: 'error';
      readonly code: string;
      readonly details: { text: string };
      readonly diagnostics: string;
      readonly expression: readonly string[];
    }[],
  ];
}

/**
 * Makes an OperationOutcome.
 * @param code issue type, of https://hl7.org/fhir/R4/valueset-issue-type.html
 * @param message a public sentence; some clients read `diagnostics`, some `details.text`, so it is in both
 * @param diagnostics the sentence with what a person needs to find the cause, such as the request's reference
 * @param mistakes each becomes an issue after that one
 */
export const operationOutcome = (
  code: string,
  message: string,
  diagnostics = message,
  mistakes: readonly Mistake[] = [],
): OperationOutcome => ({
  resourceType: 'OperationOutcome',
  issue: [
    { severity: 'error', code, details: { text: message }, diagnostics },
    ...mistakes.map((mistake) => ({
      severity: 'error' as const,
      code: mistake.code,
      details: { text: mistake.message },
      diagnostics: mistake.message,
      expression: [mistake.expression],
    })),
  ],
});

/** The issue type of each code that the FHIR route and discovery use. */
const issueTypes: Readonly<Partial<Record<ErrorCode, IssueType>>> = {
  access_denied: 'forbidden',
  answer_too_large: 'too-costly',
  insufficient_scope: 'forbidden',
  invalid_request: 'invalid',
  invalid_token: 'login',
  method_not_allowed: 'not-supported',
  not_found: 'not-found',
  payer_error: 'exception',
  payer_timeout: 'timeout',
  reconnect: 'forbidden',
  server_error: 'exception',
  temporarily_unavailable: 'transient',
  too_many_requests: 'throttled',
  unauthorized_client: 'forbidden',
};

/** The issue type of an error: its own, or its code's. */
export const issueTypeOf = ({ code, issueType }: GatewayError): IssueType =>
  issueType ?? issueTypes[code] ?? 'processing';

/** RFC 6750 §3: the header that tells a client why it got a 401 or 403. */
const challenge = ({ code, publicMessage }: GatewayError): Record<string, string> =>
  code === 'invalid_token' || code === 'insufficient_scope'
    ? { 'WWW-Authenticate': `Bearer error="${code}", error_description="${publicMessage.replaceAll(/["\\]/g, '')}"` }
    : {};

/** An OperationOutcome, a payer's or ours, as an answer. */
export const fhirAnswer = (statusCode: number, body: string): ApiResponse => ({
  statusCode,
  headers: {
    'Content-Type': 'application/fhir+json; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  },
  body,
});

/** An OperationOutcome of ours as an answer. */
export const outcomeAnswer = (status: number, code: IssueType, message: string, reference: string): ApiResponse =>
  fhirAnswer(status, JSON.stringify(operationOutcome(code, message, withReference(message, reference))));

/** Renders an error as an OperationOutcome. */
export const fhirError = (error: GatewayError, reference: string): ApiResponse => {
  const { status, publicMessage } = error;
  const diagnostics = withReadOn(publicMessage, reference, readOn('fhir', error, status));
  const answer = fhirAnswer(
    status,
    JSON.stringify(operationOutcome(issueTypeOf(error), publicMessage, diagnostics, error.mistakes)),
  );
  return { ...answer, headers: { ...answer.headers, ...challenge(error), ...errorHeaders(error) } };
};
