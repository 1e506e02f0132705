import type { MiddlewareObj } from '@middy/core';
import type { GatewayError } from '../shared/errors.ts';
import { operationOutcome } from '../shared/fhir/operation-outcome.ts';
import type { ApiEvent, ApiResponse } from '../shared/http/api.ts';
import { json, noStore, oauthError } from '../shared/http/respond.ts';
import { recordError, recordOf, referenceOf } from '../shared/record/request-record.ts';

const issueTypes: Readonly<Partial<Record<GatewayError['code'], string>>> = {
  not_found: 'not-found',
  method_not_allowed: 'not-supported',
};

const outcome = (error: GatewayError, reference: string): ApiResponse =>
  json(error.status, operationOutcome(issueTypes[error.code] ?? 'exception', error.publicMessage, reference), {
    'Content-Type': 'application/fhir+json',
    ...noStore,
    ...error.headers,
  });

/** Errors as the caller understands them: `metadata` speaks FHIR, the rest OAuth. */
export const answerErrors = (): MiddlewareObj<ApiEvent, ApiResponse> => ({
  onError: (request) => {
    const record = recordOf(request.event);
    const error = recordError(record, request.error);
    const answer = /\/metadata\/?$/.test(request.event.resource) ? outcome : oauthError;
    const response = answer(error, referenceOf(record));
    request.response = request.event.httpMethod === 'HEAD' ? { ...response, body: '' } : response;
  },
});
