import middy from '@middy/core';
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
import type { Deps } from '../deps.ts';
import { fhirError } from '../fhir/operation-outcome.ts';
import { tellRateLimit } from '../partner/rate-limit.ts';
import { auditAnswers } from '../record/audit-read.ts';
import { recordRequest, type FunctionName } from '../record/request-record.ts';
import { answerErrors } from './answer-errors.ts';
import type { ApiEvent, ApiResponse } from './api.ts';
import { corsForPartners } from './cors.ts';
import { endBody } from './stream-answer.ts';

/**
 * What every route of health data has around its handler: a streamed answer, the request's record, the audit, CORS, the
 * partner's rate, and errors as OperationOutcomes.
 */
export const fhirRoute = <Name extends FunctionName>(
  deps: Pick<Deps, 'clock' | 'writeLog' | 'registry' | 'behindEdge'>,
  functionName: Name,
) =>
  middy<ApiEvent, ApiResponse>({
    executionMode: executionModeStreamifyResponse,
    requestEnd: ({ response }: { response?: ApiResponse | null }) => endBody(response?.body),
  })
    .use(recordRequest(deps, functionName))
    .use(auditAnswers)
    .use(corsForPartners(deps.registry))
    .use(tellRateLimit)
    .use(answerErrors(fhirError));
