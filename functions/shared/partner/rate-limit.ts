import { GatewayError } from '../errors.ts';
import type { ApiResponse } from '../http/api.ts';
import type { TakeTurn } from '../limits/limiter.ts';
import { slotMsOf } from '../limits/slots.ts';
import { raise, type Middleware, type RequestContext } from '../record/request-record.ts';
import type { Partner } from '../registry/types.ts';

/** The context of a read, with the headers that tell the partner about its limit. */
export interface RateLimitContext extends RequestContext {
  rateLimit?: Readonly<Record<string, string>>;
}

interface TurnOptions {
  /** The request's cost in turns; it takes no more than the partner's burst. @default 1 */
  readonly turns?: number;
  /** How many of these turns were taken already. @default 0 */
  readonly before?: number;
}

/**
 * Takes a turn of the partner's limit, or as many as a request costs, and keeps the limit's state for the answer's
 * headers. Turns that were taken before one is refused are spent.
 * @throws GatewayError `too_many_requests`
 */
export const takePartnerTurn = async (
  { takeTurn }: { readonly takeTurn: TakeTurn },
  { clientId, rate }: Partner,
  context: RateLimitContext,
  { turns = 1, before = 0 }: TurnOptions = {},
): Promise<void> => {
  const { record } = context;
  const cost = Math.min(turns, rate.burst);
  for (let spent = before; spent < cost; spent += 1) {
    const { taken, remaining, resetSeconds, failure } = await takeTurn(`partner#${clientId}`, rate);
    if (failure !== undefined) {
      raise(record, 'limitsDown');
      record.detail = `limits: ${failure}`;
    }
    const windowSeconds = Math.ceil((rate.burst * slotMsOf(rate)) / 1000);
    context.rateLimit = {
      'RateLimit-Policy': `"partner";q=${rate.burst};w=${windowSeconds}`,
      RateLimit: `"partner";r=${remaining};t=${resetSeconds}`,
    };
    if (!taken) {
      throw new GatewayError('too_many_requests', 'Too many requests; wait a moment.', {
        // The first turn is free after the reset, the last of them as many slots later.
        retryAfterSeconds: Math.ceil(resetSeconds + ((cost - 1) * slotMsOf(rate)) / 1000),
        detail: "over the partner's rate",
      });
    }
  }
};

/**
 * Tells a partner about its limit, on refusals as well as successes: `q` requests in `w` seconds, of which `r` are left
 * for the next `t` seconds (draft-ietf-httpapi-ratelimit-headers-11, which calls it a hint).
 */
export const tellRateLimit: Middleware<RateLimitContext> = {
  after: ({ context, response }) => tell(context, response),
  onError: ({ context, response }) => tell(context, response),
};

const tell = ({ rateLimit }: RateLimitContext, response: ApiResponse | null | undefined): void => {
  if (response) Object.assign(response.headers, rateLimit);
};
