import { bothInOrder } from '../shared/both-in-order.ts';
import type { Deps } from '../shared/deps.ts';
import { GatewayError } from '../shared/errors.ts';
import type { RequestParameters } from '../shared/http/api.ts';
import { trustRedirectUri, type PartnerReturn } from '../shared/partner/redirect-uri.ts';
import type { RequestRecord } from '../shared/record/request-record.ts';
import { checkNotBlocked, requirePayer } from '../shared/registry/require-payer.ts';
import type { Partner, Payer } from '../shared/registry/types.ts';
import { facadeBase } from '../shared/registry/urls.ts';

/** Characters. A longer one may not fit into a request's headers. */
export const longestState = 2048;

/** Who asks, for which payer, and where the browser may be sent back. */
export interface CheckedClient {
  readonly payer: Payer;
  readonly partner: Partner;
  readonly returnTo: PartnerReturn;
}

/**
 * Checks payer, client and redirect URI. Until all three are known, no redirect is trusted (RFC 6749 §4.1.2.1). A paused
 * payer passes, since the partner is told of the pause by redirect.
 * @param record gets the partner that the request names, so that a refusal's log line has it
 * @throws GatewayError `invalid_request` or `unauthorized_client`, shown as a page
 */
export const checkClient = async (
  { registry, origin }: Pick<Deps, 'registry' | 'origin'>,
  payerId: string,
  { values, repeated }: RequestParameters,
  record: Pick<RequestRecord, 'partner'>,
): Promise<CheckedClient> => {
  const [payer, partner] = await bothInOrder(
    requirePayer(registry, payerId, { code: 'invalid_request', evenIfPaused: true }),
    registry.partner(values.get('client_id') ?? '', { evenIfBlocked: true }),
  );
  if (repeated.has('client_id') || repeated.has('redirect_uri')) {
    throw new GatewayError('invalid_request', 'The app sent its name or its address twice.');
  }
  if (partner === undefined) {
    throw new GatewayError('invalid_request', 'The app that sent you here is not registered (client_id).');
  }
  record.partner = partner.clientId;
  await checkNotBlocked(registry, partner.clientId);
  const redirectUri = trustRedirectUri(values.get('redirect_uri') ?? '', partner);
  if (redirectUri === undefined) {
    throw new GatewayError(
      'invalid_request',
      'The app that sent you here gave an address to return to that is not registered (redirect_uri).',
    );
  }
  const sent = repeated.has('state') ? undefined : values.get('state');
  // A state that is too long would break the redirect that reports it.
  const state = sent !== undefined && sent.length > longestState ? undefined : sent;
  return { payer, partner, returnTo: { redirectUri, state, iss: facadeBase(origin, payer.id) } };
};
