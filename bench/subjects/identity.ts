import { createPrivateKey, createPublicKey, sign as cryptoSign, verify, type JsonWebKey } from 'node:crypto';
import { SignJWT, type JWTPayload } from 'jose';
import type { ApiEvent } from '../../functions/shared/http/api.ts';
import { apiEvent } from '../api-event.ts';
import type { Floor } from '../floors.ts';
import { keys } from '../keys.ts';
import type { Begin } from '../requests.ts';
import { measured } from '../stage.ts';
import { pairOf } from '../walk.ts';
import { requestStep } from './request-step.ts';

const sign = (claims: JWTPayload, alg: string, jwk: JsonWebKey & { readonly kid: string }): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ alg, kid: jwk.kid, typ: 'JWT' })
    .sign(createPrivateKey({ key: jwk, format: 'jwk' }));

let presented = 0;
/** Each approval needs its own, recent time. */
const approvedAt = (nowMs: number): string => new Date(nowMs - 300_000 + (presented % 250_000)).toISOString();

/** The call of a partner with its member's identity token. */
const identityEvent = async (): Promise<ApiEvent> => {
  presented += 1;
  const nowMs = Date.now();
  const now = Math.floor(nowMs / 1000);
  const { issuer, audience, partner, payer, origin } = measured;
  const identity = {
    iss: issuer,
    sub: `member-${presented}`,
    aud: audience,
    jti: `identity-${presented}`,
    exp: now + 600,
    iat: now - 1,
    auth_time: now - 1,
    identity_assurance_level: 2,
    given_name: 'Mayte',
    family_name: 'Venegas',
    birthdate: '2011-01-04',
    address: { street_address: '17 Stanhope Street', locality: 'Boston', region: 'MA', postal_code: '02115' },
  };
  const cmsSmart = {
    version: '1',
    purpose_of_use: 'PATRQT',
    id_token: await sign(identity, 'RS256', keys.identityProvider.privateJwk),
    consent_attestation: { user_action: 'approved', user_action_timestamp: approvedAt(nowMs) },
  };
  const assertion = {
    iss: partner,
    sub: partner,
    aud: `${origin}/oauth2/token`,
    jti: `assertion-${presented}`,
    exp: now + 200,
    extensions: { cms_smart: cmsSmart },
  };
  return apiEvent('/oauth2/token', {
    method: 'POST',
    form: {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await sign(assertion, 'ES384', keys.partner.privateJwk),
      resource: `${origin}/r4/${payer}`,
      scope: 'launch/patient patient/*.rs offline_access',
    },
  });
};

const presenting: Begin = (gateway) => async () => {
  const event = await identityEvent();
  return async () => void pairOf(await gateway.token(event));
};

const signing = {
  key: createPrivateKey({ key: keys.gateway.privateJwk, format: 'jwk' }),
  dsaEncoding: 'ieee-p1363',
} as const;
const verifying = { key: createPublicKey(signing.key), dsaEncoding: 'ieee-p1363' } as const;
const rsa = createPrivateKey({ key: keys.identityProvider.privateJwk, format: 'jwk' });
const text = Buffer.alloc(1500, 'a');
const rsaSignature = cryptoSign('sha256', text, rsa);
const rsaKey = createPublicKey(rsa);

/** The call verifies two signatures and makes one. */
const signatures = (): void => {
  const signature = cryptoSign('sha384', text, signing);
  if (!verify('sha384', text, verifying, signature) || !verify('sha256', text, rsaKey, rsaSignature))
    throw new Error('a signature of the floor is wrong');
};

/**
 * The assertion, a turn (read, then taken), the approval and the identity token are taken one after another, since each may refuse the next; the
 * turn is given back, and a stop of the member looked for, before there is a grant.
 */
const floor: Floor = {
  name: 'two signatures verified and one made, the same calls',
  calls: [
    ['PutItem'],
    ['GetItem'],
    ['UpdateItem'],
    ['PutItem'],
    ['PutItem'],
    ['payer'],
    ['UpdateItem'],
    ['GetItem'],
    ['PutItem'],
    ['GetItem'],
    ['UpdateItem'],
  ],
  limits: true,
  work: signatures,
};

export const identity = requestStep({
  name: 'identity',
  what: "a member's identity token for a pair of tokens, without a browser",
  requests: presenting,
  floor,
  peers: {},
  limit: 1.5,
  aim: 1.3,
  notes: [
    "The floor does not read the payer's secret, which the gateway reads anew for each such call: hence the higher limit.",
  ],
});
