import { GatewayError } from '../shared/errors.ts';
import type { ApiResponse } from '../shared/http/api.ts';
import { raise, type Middleware, type RequestContext } from '../shared/record/request-record.ts';
import type { Partner } from '../shared/registry/types.ts';
import type { FetchDeps } from './deps.ts';
import { slotMsOf } from './limits/slots.ts';

/** The context of a read, with what its answer says about the partner's limit. */
export interface RateLimitContext extends RequestContext {
  rateLimit?: Readonly<Record<string, string>>;
}

/**
 * Takes a turn of the partner's limit, and notes what the answer says about it.
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
