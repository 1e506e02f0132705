import { authorizeEndpoint, authorizeParameters, begin, locationOf } from './client.ts';
import { onStage, promises, type Requirement } from './requirement.ts';
import { baseOf } from './target.ts';

/** What a login sends to the payer. */
export const towardsPayer: readonly Requirement[] = promises({
  'SMART App Launch 2.2: accepts a POST like a GET': onStage(async (target) => {
    const response = await fetch(authorizeEndpoint(target), {
      method: 'POST',
      body: authorizeParameters(target, {}, { app: target.app }),
      redirect: 'manual',
    });
    const begun = await begin(target, {}, { app: target.app });
    expect([200, 302]).toContain(response.status);
    if (response.status === 302) expect(locationOf(response).origin).toBe(begun.payerUrl.origin);
    else expect(await response.text()).toContain('<form method="post"');
  }),
  'SMART App Launch 2.2: accepts the FHIR base as aud with a trailing slash too': onStage(async (target) => {
    const base = `${baseOf(target)}/`;
    expect((await begin(target, { aud: base, resource: base })).state).not.toBe('');
  }),
  'RFC 6749 §3.1.1: treats a request without response_type as one for a code': onStage(async (target) => {
    expect((await begin(target, { response_type: undefined })).state).not.toBe('');
  }),
  "RFC 9700 §4.7.1: sends the payer its own state, never the partner's": onStage(async (target) => {
    const { payerUrl, state } = await begin(target, { state: 'state-canary-of-the-partner' });
    expect(state).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(payerUrl.href).not.toContain('canary-of-the-partner');
  }),
  "RFC 9700 §4.1.3: sends the payer its own client_id and redirect URI, never the partner's": onStage(
    async (target) => {
      const { payerUrl } = await begin(target);
      expect(payerUrl.searchParams.get('redirect_uri')).toBe(`${target.origin}/oauth2/callback/${target.payer}`);
      expect(payerUrl.searchParams.get('client_id')).not.toBe(target.portal.clientId);
      expect(payerUrl.href).not.toContain(encodeURIComponent(target.portal.redirectUri));
    },
  ),
  'OWASP ASVS 7.2.3: gives each login its own state and cookie': onStage(async (target) => {
    const begun = await Promise.all(Array.from({ length: 8 }, () => begin(target)));
    expect(new Set(begun.map(({ state }) => state)).size).toBe(8);
    expect(new Set(begun.map(({ cookie }) => cookie)).size).toBe(8);
  }),
  'RFC 9700 §2.1.1: sends the payer its own S256 challenge': async (target) => {
    const [one, other] = [await begin(target), await begin(target)];
    const challenge = one.payerUrl.searchParams.get('code_challenge');
    expect(challenge).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(one.payerUrl.searchParams.get('code_challenge_method')).toBe('S256');
    expect(challenge).not.toBe(authorizeParameters(target).get('code_challenge'));
    expect(challenge).not.toBe(other.payerUrl.searchParams.get('code_challenge'));
  },
  "SMART App Launch 2.2: sends the payer its FHIR base as aud, the profile's scopes, and nothing else than it must":
    async (target) => {
      const { payerUrl } = await begin(target);
      expect(`${payerUrl.origin}${payerUrl.pathname}`).toBe(`${target.payers.origin}/clear-health/authorize`);
      expect(Object.fromEntries(payerUrl.searchParams)).toEqual({
        response_type: 'code',
        client_id: 'gateway-at-clear-health',
        redirect_uri: `${target.origin}/oauth2/callback/clear-health`,
        state: expect.stringMatching(/^[\w-]{43}$/),
        scope: 'launch/patient patient/*.rs offline_access',
        aud: `${target.payers.origin}/clear-health/r4`,
        code_challenge: expect.stringMatching(/^[\w-]{43}$/),
        code_challenge_method: 'S256',
      });
    },
  'RFC 6749 §4.1.1: sends a payer no parameter that its profile says it does not accept': async (target) => {
    const { payerUrl } = await begin(target, {}, { payer: 'plain-health' });
    expect([...payerUrl.searchParams.keys()].sort()).toEqual(['client_id', 'redirect_uri', 'state']);
  },
});
