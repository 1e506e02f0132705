import { words } from '../support/words.ts';
import { basic, post, postAs } from './client.ts';
import { expectOAuthError } from './expectations.ts';
import { onStage, promises, requirement, type Requirement } from './requirement.ts';

const damaged = { grant_type: 'authorization_code', code: 'p2pc_damaged', code_verifier: 'v'.repeat(43) };

/** The rules for every request to the token endpoint. */
export const requests: readonly Requirement[] = [
  ...promises({
    'RFC 6749 §3.2: answers 405 with Allow to a GET': onStage(async (target) => {
      const response = await fetch(`${target.origin}/oauth2/token?grant_type=authorization_code&code=x`);
      await expectOAuthError(response, 405, 'invalid_request');
      expect(response.headers.get('allow')).toBe('POST');
    }),
    'RFC 6749 §4.1.3: refuses a JSON body': onStage(async (target) => {
      const headers = { ...basic(target.portal), 'content-type': 'application/json' };
      await expectOAuthError(await post(target, 'token', JSON.stringify(damaged), headers), 400, 'invalid_request');
    }),
    'RFC 9110 §8.3.1: accepts a form whose content type has a charset, in any letter case': onStage(async (target) => {
      const headers = { ...basic(target.portal), 'content-type': 'Application/X-WWW-Form-Urlencoded; charset=UTF-8' };
      const form = new URLSearchParams(damaged).toString();
      await expectOAuthError(await post(target, 'token', form, headers), 400, 'invalid_grant');
    }),
    'RFC 6749 §3.2: refuses a repeated parameter, even an unknown one': onStage(async (target) => {
      for (const twice of ['code=a&code=a', 'code=a&x=1&x=1']) {
        const form = `grant_type=authorization_code&${twice}`;
        await expectOAuthError(await post(target, 'token', form, basic(target.portal)), 400, 'invalid_request');
      }
    }),
    'RFC 6749 §3.2: treats a parameter without a value as missing': onStage(async (target) => {
      const form = { grant_type: 'authorization_code', code: '' };
      await expectOAuthError(await postAs(target, target.portal, 'token', form), 400, 'invalid_request');
    }),
    'RFC 6749 §3.2: refuses a request without grant_type': onStage(async (target) => {
      await expectOAuthError(await postAs(target, target.portal, 'token', { code: 'x' }), 400, 'invalid_request');
    }),
  }),
  ...words(`
    password implicit urn:ietf:params:oauth:grant-type:token-exchange constructor
  `).map((grantType) =>
    requirement('RFC 6749 §5.2', `refuses grant_type=${grantType}: unsupported_grant_type`, async (target) => {
      const form = { grant_type: grantType, username: 'a', password: 'b' };
      await expectOAuthError(await postAs(target, target.portal, 'token', form), 400, 'unsupported_grant_type');
    }),
  ),
  ...promises({
    'RFC 6749 §5.2: gives a client that is not registered for client_credentials no token by it, and says why': onStage(
      async (target) => {
        const response = await postAs(target, target.portal, 'token', { grant_type: 'client_credentials' });
        const { error, access_token: token } = (await response.json()) as Readonly<Record<string, unknown>>;
        expect([token, response.status >= 400 && response.status < 500]).toEqual([undefined, true]);
        // The last where the stage has this grant type for others.
        expect(['unsupported_grant_type', 'unauthorized_client', 'invalid_client']).toContain(error);
      },
    ),
    'RFC 6749 §5.2: refuses a code that was not issued here: invalid_grant': onStage(async (target) => {
      await expectOAuthError(await postAs(target, target.portal, 'token', damaged), 400, 'invalid_grant');
    }),
    'RFC 6749 §2.3.1: accepts no credentials and no code in the query': onStage(async (target) => {
      const query = new URLSearchParams({
        ...damaged,
        client_id: target.portal.clientId,
        client_secret: target.portal.secret,
      });
      const response = await fetch(`${target.origin}/oauth2/token?${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'grant_type=authorization_code',
      });
      await expectOAuthError(response, 401, 'invalid_client');
    }),
    'RFC 6749 §5.1: allows no error to be stored: no-store, no-cache, nosniff': onStage(async (target) => {
      const { headers } = await postAs(target, target.portal, 'token', damaged);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('pragma')).toBe('no-cache');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }),
  }),
];
