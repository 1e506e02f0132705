import { GatewayError } from '../../shared/errors.ts';
import type { ApiEvent, ApiResponse } from '../../shared/http/api.ts';
import { authenticateSystem } from '../../shared/partner/authenticate-system.ts';
import { takePartnerTurn, type RateLimitContext } from '../../shared/partner/rate-limit.ts';
import type { AuditContext } from '../../shared/record/audit-read.ts';
import type { FetchDeps } from '../deps.ts';
import { answerGroup } from './answer-group.ts';
import { answerGroups } from './answer-groups.ts';
import { answerMatch } from './answer-match.ts';
import type { Asking } from './asking.ts';
import { exportGroup } from './export-group.ts';
import type { Exchange } from './find-exchange.ts';

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
