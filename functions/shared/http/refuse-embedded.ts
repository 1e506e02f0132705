import { GatewayError } from '../errors.ts';
import { header, type ApiEvent } from './api.ts';

/**
 * Refuses a request of another page's frame, image or script (Fetch Metadata: `Sec-Fetch-Dest`): nobody sees its
 * answer, and it must not use up a login that a person has under way. Older browsers say nothing.
 * @throws GatewayError `invalid_request`, 403
 */
export const refuseEmbedded = (event: ApiEvent): void => {
  if ((header(event, 'sec-fetch-dest') ?? 'document') === 'document') return;
  throw new GatewayError('invalid_request', 'A sign-in needs a window of its own. Please open it there.', {
    status: 403,
    detail: 'embedded',
    page: 'embedded',
  });
};
