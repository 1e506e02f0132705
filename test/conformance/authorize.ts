import { consent } from './authorize-consent.ts';
import { cookie } from './authorize-cookie.ts';
import { towardsPayer } from './authorize-payer.ts';
import { redirectUris } from './authorize-redirect-uris.ts';
import { afterTrust } from './authorize-refusals.ts';
import { beforeTrust } from './authorize-trust.ts';
import type { Group } from './requirement.ts';

/** The authorization endpoint. */
export const authorizeGroup: Group = {
  endpoint: 'authorize',
  requirements: [...beforeTrust, ...redirectUris, ...afterTrust, ...towardsPayer, ...cookie, ...consent],
};
