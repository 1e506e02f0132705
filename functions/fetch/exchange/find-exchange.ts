import { notAllowed } from '../../shared/fhir/refusals.ts';
import type { ApiEvent } from '../../shared/http/api.ts';
import { presentsSystemToken } from '../../shared/partner/bearer.ts';
import { decodedSegmentsOf } from '../redirect-to-discovery.ts';
import type { ExchangeDeps } from './deps.ts';

/** What a partner's own system asks for, in a stage with exchanges. */
export type Exchange = { readonly own: ExchangeDeps } & (
  | { readonly kind: 'match' }
  | { readonly kind: 'group'; readonly id: string }
  | { readonly kind: 'search' }
  | { readonly kind: 'read'; readonly id: string }
  /** A system token at a path that none opens. */
  | { readonly kind: 'elsewhere' }
);

/** @throws GatewayError 405 */
const findOwn = (own: ExchangeDeps, event: ApiEvent, isSystem: boolean): Exchange | undefined => {
  const [type, second, third, ...more] = decodedSegmentsOf(event);
  if (type !== 'Group' || more.length > 0) return undefined;
  if (second === '$bulk-member-match' && third === undefined) {
    if (event.httpMethod !== 'POST') {
      throw notAllowed('Send the members by POST to Group/$bulk-member-match.', 'POST, OPTIONS');
    }
    return { own, kind: 'match' };
  }
  if (second !== undefined && third === '$davinci-data-export') return { own, kind: 'group', id: second };
  // With a member's token, a Group is part of the payer's record.
  if (third !== undefined || !isSystem) return undefined;
  if (event.httpMethod === 'POST') return second === '_search' ? { own, kind: 'search' } : undefined;
  return second === undefined ? { own, kind: 'search' } : { own, kind: 'read', id: second };
};

/**
 * Finds a request of a partner's own system: a member match, the export of a Group, a look at its own Groups, or a system token where
 * it opens nothing. Undefined if it is none, or if the stage has no exchanges.
 * https://hl7.org/fhir/us/davinci-pdex/payertopayerbulkexchange.html
 * @throws GatewayError 405
 */
export const findExchange = (own: ExchangeDeps | undefined, event: ApiEvent): Exchange | undefined => {
  if (own === undefined) return undefined;
  const isSystem = presentsSystemToken(event);
  return findOwn(own, event, isSystem) ?? (isSystem ? { own, kind: 'elsewhere' } : undefined);
};
