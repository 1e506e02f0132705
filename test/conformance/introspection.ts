import { connect, introspect, post, postAs, refresh, tokensOf } from './client.ts';
import { challengeHeaderOf, expectOAuthError } from './expectations.ts';
import { onStage, promises, type Group } from './requirement.ts';
import { patientId } from './scripted-payer.ts';

const inactive = { active: false };

/** The introspection endpoint. */
export const introspectionGroup: Group = {
  endpoint: 'introspect',
  requirements: promises({
    'RFC 7662 §2.1: refuses a request without client authentication': onStage(async (target) => {
      const response = await post(target, 'introspect', { token: 'nothing' });
      await expectOAuthError(response.clone(), 401, 'invalid_client');
      expect(challengeHeaderOf(target, response)).toMatch(/^Basic /);
    }),
    'RFC 7662 §2.2: says {"active": false}, and nothing else, for an unknown token': onStage(async (target) => {
      for (const token of ['nothing', `p2pa_${'A'.repeat(112)}`, `p2pr_${'A'.repeat(155)}`]) {
        const response = await postAs(target, target.portal, 'introspect', { token });
        expect(response.status).toBe(200);
        expect(response.headers.get('cache-control')).toBe('no-store');
        expect(await response.json()).toEqual(inactive);
      }
    }),
    'RFC 7662 §2.1: refuses a request without a token': onStage(async (target) => {
      await expectOAuthError(await postAs(target, target.portal, 'introspect', {}), 400, 'invalid_request');
    }),
    'RFC 7662 §2.1: answers 405 with Allow to a GET, which would put tokens into logs': onStage(async (target) => {
      const response = await fetch(`${target.origin}/oauth2/introspect?token=x`);
      await expectOAuthError(response, 405, 'invalid_request');
      expect(response.headers.get('allow')).toBe('POST');
    }),
    "RFC 7662 §2.2: describes a partner's own access token": async (target) => {
      const issued = await connect(target);
      const told = (await introspect(target, issued.access_token)) as { readonly exp: number };
      expect(told).toEqual({
        active: true,
        scope: issued.scope,
        client_id: 'portal',
        exp: expect.any(Number),
        iss: `${target.origin}/r4/clear-health`,
        patient: patientId,
        grant_id: expect.stringMatching(/^[\w-]{22}$/),
      });
      expect(told.exp - target.now()).toBeGreaterThan(3500);
      expect(told.exp - target.now()).toBeLessThanOrEqual(3600);
    },
    "RFC 7662 §2.2: describes a partner's own refresh token, which ends with the grant, unless it was rotated": async (
      target,
    ) => {
      const first = await connect(target);
      const exp = Number((await target.store.grant(first.refresh_token))['endsAt']?.N);
      expect(await introspect(target, first.refresh_token)).toMatchObject({ active: true, client_id: 'portal', exp });
      await refresh(target, first.refresh_token);
      expect(await introspect(target, first.refresh_token)).toEqual(inactive);
    },
    "RFC 7662 §4: tells a client nothing about another client's token": async (target) => {
      const issued = await connect(target);
      for (const token of [issued.access_token, issued.refresh_token]) {
        expect(await introspect(target, token, target.apps.otherPortal)).toEqual(inactive);
      }
    },
    'RFC 7662 §2.1: refuses a public client, whatever its token, since it cannot authenticate': async (target) => {
      const issued = await connect(target, {}, { app: target.apps.app });
      for (const token of [issued.access_token, issued.refresh_token, 'nothing']) {
        const response = await postAs(target, target.apps.app, 'introspect', { token });
        await expectOAuthError(response, 401, 'invalid_client');
      }
    },
    'RFC 7662 §2.2: says {"active": false} for an expired token': async (target) => {
      const { access_token: token } = await connect(target);
      await target.store.setGrant(token, { accessExpiresAt: target.now() - 1 });
      expect(await introspect(target, token)).toEqual(inactive);
    },
    'RFC 7662 §2.2: says {"active": false} for a token of an ended grant whose item is still in the table': async (
      target,
    ) => {
      const issued = await connect(target);
      await target.store.setGrant(issued.access_token, { endsAt: target.now() - 1, expiresAt: target.now() - 1 });
      expect(await introspect(target, issued.access_token)).toEqual(inactive);
      expect(await introspect(target, issued.refresh_token)).toEqual(inactive);
    },
    'RFC 7662 §2.2: gives the narrowed scope of a narrowed access token': async (target) => {
      const first = await connect(target);
      const narrowed = await tokensOf(await refresh(target, first.refresh_token, { scope: 'patient/Patient.r' }));
      expect(await introspect(target, narrowed.access_token)).toMatchObject({
        active: true,
        scope: 'patient/Patient.r',
      });
      expect(await introspect(target, first.access_token)).toMatchObject({ active: true, scope: first.scope });
    },
  }),
};
