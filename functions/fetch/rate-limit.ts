import type { MiddlewareObj } from '@middy/core';
import { GatewayError } from '../shared/errors.ts';
import type { ApiEvent, ApiResponse } from '../shared/http/api.ts';
import { raise, recordOf, type RequestRecord } from '../shared/record/request-record.ts';
import type { Partner } from '../shared/registry/types.ts';
import type { FetchDeps } from './deps.ts';
import { slotMsOf } from './limits/slots.ts';

const headers = new WeakMap<RequestRecord, Readonly<Record<string, string>>>();

/**
 * Takes the partner's turn, and notes what its answer says about it.
 * @throws GatewayError `too_many_requests`
 */
export const takePartnerTurn = async (
  { takeTurn }: Pick<FetchDeps, 'takeTurn'>,
  { clientId, rate }: Partner,
  record: RequestRecord,
): Promise<void> => {
  const { taken, remaining, resetSeconds, failure } = await takeTurn(`partner#${clientId}`, rate);
  if (failure !== undefined) {
    raise(record, 'limitsDown');
    record.detail = `limits: ${failure}`;
  }
  const windowSeconds = Math.ceil((rate.burst * slotMsOf(rate)) / 1000);
  headers.set(record, {
    'RateLimit-Policy': `"partner";q=${rate.burst};w=${windowSeconds}`,
    RateLimit: `"partner";r=${remaining};t=${resetSeconds}`,
  });
  if (!taken) {
    throw new GatewayError('too_many_requests', 'Too many requests; wait a moment.', {
      status: 429,
      retryAfterSeconds: resetSeconds,
      detail: "over the partner's rate",
    });
  }
};

/**
 * Tells a partner about its limit, on refusals as on successes: `q` requests in `w` seconds, of which `r` are left for
 * the next `t` (draft-ietf-httpapi-ratelimit-headers-11, a hint by its own words).
 */
export const tellRateLimit: MiddlewareObj<ApiEvent, ApiResponse> = {
  after: ({ event, response }) => tell(event, response),
  onError: ({ event, response }) => tell(event, response),
};

const tell = (event: ApiEvent, response: ApiResponse | null | undefined): void => {
  if (response) Object.assign(response.headers, headers.get(recordOf(event)));
};
