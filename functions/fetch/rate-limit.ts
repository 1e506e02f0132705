import { GatewayError } from '../shared/errors.ts';
import type { ApiResponse } from '../shared/http/api.ts';
import { raise, type Middleware, type RequestContext } from '../shared/record/request-record.ts';
import type { Partner } from '../shared/registry/types.ts';
import type { FetchDeps } from './deps.ts';
import { slotMsOf } from './limits/slots.ts';

/** The context of a read: what its answer says of the partner's limit, once a turn was asked for. */
export interface RateLimitContext extends RequestContext {
  rateLimit?: Readonly<Record<string, string>>;
}

/**
 * Takes the partner's turn, and notes what its answer says about it.
 * @throws GatewayError `too_many_requests`
 */
export const takePartnerTurn = async (
  { takeTurn }: Pick<FetchDeps, 'takeTurn'>,
  { clientId, rate }: Partner,
  context: RateLimitContext,
): Promise<void> => {
  const { record } = context;
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
      retryAfterSeconds: resetSeconds,
      detail: "over the partner's rate",
    });
  }
};

/**
 * Tells a partner about its limit, on refusals as on successes: `q` requests in `w` seconds, of which `r` are left for
 * the next `t` (draft-ietf-httpapi-ratelimit-headers-11, a hint by its own words).
 */
export const tellRateLimit: Middleware<RateLimitContext> = {
  after: ({ context, response }) => tell(context, response),
  onError: ({ context, response }) => tell(context, response),
};

const tell = ({ rateLimit }: RateLimitContext, response: ApiResponse | null | undefined): void => {
  if (response) Object.assign(response.headers, rateLimit);
};
