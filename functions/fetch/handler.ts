import { checkPatient } from '../shared/fhir/check-patient.ts';
import { fhirMethods } from '../shared/fhir/refusals.ts';
import { answerIfPreflight } from '../shared/http/cors.ts';
import { startDeadline } from '../shared/http/deadline.ts';
import { authenticate } from '../shared/partner/authenticate.ts';
import { fhirRoute } from '../shared/partner/fhir-route.ts';
import { accessScopeNow } from '../shared/partner/live-grant.ts';
import { takePartnerTurn } from '../shared/partner/rate-limit.ts';
import { checkStillAllowed, watchStops } from '../shared/partner/watch-stops.ts';
import { ensureFreshPayerTokens } from '../shared/payer/refresh-tokens.ts';
import { auditRead } from '../shared/record/audit-read.ts';
import type { Partner } from '../shared/registry/types.ts';
import { facadeBase, payerBases } from '../shared/registry/urls.ts';
import type { Grant } from '../shared/store/grant-item.ts';
import { answerFromPayer } from './answer-from-payer.ts';
import { throughBreaker } from './breaker/breakers.ts';
import { callPayer, isConditional } from './call-payer.ts';
import { checkScopes } from './check-scopes.ts';
import type { FetchDeps } from './deps.ts';
import { answerExchange } from './exchange/answer-exchange.ts';
import { findExchange } from './exchange/find-exchange.ts';
import { holdUntilAudited } from './hold-until-audited.ts';
import { answerKickOff } from './kick-off/answer-kick-off.ts';
import { findKickOff } from './kick-off/find-kick-off.ts';
import { checkReadOnly, readFhirRequest } from './read-request.ts';
import { redirectToDiscovery } from './redirect-to-discovery.ts';
import { ensureLinkKey, hasPages } from './seal-links.ts';

/** The FHIR route: the payer's record, read-only, as a stream (RFC 6750, FHIR R4 http.html). */
export const fetchHandler = (deps: FetchDeps) =>
  fhirRoute(deps, 'fetch').handler(async (event, context) => {
    const { record } = context;
    record.step = record.function;
    const early = answerIfPreflight(event, fhirMethods) ?? redirectToDiscovery(event, deps.origin);
    if (early !== undefined) return early;
    checkReadOnly(event, deps.exchange !== undefined);
    const exchange = findExchange(deps.exchange, event);
    if (exchange !== undefined) return answerExchange(deps, event, context, exchange);
    const kickOff = findKickOff(event);
    const { partner, payer, open, access } = await authenticate(deps, event, record, {
      onPayer: (payerId) => deps.breakers.look(payerId),
    });
    await takePartnerTurn(deps, partner, context);
    if (kickOff !== undefined) return answerKickOff(deps, event, context, kickOff, { partner, payer, open, access });
    const request = readFhirRequest(event, payer, open.grant, record);
    const audit = auditRead(deps, context, open.grant.patient);
    checkScopes(request, access.scope);
    const base = facadeBase(deps.origin, payer.id);
    if (open.grant.patient !== undefined) {
      checkPatient(request, open.grant.patient, [base, ...payerBases(payer)]);
    }
    const linkKey = hasPages(request) ? await ensureLinkKey(deps, open.grant) : undefined;
    const guarded = { payer, grant: open.grant, record };
    const checkScope = (grant: Pick<Grant, 'scope'>, registered: Partner): void =>
      checkScopes(request, accessScopeNow(grant, access, registered));
    const { response, deadline } = await throughBreaker(deps, guarded, async (watch) => {
      const fresh = await ensureFreshPayerTokens(deps, payer, open, record);
      const registered = await checkStillAllowed(deps, partner, payer);
      // The payer may have narrowed its scope with the token.
      checkScope(fresh.grant, registered);
      const budget = startDeadline(context);
      watchStops(deps, { partner, payer, grant: fresh.grant, checkScope }, budget);
      const call = callPayer(deps, event, {
        payer,
        request,
        open: fresh,
        checkScope: ({ grant }) => checkScope(grant, registered),
        base,
        deadline: budget,
        record,
        watch,
      });
      return { deadline: budget, response: await holdUntilAudited(audit.begin(), call, budget) };
    });
    return answerFromPayer(deps, {
      response,
      payer,
      request,
      isConditional: isConditional(event),
      base,
      linkKey,
      deadline,
      record,
      audit,
    });
  });
