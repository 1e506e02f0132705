import middy from '@middy/core';
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
import { fhirError } from '../fhir/operation-outcome.ts';
import type { ApiEvent, ApiResponse } from '../http/api.ts';
import { corsForPartners } from '../http/cors.ts';
import { answerErrors } from '../record/answer-errors.ts';
import { auditAnswers } from '../record/audit-read.ts';
import { recordRequest, type FunctionName, type RecordDeps } from '../record/request-record.ts';
import { endBody } from '../record/stream-answer.ts';
import { tellRateLimit } from './rate-limit.ts';

/**
 * What every route of health data has around its handler: a streamed answer, the request's record, the audit, CORS, the
 * partner's rate, and errors as OperationOutcomes.
 */
export const fhirRoute = <Name extends FunctionName>(deps: RecordDeps, functionName: Name) =>
  middy<ApiEvent, ApiResponse>({
    executionMode: executionModeStreamifyResponse,
    requestEnd: ({ response }: { response?: ApiResponse | null }) => endBody(response?.body),
  })
    .use(recordRequest(deps, functionName))
    .use(auditAnswers)
    .use(corsForPartners(deps.registry))
    .use(tellRateLimit)
    .use(answerErrors(fhirError));
