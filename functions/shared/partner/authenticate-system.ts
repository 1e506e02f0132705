import { nowSeconds, type Clock } from '../clock.ts';
import { payerOf, type ApiEvent } from '../http/api.ts';
import type { RequestRecord } from '../record/request-record.ts';
import { mayReadFrom } from '../registry/profile.ts';
import type { Registry } from '../registry/registry.ts';
import { requirePayer } from '../registry/require-payer.ts';
import type { Partner, Payer } from '../registry/types.ts';
import { readSystemToken } from '../store/bearers.ts';
import { sha256 } from '../store/crypto.ts';
import type { Table } from '../store/dynamo.ts';
import { getSystemToken, type StoredSystemToken } from '../store/system-tokens.ts';
import { invalidToken, requireBearer } from './bearer.ts';
import { bothInOrder } from './both-in-order.ts';

/** The scope of a system token. */
export const systemScope = 'system/*.rs';

/** A payer that is asked for records as a former plan. */
export type AskedPayer = Payer & { readonly exchange: NonNullable<Payer['exchange']> };

/** A partner that may ask for them. */
type AskingPartner = Partner & { readonly exchange: NonNullable<Partner['exchange']> };

/** Who asks whom in an exchange, as the registry has them now. */
export interface SystemAllowed {
  readonly partner: AskingPartner;
  readonly payer: AskedPayer;
}

/** Whether a payer is asked for records as a former plan. */
export const mayBeAsked = (payer: Payer): payer is AskedPayer => payer.exchange !== undefined;

const mayAsk = (partner: Partner): partner is AskingPartner => partner.exchange !== undefined;

/**
 * Returns partner and payer of an exchange if both are still registered for exchanges, and together. Checked at every use.
 * @throws GatewayError if the partner is blocked, the payer is paused, or the registry cannot be read
 */
export const findSystemAllowed = async (
  registry: Registry,
  exchange: Pick<StoredSystemToken, 'partner' | 'payer'>,
  options: { readonly evenIfPaused?: boolean } = {},
): Promise<SystemAllowed | undefined> => {
  const [partner, payer] = await bothInOrder(
    registry.partner(exchange.partner),
    registry.payer(exchange.payer, options),
  );
  if (partner === undefined || payer === undefined || !mayReadFrom(partner, payer.id)) return undefined;
  return mayAsk(partner) && mayBeAsked(payer) ? { partner, payer } : undefined;
};

const requireSystemToken = async (
  { exchanges, clock }: { readonly exchanges: Table; readonly clock: Clock },
  event: ApiEvent,
): Promise<StoredSystemToken> => {
  const text = requireBearer(event);
  if (readSystemToken(text) === undefined) {
    throw invalidToken(
      'damaged, or no system token of ours',
      `This takes a system token: ask for one by client_credentials, with scope=${systemScope}.`,
    );
  }
  const token = await getSystemToken(exchanges, sha256(text), nowSeconds(clock));
  if (token === undefined) throw invalidToken('no such system token, or expired');
  return token;
};

/**
 * Finds who presents a system token, with one strongly consistent read, and checks that partner and payer are still
 * registered for exchanges, and not stopped. It says nothing of whose an exchange is.
 * @throws GatewayError 401 (RFC 6750 §3.1), `not_found` for an unknown payer, `unauthorized_client` for a blocked partner,
 * `temporarily_unavailable`
 */
export const authenticateSystem = async (
  deps: { readonly registry: Registry; readonly clock: Clock; readonly exchanges: Table },
  event: ApiEvent,
  record: Pick<RequestRecord, 'partner'>,
  options: { readonly evenIfPaused?: boolean } = {},
): Promise<SystemAllowed> => {
  const [{ id: payerId }, token] = await bothInOrder(
    requirePayer(deps.registry, payerOf(event), { code: 'not_found', evenIfPaused: true }),
    requireSystemToken(deps, event),
  );
  record.partner = token.partner;
  if (token.payer !== payerId) {
    throw invalidToken("another payer's system token", 'This system token is for another health plan.');
  }
  const allowed = await findSystemAllowed(deps.registry, token, options);
  if (allowed === undefined) throw invalidToken('the config no longer allows this exchange');
  return allowed;
};
