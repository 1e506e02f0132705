import { eventually } from '../support/eventually.ts';
import { connect, introspect, login, post, postAs, read, redeem, refresh, tokensOf } from './client.ts';
import { challengeHeaderOf, expectOAuthError, expectOutcome } from './expectations.ts';
import { onStage, promises, type Group } from './requirement.ts';

/** The revocation endpoint. */
export const revocationGroup: Group = {
  endpoint: 'revoke',
  requirements: promises({
    'RFC 7009 §2.2: answers 200 for an unknown token': onStage(async (target) => {
      for (const token of ['nothing', 'p2pa_', `p2pa_${'A'.repeat(112)}`]) {
        const response = await postAs(target, target.portal, 'revoke', { token });
        expect(response.status).toBe(200);
        expect(response.headers.get('cache-control')).toBe('no-store');
      }
    }),
    'RFC 7009 §2.1: refuses a request without client authentication': onStage(async (target) => {
      const response = await post(target, 'revoke', { token: 'nothing' });
      await expectOAuthError(response.clone(), 401, 'invalid_client');
      expect(challengeHeaderOf(target, response)).toMatch(/^Basic /);
    }),
    'RFC 7009 §2.1: refuses a request without a token': onStage(async (target) => {
      await expectOAuthError(await postAs(target, target.portal, 'revoke', {}), 400, 'invalid_request');
    }),
    'RFC 7009 §2.1: answers 405 with Allow to a GET': onStage(async (target) => {
      const response = await fetch(`${target.origin}/oauth2/revoke?token=x`);
      await expectOAuthError(response, 405, 'invalid_request');
      expect(response.headers.get('allow')).toBe('POST');
    }),
    'RFC 7009 §2.1: accepts any token_type_hint, since a wrong one must not matter': onStage(async (target) => {
      for (const hint of ['refresh_token', 'access_token', 'no_such_type']) {
        const response = await postAs(target, target.portal, 'revoke', { token: 'nothing', token_type_hint: hint });
        expect(response.status).toBe(200);
      }
    }),
    'OWASP ASVS 10.4.9: ends a grant by its access token: the very next FHIR call is 401': async (target) => {
      const issued = await connect(target);
      expect((await read(target, '/Patient', issued.access_token)).status).toBe(200);
      expect((await postAs(target, target.portal, 'revoke', { token: issued.access_token })).status).toBe(200);
      await expectOutcome(await read(target, '/Patient', issued.access_token), 401);
      await expectOAuthError(await refresh(target, issued.refresh_token), 400, 'invalid_grant');
    },
    'RFC 7009 §2.1: ends a grant by its refresh token, and both access tokens with it': async (target) => {
      const first = await connect(target);
      const second = await tokensOf(await refresh(target, first.refresh_token));
      await postAs(target, target.portal, 'revoke', { token: second.refresh_token });
      for (const token of [first.access_token, second.access_token]) {
        await expectOutcome(await read(target, '/Patient', token), 401);
      }
    },
    'RFC 7009 §2.1: ends a grant by a refresh token that was already rotated': async (target) => {
      const first = await connect(target);
      const second = await tokensOf(await refresh(target, first.refresh_token));
      expect((await postAs(target, target.portal, 'revoke', { token: first.refresh_token })).status).toBe(200);
      await expectOutcome(await read(target, '/Patient', second.access_token), 401);
    },
    'RFC 7009 §2.2: answers 200 again for a token that is already revoked, and asks the payer once': async (target) => {
      const { access_token: access, refresh_token: token } = await connect(target);
      for (const shown of [token, token, access]) {
        const response = await postAs(target, target.portal, 'revoke', { token: shown });
        expect([response.status, await response.text()]).toEqual([200, '{}']);
      }
      expect(target.payers.requests('clear-health', 'revoke')).toHaveLength(1);
    },
    'RFC 7009 §2.1: does not let another client revoke tokens that it does not own': async (target) => {
      const issued = await connect(target);
      for (const token of [issued.access_token, issued.refresh_token]) {
        await expectOAuthError(
          await postAs(target, target.apps.otherPortal, 'revoke', { token }),
          400,
          'invalid_grant',
        );
        await expectOAuthError(await post(target, 'revoke', { token }), 401, 'invalid_client');
      }
      expect((await read(target, '/Patient', issued.access_token)).status).toBe(200);
    },
    'RFC 7009 §2.1: lets a public client revoke with its token alone': async (target) => {
      const issued = await connect(target, {}, { app: target.apps.app });
      expect((await post(target, 'revoke', { token: issued.refresh_token })).status).toBe(200);
      await expectOutcome(await read(target, '/Patient', issued.access_token), 401);
    },
    "RFC 7009 §5: revokes the payer's refresh token at the payer, as the payer's own client": async (target) => {
      for (const payer of ['clear-health', 'keyed-health']) {
        const { refresh_token: token } = await connect(target, {}, { payer });
        await postAs(target, target.portal, 'revoke', { token });
        const sent = target.payers.requests(payer, 'revoke').map(({ form }) => form.get('token'));
        expect(sent).toEqual([expect.stringMatching(/^payer-refresh-canary/)]);
        // The payer revokes nothing for a client that does not authenticate.
        expect(target.payers.logins().at(-1)).toMatchObject({ payer, events: ['revoked'] });
      }
    },
    'RFC 7009 §2.2.1: ends the grant here even if the payer does not answer': async (target) => {
      const issued = await connect(target);
      target.payers.script('clear-health', { revoke: 'reset' });
      expect((await postAs(target, target.portal, 'revoke', { token: issued.refresh_token })).status).toBe(200);
      await expectOutcome(await read(target, '/Patient', issued.access_token), 401);
    },
    'OWASP ASVS 10.4.9: ends the grant before it asks a slow payer': async (target) => {
      const issued = await connect(target);
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      target.payers.script('clear-health', {
        revoke: async () => {
          await released;
          return { status: 200 };
        },
      });
      const revoking = postAs(target, target.portal, 'revoke', { token: issued.refresh_token });
      await eventually(() => target.payers.requests('clear-health', 'revoke').length > 0);
      expect(await introspect(target, issued.access_token)).toEqual({ active: false });
      release();
      expect((await revoking).status).toBe(200);
    },
    'RFC 7009 §2: lets no code be redeemed again for a revoked grant': async (target) => {
      const logged = await login(target);
      const issued = await tokensOf(await redeem(target, logged));
      await postAs(target, target.portal, 'revoke', { token: issued.access_token });
      await expectOAuthError(await redeem(target, logged), 400, 'invalid_grant');
    },
  }),
};
