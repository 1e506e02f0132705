import { GatewayError } from '../errors.ts';
import { headerText, type ApiEvent } from './api.ts';

/** Headers by which browsers mark a speculative request (Fetch: `Sec-Purpose`). The others are older, or Safari's. */
const purposeHeaders = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'];

const isAhead = (purpose: string): boolean => /prefetch|prerender|preview/i.test(purpose);

/**
 * Refuses a browser's speculative request: a step of a login happens once, for a person who is there. A browser
 * discards a failed prefetch and asks again when the person follows the link. The status is not a 5xx, which would look
 * like an outage.
 * @throws GatewayError `invalid_request`, 403
 */
export const refusePrefetch = (event: ApiEvent): void => {
  if (!purposeHeaders.some((name) => isAhead(headerText(event, name)))) return;
  throw new GatewayError('invalid_request', 'Your browser asked for this page before you did. Please open it again.', {
    status: 403,
    detail: 'prefetch',
    page: 'openedAhead',
  });
};
