import { header, type ApiEvent } from './api.ts';

/**
 * Whether the browser says that a page of another origin sent a form (Fetch Metadata, `Sec-Fetch-Site`). Older browsers do
 * not send the header, so it is never the only check.
 */
export const isFromElsewhere = (event: ApiEvent): boolean =>
  (header(event, 'sec-fetch-site') ?? 'same-origin') !== 'same-origin';
