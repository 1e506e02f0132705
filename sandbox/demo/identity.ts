import { ResponseBodyError } from 'openid-client';
import { identify } from '../identity/identify.ts';
import { presentIdentity } from '../partner/present-identity.ts';
import type { DemoIdentity } from './identity-parts.ts';
import type { DemoParts, RunSecrets, TokenAnswer } from './sign-in.ts';
import type { Take } from './step.ts';

/** A member proves who they are in the partner's app; then one call of the partner. */
export const signInByIdentity = async (
  { gatewayOrigin, payerId, partner }: DemoParts,
  { issuer, audience, redirectUri, key, member }: DemoIdentity,
  take: Take,
  secrets: RunSecrets,
): Promise<TokenAnswer> => {
  const agreedAtMs = Date.now();
  const idToken = await take('identity', 'Step 1: the member proves who they are, in the app', async () => {
    const value = await identify({ issuer, clientId: audience, redirectUri, member });
    secrets['id_token'] = value;
    const request = { method: 'GET', url: `${issuer}/authorize` } as const;
    return {
      value,
      request,
      response: 'An id token of the identity provider. No page of the payer, no account there.',
    };
  });
  return take('token', 'Step 2: one call, and the identity becomes a token', async () => {
    const base = `${gatewayOrigin}/r4/${payerId}`;
    const answer = (await presentIdentity(base, partner.clientId, key, { idToken, agreedAtMs }).catch(
      (error: unknown) => {
        throw new Error(reasonOf(error), { cause: error });
      },
    )) as TokenAnswer;
    Object.assign(secrets, { access_token: answer.access_token, refresh_token: answer.refresh_token });
    const form = {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: '{client_assertion}',
      resource: base,
      scope: 'launch/patient patient/*.rs offline_access',
    };
    const request = { method: 'POST', url: `${gatewayOrigin}/oauth2/token`, form } as const;
    return { value: answer, request, response: JSON.stringify(answer, undefined, 2) };
  });
};

const reasonOf = (error: unknown): string =>
  error instanceof ResponseBodyError
    ? `the token endpoint answered ${error.status}: ${error.error}, ${error.error_description}`
    : String(error);
