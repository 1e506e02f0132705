import type { MiddlewareObj } from '@middy/core';
import { GatewayError, type ErrorCode } from '../shared/errors.ts';
import { FhirRequestError } from '../shared/fhir/fhir-request.ts';
import { operationOutcome } from '../shared/fhir/operation-outcome.ts';
import type { ApiEvent, ApiResponse } from '../shared/http/api.ts';
import { recordError, recordOf, referenceOf, type RequestRecord } from '../shared/record/request-record.ts';

/** FHIR's issue types (R4 valueset-issue-type) of our error codes. */
const issueTypes: Partial<Record<ErrorCode, string>> = {
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
};

/** RFC 6750 §3: what a client reads of a 401 or 403. */
const challenge = ({ code, publicMessage }: GatewayError): Record<string, string> =>
  code === 'invalid_token' || code === 'insufficient_scope'
    ? { 'WWW-Authenticate': `Bearer error="${code}", error_description="${publicMessage.replaceAll(/["\\]/g, '')}"` }
    : {};

/** The codes of refusals whose status says more than that the request is wrong. */
const codesByStatus: Readonly<Partial<Record<number, ErrorCode>>> = { 403: 'access_denied', 405: 'method_not_allowed' };

const fromFhir = (error: FhirRequestError): GatewayError =>
  new GatewayError(
    error.insufficientScope ? 'insufficient_scope' : (codesByStatus[error.status] ?? 'invalid_request'),
    error.publicMessage,
    {
      status: error.status,
      ...(error.detail === undefined ? {} : { detail: error.detail }),
      ...(error.status === 405 ? { headers: { Allow: 'GET, POST, OPTIONS' } } : {}),
    },
  );

/** A refusal's OperationOutcome as an answer. */
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
export const outcomeAnswer = (status: number, issueType: string, message: string, record: RequestRecord): ApiResponse =>
  fhirAnswer(status, JSON.stringify(operationOutcome(issueType, message, referenceOf(record))));

/** Turns every failure of the FHIR route into an OperationOutcome. */
export const answerErrors: MiddlewareObj<ApiEvent, ApiResponse> = {
  onError: (request) => {
    const thrown: unknown = request.error;
    const isFhir = thrown instanceof FhirRequestError;
    const record = recordOf(request.event);
    const error = recordError(record, isFhir ? fromFhir(thrown) : thrown);
    const issueType = isFhir ? thrown.code : (issueTypes[error.code] ?? 'processing');
    const answer = outcomeAnswer(error.status, issueType, error.publicMessage, record);
    Object.assign(answer.headers, challenge(error), error.headers);
    if (error.retryAfterSeconds !== undefined) answer.headers['Retry-After'] = String(error.retryAfterSeconds);
    request.response = answer;
  },
};
