import { importJWK, jwtVerify } from 'jose';
import { answer, answerText, tokens } from '../support/payer/answers.ts';
import { words } from '../support/words.ts';
import { authorize, begin, callback, comeBack, connect, login, post, postAs, read } from './client.ts';
import { gatewayKey } from './local-config.ts';
import { promises, type Requirement } from './requirement.ts';
import type { WorldTarget } from './target.ts';
import { walk } from './walk.ts';

/** Every kind of refused input from a caller or a payer, each with the word in it. */
const misbehave = async (target: WorldTarget): Promise<void> => {
  const { portal, app } = target;
  const wrong = { ...portal, secret: 'wrong-secret-canary' };
  const jwt = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' };
  await authorize(target, { state: 'state-canary', response_type: 'type-canary', scope: 'scope-canary' });
  await callback(target, { state: 'state-canary', code: 'payer-code-canary', error: 'error-canary' });
  await postAs(target, wrong, 'token', { grant_type: 'grant-canary', code: 'p2pc_code-canary' });
  await postAs(target, portal, 'token', { grant_type: 'authorization_code', code: 'p2pc_code-canary' });
  await postAs(target, app, 'token', { grant_type: 'refresh_token', refresh_token: 'p2pr_refresh-canary' });
  await post(target, 'token', { grant_type: 'authorization_code', ...jwt, client_assertion: 'x.assertion-canary.y' });
  await postAs(target, portal, 'introspect', { token: 'token-canary' });
  await postAs(target, portal, 'revoke', { token: 'token-canary' });
  await read(target, '/Patient?access_token=token-canary');
  await read(target, '/Patient', 'token-canary');
  await read(target, '/Patient', 'p2pa_token-canary');
  const { access_token: token } = await connect(target);
  for (const path of words(`
    /Patient?_id=canary /Patient/pat-1/_history?_since=canary /Patient?_format=canary /Observation?_filter=canary
  `)) {
    await read(target, path, token);
  }
  const text = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'x', diagnostics: 'canary' }] };
  for (const status of [200, 302, 404, 429, 500]) {
    target.payers.script('clear-health', { r4: answer(status, text, { location: 'https://canary.example/' }) });
    await (await read(target, '/Patient', token)).text();
  }
  const refusal = answer(400, { error: 'invalid_canary', error_description: 'canary' });
  for (const endpoint of [
    refusal,
    answerText(200, '{"access_token":"payer-access-canary', {}),
    tokens({ expires_in: 'canary' }),
  ]) {
    target.payers.script('clear-health', { token: endpoint });
    await comeBack(await begin(target));
  }
};

/** What is never told. */
export const secrets: readonly Requirement[] = promises({
  'OWASP ASVS 16.2.5: has no secret, token, code, state, cookie or search of any flow in a log line': async (
    target,
  ) => {
    const walked = await walk(target);
    await misbehave(target);
    // The lines of every earlier requirement count too.
    const { logLines } = target;
    expect(logLines.length).toBeGreaterThan(20);
    expect(logLines.filter((line) => walked.some((secret) => line.includes(secret)))).toEqual([]);
    expect(logLines.filter((line) => /canary|p2p[acrs]_[\w-]{20}|private_key_jwk/i.test(line))).toEqual([]);
  },
  'openid-client #454: signs assertions that are valid at a payer whose clock is off by 120 s either way, and for five minutes at most':
    async (target) => {
      const as = { payer: 'keyed-health' };
      await login(target, {}, as);
      const [sent] = target.payers.requests(as.payer, 'token');
      const key = await importJWK(gatewayKey.publicJwk, 'ES384');
      for (const offMs of [-120_000, 0, 120_000]) {
        const { payload } = await jwtVerify(sent?.form.get('client_assertion') ?? '', key, {
          audience: `${target.payers.origin}/keyed-health/token`,
          issuer: 'gateway-at-keyed-health',
          currentDate: new Date(Date.now() + offMs),
          maxTokenAge: 300,
        });
        expect(Number(payload.exp) - Number(payload.iat)).toBeLessThanOrEqual(300);
        expect(payload.jti).toMatch(/\S/);
      }
      expect(sent?.form.has('client_secret')).toBe(false);
    },
  'RFC 7523 §3: signs each assertion with a new jti': async (target) => {
    const as = { payer: 'keyed-health' };
    await login(target, {}, as);
    await login(target, {}, as);
    const sent = target.payers.requests(as.payer, 'token').map(({ form }) => form.get('client_assertion'));
    expect(new Set(sent).size).toBe(2);
  },
});
