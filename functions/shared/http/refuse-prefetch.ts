import { GatewayError } from '../errors.ts';
import { header, type ApiEvent } from './api.ts';

/** Where browsers say that nobody has asked for the page yet (Fetch: `Sec-Purpose`); the others are older, or Safari's. */
const purposeHeaders = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'];

const isAhead = (purpose: string | undefined): boolean => /prefetch|prerender|preview/i.test(purpose ?? '');

/**
 * Refuses what a browser asks for ahead of the person: a step of a login happens once, for somebody who is there. A browser
 * drops what is no success, and asks again when the person goes there. Not a 5xx, which would ring as an outage.
 * @throws GatewayError `invalid_request`, 403
 */
export const refusePrefetch = (event: ApiEvent): void => {
  if (!purposeHeaders.some((name) => isAhead(header(event, name)))) return;
  throw new GatewayError('invalid_request', 'Your browser asked for this page before you did. Please open it again.', {
    status: 403,
    detail: 'prefetch',
  });
};
