import { GatewayError } from '../../shared/errors.ts';
import { fhirAnswer } from '../../shared/fhir/operation-outcome.ts';
import { notSupported } from '../../shared/fhir/refusals.ts';
import { queryPairs, type ApiEvent, type ApiResponse } from '../../shared/http/api.ts';
import { authenticateSystem } from '../../shared/partner/authenticate-system.ts';
import { takePartnerTurn, type RateLimitContext } from '../../shared/partner/rate-limit.ts';
import { auditRead, type AuditContext } from '../../shared/record/audit-read.ts';
import { facadeBase } from '../../shared/registry/urls.ts';
import { sha256 } from '../../shared/store/crypto.ts';
import type { FetchDeps } from '../deps.ts';
import { preferencesOf } from '../kick-off/find-kick-off.ts';
import { kickOffTurns, requireAsync } from '../kick-off/kick-off-answers.ts';
import { answerGroups } from './answer-groups.ts';
import type { Asking } from './asking.ts';
import { checkMatch } from './check-match.ts';
import { exportGroup } from './export-group.ts';
import type { Exchange } from './find-exchange.ts';
import { requireGroup } from './open-group.ts';
import { readMatchBody } from './read-match-body.ts';
import { startExchange } from './start-exchange.ts';

/** Answers with a Group of the partner, as the match passed it on. @throws GatewayError */
const answerGroup = async (asking: Asking, id: string): Promise<ApiResponse> => {
  asking.context.record.interaction = 'read Group';
  const { head, body } = await requireGroup(asking, id);
  asking.context.record.exchange = head.exportId;
  await auditRead(asking.deps, asking.context, undefined).begin();
  return fhirAnswer(200, body.resource);
};

/**
 * Starts a match: asks a former plan which of these members it knows. Nothing is sent unless each member's Consent permits it.
 * https://hl7.org/fhir/us/davinci-pdex/OperationDefinition-BulkMemberMatch.html
 * @throws GatewayError
 */
const answerMatch = async (asking: Asking): Promise<ApiResponse> => {
  const { deps, event, context, partner, payer } = asking;
  context.record.interaction = 'match';
  requireAsync(preferencesOf(event), 'a match');
  if (queryPairs(event).length > 0) {
    throw notSupported('A match has no parameters in its URL.', { detail: 'a match with a query' });
  }
  // Before its body is looked at: to check one of 4 MB takes a second or two.
  await takePartnerTurn(deps, partner, context, kickOffTurns);
  const { text, parameters } = readMatchBody(event);
  const plans = { recipient: partner.exchange.identifiers, source: payer.exchange.identifiers };
  const members = checkMatch(parameters, plans, deps.clock.now());
  return startExchange(asking, {
    input: { kind: 'match', body: text, members },
    about: sha256(text),
    url: `${facadeBase(deps.origin, payer.id)}/Group/$bulk-member-match`,
  });
};

const onlyGroups =
  'A system token opens Group/$bulk-member-match, Group/{id}/$davinci-data-export, Group and Group/{id}, and nothing else here.';

/** Answers a request of a partner's own system. @throws GatewayError */
export const answerExchange = async (
  shared: FetchDeps,
  event: ApiEvent,
  context: AuditContext & RateLimitContext,
  exchange: Exchange,
): Promise<ApiResponse> => {
  const deps = { ...shared, ...exchange.own };
  const asking: Asking = { deps, event, context, ...(await authenticateSystem(deps, event, context.record)) };
  await takePartnerTurn(deps, asking.partner, context);
  switch (exchange.kind) {
    case 'match':
      return answerMatch(asking);
    case 'group':
      return exportGroup(asking, exchange.id);
    case 'search':
      return answerGroups(asking);
    case 'read':
      return answerGroup(asking, exchange.id);
    case 'elsewhere':
      // The token is valid, so another would not help (RFC 6750 §3.1).
      throw new GatewayError('insufficient_scope', onlyGroups);
  }
};
