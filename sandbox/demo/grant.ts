import { signInByIdentity } from './identity.ts';
import { signIn, type DemoParts, type RunSecrets, type TokenAnswer } from './sign-in.ts';
import type { Take } from './step.ts';

/** Gets the partner's token: by a sign-in at the payer, or by the member's identity. */
export const grantFor = (parts: DemoParts, take: Take, secrets: RunSecrets): Promise<TokenAnswer> =>
  parts.identity === undefined ? signIn(parts, take, secrets) : signInByIdentity(parts, parts.identity, take, secrets);
