import { randomBytes } from 'node:crypto';
import { readAccessToken, readRefreshToken, writeBearer } from '../../functions/shared/store/bearers.ts';
import {
  codeWithAnotherSecret,
  refreshTokenFromAccessToken,
  refreshTokenWithAnotherSecret,
} from '../functions/token/forged-bearers.ts';
import { basic, pkce, redirectUri, verifier } from '../support/login.ts';
import type { Authorize, PartnerId, PayerId, Redeem, Thief } from './commands.ts';
import { caller, narrowScope, onlineScope, registeredScope, type Aimed, type Answer, type Grant } from './model.ts';
import type { World } from './world.ts';

/*
 * How each call looks on the wire.
 */
const redirectUris: Record<PartnerId, string> = {
  'demo-partner': redirectUri,
  'demo-app': 'http://localhost:3002/app/callback',
};

/** A scope that clients request and no one is granted; it is dropped if there are others. */
const ungranted = 'openid fhirUser patient/*.cruds user/*.rs';

/** How a partner says who it is. */
const proof = (partner: PartnerId): { form: Record<string, string>; headers: Record<string, string> } =>
  partner === 'demo-partner' ? { form: {}, headers: basic() } : { form: { client_id: partner }, headers: {} };

const damaged = (bearer: string): string => bearer.slice(0, -1) + (bearer.endsWith('A') ? 'B' : 'A');
/** The grant's id is right, since a thief of a code knows it; everything secret is random. */
const guessed = (bearer: string): string => {
  const token = readAccessToken(bearer) ?? readRefreshToken(bearer);
  if (token === undefined) return codeWithAnotherSecret(bearer);
  const drawn = { grantKey: randomBytes(32), secret: randomBytes(32), familySecret: randomBytes(32) };
  return writeBearer({ ...token, ...drawn });
};

const shown = ({ access }: Grant, { call: { how }, bearer }: Aimed): string => {
  if (how === 'damaged') return damaged(bearer);
  if (how === 'guessed') return guessed(bearer);
  if (how === 'sameFamily') return refreshTokenWithAnotherSecret(bearer);
  return how === 'fromAccessToken' ? refreshTokenFromAccessToken(access[0]?.token ?? '') : bearer;
};

const redemption = ({ pkce: hasChallenge, partner }: Grant, { how }: Redeem): Record<string, string> => ({
  grant_type: 'authorization_code',
  redirect_uri: how === 'wrongRedirect' ? `${redirectUris[partner]}/` : redirectUris[partner],
  ...(how === 'wrongVerifier' ? { code_verifier: `${verifier}x` } : {}),
  ...(hasChallenge && how !== 'wrongVerifier' && how !== 'noVerifier' ? { code_verifier: verifier } : {}),
});

/** What a thief knows besides the token: the public client's id, and a confidential client's, but no secret. */
const performTheft = (world: World, { partner }: Grant, { how }: Thief, bearer: string): Promise<Answer> => {
  const form = { client_id: partner };
  if (how === 'introspect') return world.post('introspect', { ...form, token: bearer }, {});
  const asked = { ...form, grant_type: 'refresh_token', refresh_token: bearer };
  return world.post('token', how === 'widen' ? { ...asked, scope: ungranted } : asked, {});
};

/** Makes a partner's call about a grant. */
export const perform = (world: World, grant: Grant, aimed: Aimed): Promise<Answer> => {
  const { call } = aimed;
  const bearer = shown(grant, aimed);
  if (call.kind === 'read') {
    const other: PayerId = grant.payer === 'northwind' ? 'demo-health-plan' : 'northwind';
    const patient = call.how === 'otherPatient' ? 'patient-of-another' : grant.patient;
    return world.read(call.how === 'otherPayer' ? other : grant.payer, `Patient/${patient}`, bearer);
  }
  if (call.kind === 'thief') return performTheft(world, grant, call, bearer);
  const { form, headers } = call.how === 'noClient' ? { form: {}, headers: {} } : proof(caller(grant, call));
  if (call.kind === 'redeem')
    return world.post('token', { ...form, ...redemption(grant, call), code: bearer }, headers);
  if (call.kind !== 'refresh') return world.post(call.kind, { ...form, token: bearer }, headers);
  const scopes: Record<string, string> = {
    narrow: `${ungranted} ${narrowScope} ${narrowScope}`,
    widen: ungranted,
    whole: `${grant.scope} ${ungranted}`,
  };
  const scope = scopes[call.how];
  const asked = { grant_type: 'refresh_token', refresh_token: bearer, ...(scope === undefined ? {} : { scope }) };
  return world.post('token', { ...form, ...asked }, headers);
};

/** The parameters with which a partner sends the browser to authorize. */
export const authorizeQuery = ({ partner, scope, pkce: hasChallenge }: Authorize): Record<string, string> => ({
  client_id: partner,
  redirect_uri: redirectUris[partner],
  state: 'partner-state',
  ...{
    none: {},
    offline: { scope: `${ungranted} ${registeredScope} ${registeredScope}` },
    online: { scope: onlineScope },
  }[scope],
  ...(hasChallenge ? pkce : {}),
});
