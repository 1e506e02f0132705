import type { GatewayError } from '../errors.ts';
import type { ApiEvent, ApiResponse } from '../http/api.ts';
import { recordError, referenceOf, type Middleware, type RequestRecord } from './request-record.ts';

/**
 * Notes an error in the record, and answers it.
 * @param tell renders it in the caller's format, with a reference that a person can quote
 */
export const answerError = (
  record: RequestRecord,
  error: unknown,
  tell: (error: GatewayError, reference: string) => ApiResponse,
): ApiResponse => tell(recordError(record, error), referenceOf(record));

/** Answers anything that a handler throws, as {@link answerError} does. */
export const answerErrors = (
  tell: (error: GatewayError, reference: string, event: ApiEvent) => ApiResponse,
): Middleware => ({
  onError: (request) => {
    const { context, error, event } = request;
    request.response = answerError(context.record, error, (known, reference) => tell(known, reference, event));
  },
});
