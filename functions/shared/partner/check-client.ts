import { GatewayError } from '../errors.ts';
import type { RequestParameters } from '../http/api.ts';
import type { RequestRecord } from '../record/request-record.ts';
import type { Registry } from '../registry/registry.ts';
import { checkNotBlocked, unknownPayer } from '../registry/require-payer.ts';
import type { Partner, Payer } from '../registry/types.ts';
import { facadeBase } from '../registry/urls.ts';
import { bothInOrder } from './both-in-order.ts';
import { trustRedirectUri, type PartnerReturn, type TrustedRedirectUri } from './redirect-uri.ts';

/** Characters. A longer one may not fit into a request's headers. */
export const longestState = 2048;

/** For the app's developer. What was sent is not repeated, since it may be anything. */
const noSuchPayer =
  'The last part of the path is no id of a health plan here. Letter case counts; GET /brands lists the ids.';

/** Who asks, for which payer, and where the browser may be sent back. */
export interface CheckedClient {
  readonly payer: Payer;
  readonly partner: Partner;
  readonly returnTo: PartnerReturn;
}

/** An app, and where the browser may be sent back. */
export interface CheckedApp {
  readonly partner: Partner;
  readonly redirectUri: TrustedRedirectUri;
}

/**
 * Checks the client and the redirect URI of an authorize request. Until both are known, no redirect is trusted (RFC 6749
 * §4.1.2.1).
 * @param partner the client that the request names, even if it is blocked
 * @param record gets the partner, so that a refusal's log line has it
 * @throws GatewayError `invalid_request` or `unauthorized_client`, shown as a page
 */
export const checkApp = async (
  registry: Registry,
  partner: Partner | undefined,
  { values, repeated }: RequestParameters,
  record: Pick<RequestRecord, 'partner'>,
): Promise<CheckedApp> => {
  for (const name of ['client_id', 'redirect_uri']) {
    if (repeated.has(name))
      throw new GatewayError('invalid_request', `The app that sent you here gave its ${name} more than once.`);
  }
  if (partner === undefined) {
    const sentence = values.has('client_id')
      ? 'The app that sent you here is not registered (client_id).'
      : 'client_id is missing.';
    throw new GatewayError('invalid_request', sentence, { page: 'unknownApp' });
  }
  record.partner = partner.clientId;
  await checkNotBlocked(registry, partner.clientId);
  const redirectUri = trustRedirectUri(values.get('redirect_uri') ?? '', partner);
  if (redirectUri === undefined) {
    const sentence = values.has('redirect_uri')
      ? 'The app that sent you here gave an address to return to that is not registered (redirect_uri).'
      : 'redirect_uri is missing.';
    throw new GatewayError('invalid_request', sentence, { page: 'unregisteredReturn', backTo: partner });
  }
  return { partner, redirectUri };
};

/**
 * Checks payer, client and redirect URI. A paused payer passes, since the partner is told of the pause by redirect.
 * @throws GatewayError `invalid_request` or `unauthorized_client`, shown as a page
 */
export const checkClient = async (
  { registry, origin }: { readonly registry: Registry; readonly origin: string },
  payerId: string,
  request: RequestParameters,
  record: Pick<RequestRecord, 'partner'>,
): Promise<CheckedClient> => {
  const { values, repeated } = request;
  const [payer, named] = await bothInOrder(
    registry.payer(payerId, { evenIfPaused: true }),
    registry.partner(values.get('client_id') ?? '', { evenIfBlocked: true }),
  );
  if (payer === undefined) throw unknownPayer({ code: 'invalid_request', publicMessage: noSuchPayer, backTo: named });
  const { partner, redirectUri } = await checkApp(registry, named, request, record);
  const sent = repeated.has('state') ? undefined : values.get('state');
  // A state that is too long would break the redirect that reports it.
  const state = sent !== undefined && sent.length > longestState ? undefined : sent;
  return { payer, partner, returnTo: { redirectUri, state, iss: facadeBase(origin, payer.id) } };
};
