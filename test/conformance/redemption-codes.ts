import { challengeOf, redemption } from '../support/login/requests.ts';
import { connect, introspect, login, post, read, redeem, tokensOf } from './client.ts';
import { expectOAuthError } from './expectations.ts';
import { promises, type Requirement } from './requirement.ts';

/** Which code is valid, for whom, and how many times. */
export const codes: readonly Requirement[] = promises({
  'OWASP ASVS 10.4.3: lets a code live 60 s': async (target) => {
    const { code } = await login(target);
    const { codeExpiresAt } = await target.store.grant(code);
    const left = Number(codeExpiresAt?.N) - target.now();
    expect(left).toBeGreaterThan(55);
    expect(left).toBeLessThanOrEqual(60);
  },
  'SMART App Launch 2.2: refuses an expired code whose item is still in the table': async (target) => {
    const logged = await login(target);
    await target.store.setGrant(logged.code, { codeExpiresAt: target.now() - 1, expiresAt: target.now() + 3600 });
    await expectOAuthError(await redeem(target, logged), 400, 'invalid_grant');
  },
  'DynamoDB TTL: refuses a code whose grant has expired but is still in the table': async (target) => {
    const logged = await login(target);
    await target.store.setGrant(logged.code, { expiresAt: target.now() - 1 });
    await expectOAuthError(await redeem(target, logged), 400, 'invalid_grant');
  },
  'RFC 6749 §4.1.2: refuses a code that is used twice, and ends the grant that it gave': async (target) => {
    const logged = await login(target);
    const issued = await tokensOf(await redeem(target, logged));
    await expectOAuthError(await redeem(target, logged), 400, 'invalid_grant');
    expect((await read(target, '/Patient', issued.access_token)).status).toBe(401);
    expect(await introspect(target, issued.refresh_token)).toEqual({ active: false });
  },
  'OWASP ASVS 15.4.2: gives at most one answer to 50 parallel redemptions of one code, and then the grant is ended':
    async (target) => {
      const logged = await login(target);
      const responses = await Promise.all(Array.from({ length: 50 }, () => redeem(target, logged)));
      const won = responses.filter(({ status }) => status === 200);
      expect(won.length).toBeLessThanOrEqual(1);
      const others = responses.filter((response) => !won.includes(response));
      // A busy machine may be unavailable to some callers for a moment, but no other caller is admitted.
      expect(others.filter(({ status }) => status !== 400 && status !== 503)).toEqual([]);
      await expectOAuthError(await redeem(target, logged), 400, 'invalid_grant');
      for (const response of won) {
        const { access_token: token } = await tokensOf(response);
        expect((await read(target, '/Patient', token)).status).toBe(401);
      }
      expect((await target.store.grant(logged.code))['revokedAt']).toBeDefined();
    },
  'RFC 6749 §10.5: leaves a grant unchanged if its code is used again after it expired': async (target) => {
    const logged = await login(target);
    const issued = await tokensOf(await redeem(target, logged));
    await target.store.setGrant(issued.access_token, { codeExpiresAt: target.now() - 1 });
    await expectOAuthError(await redeem(target, logged), 400, 'invalid_grant');
    expect((await read(target, '/Patient', issued.access_token)).status).toBe(200);
  },
  'RFC 7636 §4.6: does not consume a code if the verifier is wrong': async (target) => {
    const logged = await login(target);
    await expectOAuthError(await redeem(target, { ...logged, verifier: 'w'.repeat(43) }), 400, 'invalid_grant');
    expect((await redeem(target, logged)).status).toBe(200);
  },
  'RFC 7636 §4.5: does not consume a code if the verifier is missing': async (target) => {
    const logged = await login(target);
    await expectOAuthError(await redeem(target, logged, { code_verifier: undefined }), 400, 'invalid_grant');
    expect((await redeem(target, logged)).status).toBe(200);
  },
  'RFC 7636 §4.6: does not accept the challenge as the verifier': async (target) => {
    const logged = await login(target);
    await expectOAuthError(
      await redeem(target, { ...logged, verifier: challengeOf(logged.verifier) }),
      400,
      'invalid_grant',
    );
  },
  'RFC 9700 §2.1.1: refuses a verifier if the login had no challenge': async (target) => {
    const as = { app: target.apps.oldPortal };
    const logged = await login(target, { code_challenge: undefined, code_challenge_method: undefined }, as);
    await expectOAuthError(await redeem(target, logged, {}, as), 400, 'invalid_grant');
    expect((await redeem(target, logged, { code_verifier: undefined }, as)).status).toBe(200);
  },
  'RFC 9700 §4.8: requires the verifier from a partner that may omit PKCE but sent a challenge': async (target) => {
    const as = { app: target.apps.oldPortal };
    const logged = await login(target, {}, as);
    await expectOAuthError(await redeem(target, logged, { code_verifier: undefined }, as), 400, 'invalid_grant');
  },
  'RFC 6749 §4.1.3: does not consume a code if redirect_uri differs': async (target) => {
    const logged = await login(target);
    const other = { redirect_uri: 'https://portal.example.org/callback?tenant=1' };
    await expectOAuthError(await redeem(target, logged, other), 400, 'invalid_grant');
    expect((await redeem(target, logged, { redirect_uri: target.portal.redirectUri })).status).toBe(200);
  },
  'RFC 6749 §4.1.3: does not consume a code if another client presents it': async (target) => {
    const logged = await login(target);
    await expectOAuthError(await redeem(target, logged, {}, { app: target.apps.otherPortal }), 400, 'invalid_grant');
    const nobody = await post(target, 'token', redemption(logged.code, { code_verifier: logged.verifier }));
    await expectOAuthError(nobody, 401, 'invalid_client');
    expect((await redeem(target, logged)).status).toBe(200);
  },
  'RFC 6749 §10.5: does not end a grant if another client replays its code, or someone with a wrong verifier or redirect URI':
    async (target) => {
      const logged = await login(target);
      const issued = await tokensOf(await redeem(target, logged));
      await expectOAuthError(await redeem(target, logged, {}, { app: target.apps.otherPortal }), 400, 'invalid_grant');
      for (const change of [
        { code_verifier: 'w'.repeat(43) },
        { code_verifier: undefined },
        { redirect_uri: 'https://evil.example/' },
      ]) {
        await expectOAuthError(await redeem(target, logged, change), 400, 'invalid_grant');
      }
      expect((await read(target, '/Patient', issued.access_token)).status).toBe(200);
    },
  'OWASP ASVS 11.5.1: refuses a code with one changed character': async (target) => {
    const logged = await login(target);
    for (const at of [8, 40, logged.code.length - 2]) {
      const other = logged.code[at] === 'A' ? 'B' : 'A';
      const code = logged.code.slice(0, at) + other + logged.code.slice(at + 1);
      await expectOAuthError(await redeem(target, { ...logged, code }), 400, 'invalid_grant');
    }
    expect((await redeem(target, logged)).status).toBe(200);
  },
  'RFC 6749 §4.1.3: accepts no access token and no refresh token as a code': async (target) => {
    const issued = await connect(target);
    for (const code of [issued.access_token, issued.refresh_token]) {
      await expectOAuthError(await redeem(target, { code, verifier: 'v'.repeat(43) }), 400, 'invalid_grant');
    }
    expect((await read(target, '/Patient', issued.access_token)).status).toBe(200);
  },
});
