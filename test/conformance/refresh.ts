import type { Tokens } from '../support/login/steps.ts';
import { connect, introspect, post, postAs, read, refresh, tokensOf } from './client.ts';
import { expectOAuthError, expectOutcome } from './expectations.ts';
import { onStage, promises, type Group, type Requirement } from './requirement.ts';
import type { WorldTarget } from './target.ts';

const isGood = async (target: WorldTarget, token: string): Promise<boolean> =>
  (await read(target, '/Patient', token)).status === 200;

/** Bearer bytes in a different order, with a matching checksum: what someone who knows the format can forge. */
const forgedRefreshToken = async ({ access_token: access }: Tokens): Promise<string> => {
  const { createHash, randomBytes } = await import('node:crypto');
  const bytes = Buffer.from(access.slice('p2pa_'.length), 'base64url');
  // Grant id and grant key are in an access token; the family secret is not.
  const body = Buffer.concat([bytes.subarray(0, 48), randomBytes(64)]);
  const checksum = createHash('sha256').update('p2pr_').update(body).digest().subarray(0, 4);
  return `p2pr_${Buffer.concat([body, checksum]).toString('base64url')}`;
};

const rotation: readonly Requirement[] = promises({
  'RFC 9700 §4.14.2: rotates: a refresh gives a new pair': async (target) => {
    const first = await connect(target);
    const second = await tokensOf(await refresh(target, first.refresh_token));
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(second.access_token).not.toBe(first.access_token);
    expect(second).toEqual({
      ...first,
      access_token: expect.stringMatching(/^p2pa_/),
      refresh_token: expect.stringMatching(/^p2pr_/),
      expires_in: expect.any(Number),
    });
    expect(second.expires_in).toBeGreaterThan(3500);
    expect(second.expires_in).toBeLessThanOrEqual(3600);
    expect(await isGood(target, second.access_token)).toBe(true);
  },
  'RFC 6749 §6: allows no refreshed token to be stored: no-store, no-cache': async (target) => {
    const { headers } = await refresh(target, (await connect(target)).refresh_token);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('pragma')).toBe('no-cache');
  },
  'RFC 9700 §4.14.2: gives the same pair again within the grace period, so a lost answer ends nothing': async (
    target,
  ) => {
    const { refresh_token: token } = await connect(target);
    const first = await tokensOf(await refresh(target, token));
    const again = await tokensOf(await refresh(target, token));
    expect([again.access_token, again.refresh_token]).toEqual([first.access_token, first.refresh_token]);
    expect(await isGood(target, first.access_token)).toBe(true);
  },
  'OWASP ASVS 15.4.2: gives 20 parallel refreshes the same pair': async (target) => {
    const { refresh_token: token } = await connect(target);
    const responses = await Promise.all(Array.from({ length: 20 }, () => refresh(target, token)));
    const pairs = await Promise.all(responses.map(tokensOf));
    expect(new Set(pairs.map((pair) => `${pair.access_token} ${pair.refresh_token}`)).size).toBe(1);
  },
  'RFC 6749 §6: keeps the previous access token valid until it expires': async (target) => {
    const first = await connect(target);
    await refresh(target, first.refresh_token);
    expect(await isGood(target, first.access_token)).toBe(true);
  },
  'RFC 9700 §4.14: refuses a refresh token that is reused after its grace period, and ends the grant': async (
    target,
  ) => {
    const first = await connect(target);
    const second = await tokensOf(await refresh(target, first.refresh_token));
    await target.store.setGrant(first.access_token, { rotatedAt: target.now() - 61 });
    await expectOAuthError(await refresh(target, first.refresh_token), 400, 'invalid_grant');
    await expectOAuthError(await refresh(target, second.refresh_token), 400, 'invalid_grant');
    expect(await isGood(target, second.access_token)).toBe(false);
  },
  'RFC 9700 §4.14: counts a reuse in the metric that an alarm watches': async (target) => {
    const metric = (): number => target.logLines.filter((line) => /"reuseDetected":1\b/.test(line)).length;
    const first = await connect(target);
    await refresh(target, first.refresh_token);
    await target.store.setGrant(first.access_token, { rotatedAt: target.now() - 61 });
    const before = metric();
    await refresh(target, first.refresh_token);
    expect(metric()).toBe(before + 1);
  },
  'RFC 9700 §4.14: refuses the token before last even within the grace period, and ends the grant': async (target) => {
    const first = await connect(target);
    const second = await tokensOf(await refresh(target, first.refresh_token));
    const third = await tokensOf(await refresh(target, second.refresh_token));
    await expectOAuthError(await refresh(target, first.refresh_token), 400, 'invalid_grant');
    expect(await isGood(target, third.access_token)).toBe(false);
  },
  'RFC 9700 §4.14: gives a public client a grace period of 10 s': async (target) => {
    const as = { app: target.apps.app };
    const first = await connect(target, {}, as);
    await refresh(target, first.refresh_token, {}, as);
    await target.store.setGrant(first.access_token, { rotatedAt: target.now() - 11 });
    await expectOAuthError(await refresh(target, first.refresh_token, {}, as), 400, 'invalid_grant');
  },
  "RFC 9700 §4.14.2: gives each repeat of a public client's refresh its own refresh token, and ends the grant once two are used":
    async (target) => {
      const as = { app: target.apps.app };
      const { refresh_token: token } = await connect(target, {}, as);
      const first = await tokensOf(await refresh(target, token, {}, as));
      const repeat = await tokensOf(await refresh(target, token, {}, as));
      expect(repeat.access_token).toBe(first.access_token);
      expect(repeat.refresh_token).not.toBe(first.refresh_token);
      const next = await tokensOf(await refresh(target, repeat.refresh_token, {}, as));
      await expectOAuthError(await refresh(target, first.refresh_token, {}, as), 400, 'invalid_grant');
      expect(await isGood(target, next.access_token)).toBe(false);
    },
  'RFC 9700 §4.14: ends no grant for a reuse that was forged from an access token': async (target) => {
    const issued = await connect(target);
    await expectOAuthError(await refresh(target, await forgedRefreshToken(issued)), 400, 'invalid_grant');
    expect(await isGood(target, issued.access_token)).toBe(true);
  },
});

const owners: readonly Requirement[] = promises({
  "RFC 6749 §6: refuses another client's refresh token, and keeps the grant": async (target) => {
    const { refresh_token: token } = await connect(target);
    await expectOAuthError(await refresh(target, token, {}, { app: target.apps.otherPortal }), 400, 'invalid_grant');
    expect((await refresh(target, token)).status).toBe(200);
  },
  'RFC 6749 §6: ends no grant if another client reuses its old refresh token': async (target) => {
    const first = await connect(target);
    const second = await tokensOf(await refresh(target, first.refresh_token));
    await target.store.setGrant(first.access_token, { rotatedAt: target.now() - 61 });
    await expectOAuthError(
      await refresh(target, first.refresh_token, {}, { app: target.apps.otherPortal }),
      400,
      'invalid_grant',
    );
    expect(await isGood(target, second.access_token)).toBe(true);
  },
  'RFC 6749 §6: refuses a confidential client that does not authenticate': async (target) => {
    const { refresh_token: token } = await connect(target);
    const form = { grant_type: 'refresh_token', refresh_token: token };
    await expectOAuthError(await post(target, 'token', form), 401, 'invalid_client');
    await expectOAuthError(await post(target, 'token', { ...form, client_id: 'portal' }), 401, 'invalid_client');
  },
  'RFC 6749 §6: lets a public client refresh with its token alone': async (target) => {
    const { refresh_token: token } = await connect(target, {}, { app: target.apps.app });
    const response = await post(target, 'token', { grant_type: 'refresh_token', refresh_token: token });
    expect((await tokensOf(response)).refresh_token).toMatch(/^p2pr_/);
  },
});

const limits: readonly Requirement[] = promises({
  'RFC 6749 §6: refuses a refresh that widens the scope: invalid_scope': async (target) => {
    const { refresh_token: token } = await connect(target, { scope: 'patient/Patient.rs offline_access' });
    await expectOAuthError(await refresh(target, token, { scope: 'patient/*.rs' }), 400, 'invalid_scope');
    expect((await refresh(target, token)).status).toBe(200);
  },
  'RFC 6749 §6: narrows the scope if a refresh asks for less, and the FHIR route enforces it': async (target) => {
    const { refresh_token: token } = await connect(target);
    const narrowed = await tokensOf(await refresh(target, token, { scope: 'patient/Patient.rs' }));
    expect(narrowed.scope).toBe('patient/Patient.rs');
    expect(await isGood(target, narrowed.access_token)).toBe(true);
    await expectOutcome(await read(target, '/Observation', narrowed.access_token), 403);
  },
  'RFC 6749 §6: accepts the scope that the login asked for, including what was not granted, since clients repeat it':
    async (target) => {
      const scope = 'openid fhirUser launch/patient patient/*.rs patient/*.cruds offline_access';
      const { refresh_token: token } = await connect(target, { scope });
      expect((await tokensOf(await refresh(target, token, { scope }))).scope).toBe(
        'launch/patient patient/*.rs offline_access',
      );
      const as = { app: target.apps.narrow };
      const narrow = await connect(target, { scope }, as);
      expect((await tokensOf(await refresh(target, narrow.refresh_token, { scope }, as))).scope).toBe(narrow.scope);
    },
  'RFC 6749 §6: refuses a refresh that asks for nothing to read: invalid_scope': async (target) => {
    const { refresh_token: token } = await connect(target);
    await expectOAuthError(await refresh(target, token, { scope: 'openid offline_access' }), 400, 'invalid_scope');
    expect((await refresh(target, token)).status).toBe(200);
  },
  'RFC 6749 §6: narrows only one access token, not the refresh token, and counts a blank scope as none': async (
    target,
  ) => {
    const { refresh_token: token } = await connect(target);
    const narrowed = await tokensOf(await refresh(target, token, { scope: 'patient/Patient.rs' }));
    const whole = await tokensOf(await refresh(target, narrowed.refresh_token));
    const again = await tokensOf(await refresh(target, whole.refresh_token, { scope: ' ' }));
    for (const { scope } of [whole, again]) expect(scope).toBe('launch/patient patient/*.rs offline_access');
  },
  "OWASP ASVS 10.4.8: refuses a refresh after the grant's absolute end, even if its item is still in the table": async (
    target,
  ) => {
    const issued = await connect(target);
    await target.store.setGrant(issued.access_token, { endsAt: target.now() - 1, expiresAt: target.now() - 1 });
    await expectOAuthError(await refresh(target, issued.refresh_token), 400, 'invalid_grant');
  },
  'OWASP ASVS 10.4.8: lets no access token live longer than its grant': async (target) => {
    const issued = await connect(target);
    await target.store.setGrant(issued.access_token, { endsAt: target.now() + 100, expiresAt: target.now() + 100 });
    const last = await tokensOf(await refresh(target, issued.refresh_token));
    expect(last.expires_in).toBeGreaterThan(90);
    expect(last.expires_in).toBeLessThanOrEqual(100);
  },
  'OWASP ASVS 10.4.8: does not extend a grant by refreshing': async (target) => {
    const issued = await connect(target);
    const before = (await target.store.grant(issued.access_token))['endsAt'];
    await refresh(target, issued.refresh_token);
    expect((await target.store.grant(issued.access_token))['endsAt']).toEqual(before);
    expect(Number(before?.N) - target.now()).toBeLessThanOrEqual(180 * 86_400);
  },
  'RFC 6749 §5.2: accepts no access token as a refresh token': async (target) => {
    const { access_token: token } = await connect(target);
    await expectOAuthError(await refresh(target, token), 400, 'invalid_grant');
    expect(await introspect(target, token)).toMatchObject({ active: true });
  },
  'RFC 6749 §5.2: refuses a refresh token that was not issued here: invalid_grant': onStage(async (target) => {
    for (const token of ['nothing', 'p2pr_', `p2pr_${'A'.repeat(155)}`, 'p2pr_\u0000']) {
      await expectOAuthError(await refresh(target, token), 400, 'invalid_grant');
    }
  }),
  'RFC 6749 §6: refuses a request without a refresh token': onStage(async (target) => {
    const form = { grant_type: 'refresh_token' };
    await expectOAuthError(await postAs(target, target.portal, 'token', form), 400, 'invalid_request');
  }),
});

/** The token endpoint: refreshing. */
export const refreshGroup: Group = { endpoint: 'token: refresh', requirements: [...rotation, ...owners, ...limits] };
