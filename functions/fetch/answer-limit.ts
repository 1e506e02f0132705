import { GatewayError } from '../shared/errors.ts';
import type { PayerResponse } from '../shared/payer/http.ts';

/** Bytes before the body, for API Gateway: status and headers. */
const preludeBytes = 64 * 1024;

/**
 * Lambda streams 200 MB of an answer and then ends it (AWS Lambda Developer Guide, "Response streaming for Lambda
 * functions"), which a caller cannot tell from a payer that broke off. We end it ourselves, just before.
 */
export const mostStreamedBytes = 200 * 1024 * 1024 - preludeBytes;

/** How many bytes a body will have, if its headers say so; else 0. */
export const declaredBytes = ({ headers }: PayerResponse): number => {
  const length = headers.get('content-length') ?? '';
  return headers.get('content-encoding') === null && /^\d+$/.test(length) ? Number(length) : 0;
};

/** Makes the error for an answer that is too large to pass on. A retry would fail the same way. */
export const tooLarge = (): GatewayError =>
  new GatewayError(
    'answer_too_large',
    'The answer is larger than 200 MB, the most that the gateway can pass on. Ask for less at once: one resource type, or a smaller _count.',
    { detail: 'over the limit of a streamed answer', signal: 'answerTooLarge' },
  );
