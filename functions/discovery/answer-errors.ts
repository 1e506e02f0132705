import type { MiddlewareObj } from '@middy/core';
import type { GatewayError } from '../shared/errors.ts';
import { operationOutcome } from '../shared/fhir/operation-outcome.ts';
import type { ApiEvent, ApiResponse } from '../shared/http/api.ts';
import { json, noStore, oauthError } from '../shared/http/respond.ts';
import { recordError, recordOf } from '../shared/request-record.ts';

const issueTypes: Readonly<Partial<Record<GatewayError['code'], string>>> = {
  not_found: 'not-found',
  method_not_allowed: 'not-supported',
};

const outcome = (error: GatewayError): ApiResponse =>
  json(error.status, operationOutcome(issueTypes[error.code] ?? 'exception', error.publicMessage), {
    'Content-Type': 'application/fhir+json',
    ...noStore,
    ...error.headers,
  });

/** Errors as the caller understands them: `metadata` speaks FHIR, the rest OAuth. */
export const answerErrors = (): MiddlewareObj<ApiEvent, ApiResponse> => ({
  onError: (request) => {
    const error = recordError(recordOf(request.event), request.error);
    const response = /\/metadata\/?$/.test(request.event.resource) ? outcome(error) : oauthError(error);
    request.response = request.event.httpMethod === 'HEAD' ? { ...response, body: '' } : response;
  },
});
