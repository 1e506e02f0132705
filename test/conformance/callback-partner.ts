import { sendBack, tokens } from '../support/payer/answers.ts';
import { codeCalls, issuerOf } from './at-payer.ts';
import { begin, comeBack, connect, login } from './client.ts';
import { expectSentBack } from './expectations.ts';
import { promises, type Requirement } from './requirement.ts';

/** What the partner is told. */
export const backToPartner: readonly Requirement[] = promises({
  "RFC 6749 §4.1.2: sends a one-time code, the partner's unchanged state, and iss": async (target) => {
    const state = ' a+b&c=d/é"<>%41';
    const { back } = await login(target, { state });
    expect([...back.searchParams.keys()].sort()).toEqual(['code', 'iss', 'state']);
    expect(back.searchParams.get('state')).toBe(state);
    expect(back.searchParams.get('iss')).toBe(`${target.origin}/r4/clear-health`);
  },
  'RFC 6749 §4.1.2: sends no state if none was sent': async (target) => {
    const { back } = await login(target, { state: undefined });
    expect([...back.searchParams.keys()].sort()).toEqual(['code', 'iss']);
  },
  'OWASP ASVS 3.3: deletes the login cookie': async (target) => {
    const begun = await begin(target);
    const [name = ''] = begun.cookie.split('=');
    const cleared = (await comeBack(begun)).headers.getSetCookie();
    expect(cleared).toEqual([`${name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0`]);
  },
  "RFC 6749 §4.1.2.1: passes on the payer's access_denied, without the payer's text": async (target) => {
    target.payers.script('clear-health', {
      authorize: (request) =>
        sendBack(request, { error: 'access_denied', error_description: 'text-of-the-payer', iss: issuerOf(target) }),
    });
    const begun = await begin(target, { state: 'kept' });
    const back = expectSentBack(target, await comeBack(begun), 'access_denied');
    expect(back.href).not.toContain('text-of-the-payer');
    expect(back.searchParams.get('state')).toBe('kept');
  },
  "RFC 6749 §4.1.2.1: passes on the payer's temporarily_unavailable": async (target) => {
    target.payers.script('clear-health', {
      authorize: (request) => sendBack(request, { error: 'temporarily_unavailable', iss: issuerOf(target) }),
    });
    expectSentBack(target, await comeBack(await begin(target)), 'temporarily_unavailable');
  },
  'RFC 6749 §4.1.2.1: tells the partner server_error if the payer sends an unknown error': async (target) => {
    target.payers.script('clear-health', {
      authorize: (request) => sendBack(request, { error: 'x"><script>', iss: issuerOf(target) }),
    });
    const back = expectSentBack(target, await comeBack(await begin(target)), 'server_error');
    expect(back.href).not.toContain('%3Cscript');
  },
  'RFC 6749 §4.1.2.1: tells the partner server_error if the payer sends neither code nor error': async (target) => {
    target.payers.script('clear-health', { authorize: (request) => sendBack(request, { iss: issuerOf(target) }) });
    expectSentBack(target, await comeBack(await begin(target)), 'server_error');
    expect(codeCalls(target)).toBe(0);
  },
  "OWASP ASVS 10.3.1: shows the partner nothing of the payer's code and tokens": async (target) => {
    target.payers.script('clear-health', { token: tokens({ id_token: 'payer-id-canary' }) });
    const { back } = await login(target);
    expect(back.href).not.toMatch(/payer-\w+-canary/);
    const issued = await connect(target);
    expect(JSON.stringify(issued)).not.toMatch(/payer-\w+-canary/);
  },
});
