import { randomUUID } from 'node:crypto';
import { importJWK, SignJWT } from 'jose';
import type { Change } from '../support/login/requests.ts';
import { login, post, tokensOf } from './client.ts';
import { expectOAuthError } from './expectations.ts';
import { partnerKey } from './local-config.ts';
import { localRequirement, promises, type Requirement } from './requirement.ts';
import { patientId } from './scripted-payer.ts';
import { baseOf, type WorldTarget } from './target.ts';

const form = { grant_type: 'authorization_code', code: 'p2pc_damaged' };

interface Assertion {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: CryptoKey | Uint8Array;
}

const assertionOf = async (target: WorldTarget, { claims, header, key }: Assertion = {}): Promise<string> => {
  const payload = {
    iss: 'keyed',
    sub: 'keyed',
    aud: `${target.origin}/oauth2/token`,
    jti: randomUUID(),
    exp: target.now() + 240,
    ...claims,
  };
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES384', kid: 'partner-1', typ: 'JWT', ...header })
    .sign(key ?? (await importJWK(partnerKey.privateJwk, 'ES384')));
};

const byAssertion = (client_assertion: string): Change => ({
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion,
});

/** A client that is admitted gets an error about its code; one that is not gets an error about itself. */
const expectLetIn = async (target: WorldTarget, assertion: string): Promise<void> =>
  expectOAuthError(await post(target, 'token', { ...form, ...byAssertion(assertion) }), 400, 'invalid_grant');
const expectKeptOut = async (target: WorldTarget, assertion: string): Promise<void> =>
  expectOAuthError(await post(target, 'token', { ...form, ...byAssertion(assertion) }), 401, 'invalid_client');

const badClaims: readonly (readonly [string, string, (target: WorldTarget) => Readonly<Record<string, unknown>>])[] = [
  ['RFC 7523 §3', 'meant for another audience', () => ({ aud: 'https://evil.example/token' })],
  [
    'RFC 7523 §3',
    'whose audience only starts with ours',
    ({ origin }) => ({ aud: `${origin}/oauth2/token.evil.example` }),
  ],
  ['RFC 7523 §3', 'without an audience', () => ({ aud: undefined })],
  ['RFC 7523 §3', 'whose issuer is another client', () => ({ iss: 'portal' })],
  ['RFC 7523 §3', 'without exp', () => ({ exp: undefined })],
  ['SMART App Launch 2.2', 'without jti', () => ({ jti: undefined })],
  ['RFC 7523 §3', 'that expired 125 s ago', (target) => ({ exp: target.now() - 125 })],
  ['SMART App Launch 2.2', 'that lives for an hour', (target) => ({ exp: target.now() + 3600 })],
  ['RFC 7519 §4.1.5', 'that is not valid for another ten minutes', (target) => ({ nbf: target.now() + 600 })],
];

/** Authentication by a signed assertion (RFC 7523). */
export const assertions: readonly Requirement[] = [
  ...promises({
    "RFC 7523 §2.2: accepts a partner's signed assertion, for the token endpoint or for an issuer": async (target) => {
      await expectLetIn(target, await assertionOf(target));
      await expectLetIn(target, await assertionOf(target, { claims: { aud: [baseOf(target)] } }));
    },
    'RFC 7523 §2.2: redeems a code with an assertion': async (target) => {
      const { code, verifier } = await login(target, {}, { app: target.apps.keyed });
      const redemption = { grant_type: 'authorization_code', code, code_verifier: verifier };
      const response = await post(target, 'token', { ...redemption, ...byAssertion(await assertionOf(target)) });
      expect((await tokensOf(response)).patient).toBe(patientId);
    },
    'RFC 7523 §3: accepts each assertion once, even if ten arrive together': async (target) => {
      const assertion = await assertionOf(target);
      const send = () => post(target, 'token', { ...form, ...byAssertion(assertion) });
      // Starts ten environments, so that the ten meet in the table, and not one by one.
      await Promise.all(Array.from({ length: 10 }, () => post(target, 'token', form)));
      const answers = await Promise.all(Array.from({ length: 10 }, send));
      const busy = answers.filter(({ status, headers }) => status === 503 && headers.get('retry-after') === '5');
      const letIn = answers.filter(({ status }) => status === 400);
      expect(letIn.length).toBeLessThanOrEqual(1);
      // A busy machine may answer 503 to the one that came first.
      expect(letIn.length + busy.length).toBeGreaterThan(0);
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(10 - letIn.length - busy.length);
    },
    'openid-client #454: accepts a partner whose clock is off by 120 s either way': async (target) => {
      await expectLetIn(
        target,
        await assertionOf(target, {
          claims: { iat: target.now() + 118, nbf: target.now() + 118, exp: target.now() + 118 + 300 },
        }),
      );
      await expectLetIn(
        target,
        await assertionOf(target, { claims: { iat: target.now() - 418, exp: target.now() - 118 } }),
      );
    },
  }),
  ...badClaims.map(([source, what, claims]) =>
    localRequirement(source, `refuses an assertion ${what}`, async (target) => {
      await expectKeptOut(target, await assertionOf(target, { claims: claims(target) }));
    }),
  ),
  ...promises({
    'RFC 8725 §3.1: refuses an assertion with alg none': async (target) => {
      const [, payload] = (await assertionOf(target)).split('.');
      const header = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
      await expectKeptOut(target, `${header}.${payload}.`);
    },
    "RFC 8725 §2.1: refuses an assertion that is an HMAC over the partner's public key": async (target) => {
      const key = new TextEncoder().encode(JSON.stringify(partnerKey.publicJwk));
      await expectKeptOut(target, await assertionOf(target, { header: { alg: 'HS384' }, key }));
    },
    'RFC 7515 §4.1.3: refuses an assertion that carries its own key': async (target) => {
      const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, [
        'sign',
        'verify',
      ]);
      const jwk = await crypto.subtle.exportKey('jwk', publicKey);
      await expectKeptOut(target, await assertionOf(target, { header: { jwk, kid: 'partner-1' }, key: privateKey }));
    },
  }),
];
