import middy from '@middy/core';
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
import { checkPatient } from '../shared/fhir/check-patient.ts';
import { fhirError } from '../shared/fhir/operation-outcome.ts';
import { fhirMethods } from '../shared/fhir/refusals.ts';
import { answerErrors } from '../shared/http/answer-errors.ts';
import type { ApiEvent, ApiResponse } from '../shared/http/api.ts';
import { answerIfPreflight, corsForPartners } from '../shared/http/cors.ts';
import { ensureFreshPayerTokens } from '../shared/payer/refresh-tokens.ts';
import { recordRequest } from '../shared/record/request-record.ts';
import { facadeBase, payerBases } from '../shared/registry/urls.ts';
import { answerFromPayer } from './answer-from-payer.ts';
import { auditAnswers, auditRead } from './audit-read.ts';
import { authenticate } from './authenticate.ts';
import { throughBreaker } from './breaker/through-breaker.ts';
import { callPayer } from './call-payer.ts';
import { checkScopes } from './check-scopes.ts';
import type { FetchDeps } from './deps.ts';
import { passGate, startDeadline } from './gate.ts';
import { ensureLinkKey } from './link-sealing-key.ts';
import { takePartnerTurn, tellRateLimit } from './rate-limit.ts';
import { checkReadOnly, readFhirRequest } from './read-request.ts';
import { redirectToDiscovery } from './redirect-to-discovery.ts';
import { hasPages } from './seal-links.ts';
import { endBody } from './stream-body.ts';
import { checkStillAllowed, watchStops } from './watch-stops.ts';

/** The FHIR route: the payer's record, read-only, as a stream (RFC 6750, FHIR R4 http.html). */
export const fetchHandler = (deps: FetchDeps) =>
  middy<ApiEvent, ApiResponse>({
    executionMode: executionModeStreamifyResponse,
    requestEnd: ({ response }: { response?: ApiResponse | null }) => endBody(response?.body),
  })
    .use(recordRequest(deps, 'fetch'))
    .use(auditAnswers)
    .use(corsForPartners(deps.registry))
    .use(tellRateLimit)
    .use(answerErrors(fhirError))
    .handler(async (event, context) => {
      const { record } = context;
      record.step = record.function;
      const early = answerIfPreflight(event, fhirMethods) ?? redirectToDiscovery(event, deps.origin);
      if (early !== undefined) return early;
      checkReadOnly(event);
      const { partner, payer, open, access } = await authenticate(deps, event, record);
      await takePartnerTurn(deps, partner, context);
      const request = readFhirRequest(event, payer, open.grant, record);
      const audit = auditRead(deps, context, open.grant.patient);
      checkScopes(request, access.scope);
      const base = facadeBase(deps.origin, payer.id);
      if (open.grant.patient !== undefined) {
        checkPatient(request, open.grant.patient, [base, ...payerBases(payer)]);
      }
      const linkKey = hasPages(request) ? await ensureLinkKey(deps, open.grant) : undefined;
      const guarded = { payer, grant: open.grant, record };
      const { response, deadline } = await throughBreaker(deps, guarded, async (watch) => {
        const fresh = await ensureFreshPayerTokens(deps, payer, open, record);
        await checkStillAllowed(deps, partner, payer);
        const budget = startDeadline(context);
        watchStops(deps, partner, payer, budget);
        const call = callPayer(deps, event, { payer, request, open: fresh, base, deadline: budget, record, watch });
        return { deadline: budget, response: await passGate(audit.begin(), call, budget) };
      });
      return answerFromPayer(deps, { response, payer, request, base, linkKey, deadline, record, audit });
    });
