import { notSupported } from '../../shared/fhir/refusals.ts';
import { queryPairs, type ApiResponse } from '../../shared/http/api.ts';
import { facadeBase } from '../../shared/registry/urls.ts';
import { sha256 } from '../../shared/store/crypto.ts';
import { preferencesOf } from '../kick-off/find-kick-off.ts';
import { requireAsync } from '../kick-off/kick-off-answers.ts';
import type { Asking } from './asking.ts';
import { checkMatch } from './check-match.ts';
import { readMatchBody } from './read-match-body.ts';
import { startExchange } from './start-exchange.ts';

/**
 * Starts a match: asks a former plan which of these members it knows. Nothing is sent unless each member's Consent permits it.
 * https://hl7.org/fhir/us/davinci-pdex/OperationDefinition-BulkMemberMatch.html
 * @throws GatewayError
 */
export const answerMatch = async (asking: Asking): Promise<ApiResponse> => {
  const { deps, event, context, partner, payer } = asking;
  context.record.interaction = 'match';
  requireAsync(preferencesOf(event), 'a match');
  if (queryPairs(event).length > 0) {
    throw notSupported('A match has no parameters in its URL.', { detail: 'a match with a query' });
  }
  const { text, parameters } = readMatchBody(event);
  const plans = { recipient: partner.exchange.identifiers, source: payer.exchange.identifiers };
  const members = checkMatch(parameters, plans, deps.clock.now());
  return startExchange(asking, {
    input: { kind: 'match', body: text, members },
    about: sha256(text),
    request: `${facadeBase(deps.origin, payer.id)}/Group/$bulk-member-match`,
    ignored: [],
  });
};
