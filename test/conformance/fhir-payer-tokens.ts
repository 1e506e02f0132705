import { answer, bundleOf, tokens, type Endpoint } from '../support/payer/answers.ts';
import { connect, read } from './client.ts';
import { challengeHeaderOf, expectOutcome } from './expectations.ts';
import { promises, type Requirement } from './requirement.ts';
import type { WorldTarget } from './target.ts';

const fhirJson = { 'content-type': 'application/fhir+json' };

const calls = ({ payers }: WorldTarget, endpoint: Endpoint): number => payers.requests('clear-health', endpoint).length;

const refreshes = ({ payers }: WorldTarget): number =>
  payers.requests('clear-health', 'token').filter(({ form }) => form.get('grant_type') === 'refresh_token').length;

/** A payer's tokens that expire or are refused. */
export const payerTokens: readonly Requirement[] = promises({
  "OWASP API10:2023: refreshes once and retries once on a payer's 401, unseen by the partner": async (target) => {
    const { access_token: token } = await connect(target);
    target.payers.script('clear-health', {
      token: tokens({ access_token: 'payer-access-canary-second' }),
      r4: (request) =>
        answer(request.headers.authorization === 'Bearer payer-access-canary-second' ? 200 : 401, bundleOf(), fhirJson),
    });
    expect((await read(target, '/Patient', token)).status).toBe(200);
    expect([refreshes(target), calls(target, 'r4')]).toEqual([1, 2]);
    expect((await read(target, '/Patient', token)).status).toBe(200);
    expect([refreshes(target), calls(target, 'r4')]).toEqual([1, 3]);
  },
  'RFC 6750 §3.1: answers 403, not 401, if the payer still refuses after a refresh, so clients do not loop': async (
    target,
  ) => {
    const { access_token: token } = await connect(target);
    target.payers.script('clear-health', { r4: answer(401, {}) });
    const response = await read(target, '/Patient', token);
    expect(challengeHeaderOf(target, response)).toBeNull();
    await expectOutcome(response, 403);
    expect([refreshes(target), calls(target, 'r4')]).toEqual([1, 2]);
  },
  'oauth2-proxy #1992: answers 401 if the payer has revoked the grant, and does not ask the payer again': async (
    target,
  ) => {
    const { access_token: token } = await connect(target);
    target.payers.script('clear-health', { r4: answer(401, {}), token: answer(400, { error: 'invalid_grant' }) });
    const response = await read(target, '/Patient', token);
    expect(challengeHeaderOf(target, response)).toMatch(/^Bearer error="invalid_token"/);
    await expectOutcome(response, 401);
    for (let again = 0; again < 3; again += 1) await expectOutcome(await read(target, '/Patient', token), 401);
    expect([refreshes(target), calls(target, 'r4')]).toEqual([1, 1]);
  },
  "SMART App Launch 2.2: ends a grant whose payer answers a refresh with another patient's tokens, uses none of them and has them revoked":
    async (target) => {
      const { access_token: token } = await connect(target);
      target.payers.script('clear-health', {
        token: tokens({
          access_token: 'payer-access-canary-other',
          refresh_token: 'payer-refresh-canary-o',
          patient: 'x',
        }),
        r4: answer(401, {}),
      });
      await expectOutcome(await read(target, '/Patient', token), 401);
      await expectOutcome(await read(target, '/Patient', token), 401);
      const sent = target.payers.requests('clear-health', 'r4').map(({ headers }) => headers.authorization);
      expect(sent).not.toContain('Bearer payer-access-canary-other');
      expect(sent).toHaveLength(1);
      const revoked = target.payers.requests('clear-health', 'revoke').map(({ form }) => form.get('token'));
      expect(revoked).toEqual(['payer-refresh-canary-o']);
    },
  "OWASP ASVS 16.5.3: keeps the grant while the payer's token endpoint is down: 503, and works again afterwards":
    async (target) => {
      target.payers.script('clear-health', { token: tokens({ expires_in: 1 }) });
      const { access_token: token } = await connect(target);
      await target.passSeconds(1.1);
      target.payers.script('clear-health', { token: answer(500, {}) });
      const response = await read(target, '/Patient', token);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      await expectOutcome(response, 503);
      expect(calls(target, 'r4')).toBe(0);
      target.payers.script('clear-health', { token: tokens() });
      expect((await read(target, '/Patient', token)).status).toBe(200);
    },
  'RFC 6749 §6: refreshes payer tokens once if 20 concurrent reads need them': async (target) => {
    target.payers.script('clear-health', { token: tokens({ expires_in: 1 }) });
    const { access_token: token } = await connect(target);
    await target.passSeconds(1.1);
    target.payers.script('clear-health', { token: tokens() });
    // Starts twenty environments. On a busy machine their cold starts take longer than writing an audit event may.
    await Promise.all(Array.from({ length: 20 }, () => read(target, '/Patient', 'none')));
    const patiently = async (): Promise<number> => {
      let { status } = await read(target, '/Patient', token);
      // A busy machine answers that now and then, and a caller does as it says: tries again.
      for (let tries = 1; status === 503 && tries < 4; tries += 1) ({ status } = await read(target, '/Patient', token));
      return status;
    };
    const statuses = await Promise.all(Array.from({ length: 20 }, patiently));
    expect(statuses).toEqual(Array.from({ length: 20 }, () => 200));
    expect(refreshes(target)).toBe(1);
  },
  "RFC 6749 §6: refreshes with the payer's newest refresh token, or keeps the old one if none comes": async (
    target,
  ) => {
    const used = (): (string | null)[] =>
      target.payers.requests('clear-health', 'token').map(({ form }) => form.get('refresh_token'));
    target.payers.script('clear-health', {
      token: tokens({ expires_in: 30, refresh_token: 'payer-refresh-canary-1' }),
    });
    const { access_token: token } = await connect(target);
    target.payers.script('clear-health', {
      token: tokens({ expires_in: 30, refresh_token: 'payer-refresh-canary-2' }),
    });
    await read(target, '/Patient', token);
    target.payers.script('clear-health', { token: tokens({ expires_in: 30, refresh_token: undefined }) });
    await read(target, '/Patient', token);
    await read(target, '/Patient', token);
    expect(used()).toEqual([null, 'payer-refresh-canary-1', 'payer-refresh-canary-2', 'payer-refresh-canary-2']);
  },
  "OWASP ASVS 16.5.3: answers 503 if a payer's secret is missing, for this payer only": async (target) => {
    const as = { payer: 'unready-health' };
    target.setSecret(as.payer, { client_secret: 'unready-health-secret-canary' });
    target.payers.script(as.payer, { token: tokens({ expires_in: 1 }) });
    const { access_token: token } = await connect(target, {}, as);
    await target.passSeconds(1.1);
    target.setSecret(as.payer, undefined);
    const response = await read(target, '/Patient', token, as);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    await expectOutcome(response, 503);
    expect((await read(target, '/Patient', (await connect(target)).access_token)).status).toBe(200);
  },
});
