import * as openid from 'openid-client';
import type { MemberKey } from '../payer/data/member-list.ts';
import { createWalker, pageOf } from '../payer/walk.ts';

/** What an app needs to have somebody identified. */
interface IdentifyRequest {
  /** Such as `http://127.0.0.1:3006`. */
  readonly issuer: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly member: MemberKey;
}

/** Has a test member prove who they are, as an app and a browser would together. Returns the id token. */
export const identify = async ({ issuer, clientId, redirectUri, member }: IdentifyRequest): Promise<string> => {
  const server = await openid.discovery(new URL(issuer), clientId, undefined, openid.None(), {
    execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks],
  });
  const verifier = openid.randomPKCECodeVerifier();
  const state = openid.randomState();
  const nonce = openid.randomNonce();
  const url = openid.buildAuthorizationUrl(server, {
    redirect_uri: redirectUri,
    scope: 'openid',
    state,
    nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  const walker = createWalker(new URL(issuer).origin);
  const page = pageOf(await walker.open(url.href), 'Prove who you are');
  const stop = await walker.submit(page, { person: member, decision: 'share' });
  if (!('location' in stop)) throw new Error('the identity provider did not send the member back');
  const tokens = await openid.authorizationCodeGrant(server, new URL(stop.location), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
  });
  if (tokens.id_token === undefined) throw new Error('the identity provider issued no id token');
  return tokens.id_token;
};
