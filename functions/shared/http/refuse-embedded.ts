import { GatewayError } from '../errors.ts';
import { header, type ApiEvent } from './api.ts';

/**
 * Refuses a request from a frame, image or script on another page (Fetch Metadata, `Sec-Fetch-Dest`): no person sees
 * the answer, and it must not use up a login attempt under way. Older browsers do not send the header.
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
