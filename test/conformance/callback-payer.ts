import { challengeOf } from '../support/login/requests.ts';
import { answer, bundleOf, tokens } from '../support/payer/answers.ts';
import { begin, comeBack, connect, read } from './client.ts';
import { expectSentBack } from './expectations.ts';
import { promises, type Requirement } from './requirement.ts';
import { patientId } from './scripted-payer.ts';

/** What the payer is sent, and what its answer means. */
export const atPayer: readonly Requirement[] = promises({
  'RFC 6749 §4.1.3: sends the payer the same redirect URI, and the verifier of its challenge': async (target) => {
    const begun = await begin(target);
    await comeBack(begun);
    const [sent] = target.payers.requests('clear-health', 'token');
    expect(challengeOf(sent?.form.get('code_verifier') ?? '')).toBe(begun.payerUrl.searchParams.get('code_challenge'));
    expect(sent?.form.get('redirect_uri')).toBe(begun.payerUrl.searchParams.get('redirect_uri'));
  },
  'SMART App Launch 2.2: gives no more than the payer granted': async (target) => {
    target.payers.script('clear-health', {
      token: tokens({ scope: 'launch/patient patient/Patient.rs offline_access' }),
    });
    const { scope } = await connect(target, { scope: 'patient/*.rs offline_access' });
    expect(scope.split(' ').sort()).toEqual(['offline_access', 'patient/Patient.rs']);
  },
  "RFC 6749 §5.1: treats a payer's token answer without scope as a grant of the requested scope": async (target) => {
    target.payers.script('clear-health', { token: tokens({ scope: undefined }) });
    expect((await connect(target, { scope: 'patient/Claim.rs patient/Claim.r' })).scope).toBe(
      'patient/Claim.rs patient/Claim.r',
    );
    const as = { payer: 'slow-health' };
    target.payers.script(as.payer, { token: tokens({ scope: undefined }) });
    const { scope } = await connect(target, { scope: 'patient/*.rs offline_access' }, as);
    expect(scope).toBe('patient/Patient.rs patient/Observation.r offline_access');
  },
  'RFC 6749 §4.1.2.1: tells the partner access_denied if the payer granted nothing to read': async (target) => {
    target.payers.script('clear-health', { token: tokens({ scope: 'openid profile user/Claim.write' }) });
    expectSentBack(target, await comeBack(await begin(target)), 'access_denied');
  },
  'OWASP ASVS 10.4.9: has the payer revoke tokens that led to no grant': async (target) => {
    target.payers.script('clear-health', {
      token: tokens({ scope: 'user/Claim.write', refresh_token: 'payer-refresh-canary-x' }),
    });
    await comeBack(await begin(target));
    expect(target.payers.requests('clear-health', 'revoke').map(({ form }) => form.get('token'))).toEqual([
      'payer-refresh-canary-x',
    ]);
  },
  'SMART App Launch 2.2: searches for the patient at a payer whose token answer names none, and accepts only a single match':
    async (target) => {
      const as = { payer: 'plain-health' };
      target.payers.script(as.payer, { token: tokens({ patient: undefined }) });
      expect((await connect(target, {}, as)).patient).toBe(patientId);
      target.payers.script(as.payer, {
        r4: answer(200, bundleOf({ resourceType: 'Patient', id: 'a' }, { resourceType: 'Patient', id: 'b' })),
      });
      expectSentBack(target, await comeBack(await begin(target, {}, as)), 'server_error', as.payer);
      target.payers.script(as.payer, { r4: answer(403, {}) });
      expectSentBack(target, await comeBack(await begin(target, {}, as)), 'server_error', as.payer);
    },
  "SMART App Launch 2.2: ends a grant with the payer's access token if the payer gave no refresh token": async (
    target,
  ) => {
    target.payers.script('clear-health', { token: tokens({ refresh_token: undefined, expires_in: 120 }) });
    const issued = await connect(target);
    expect(issued.expires_in).toBeLessThanOrEqual(120);
    expect(issued.refresh_token).toBeUndefined();
    expect(issued.scope.split(' ')).not.toContain('offline_access');
    expect((await read(target, '/Patient', issued.access_token)).status).toBe(200);
  },
});
