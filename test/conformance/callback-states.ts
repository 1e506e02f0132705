import { broughtBack, codeCalls } from './at-payer.ts';
import { begin, callback, locationOf } from './client.ts';
import { expectErrorPage } from './expectations.ts';
import { onStage, promises, type Requirement } from './requirement.ts';

/** Which login it is, and whether it is finished. */
export const states: readonly Requirement[] = promises({
  'RFC 6749 §10.12: shows a page for an unknown state': onStage(async (target) => {
    const { cookie } = await begin(target);
    await expectErrorPage(await callback(target, { state: 'A'.repeat(43), code: 'x' }, { cookie }));
  }),
  'OWASP ASVS 2.2.1: shows a page for a state of 5000 characters': onStage(async (target) => {
    await expectErrorPage(await callback(target, { state: 'A'.repeat(5000), code: 'x' }));
  }),
  'RFC 6749 §10.12: shows a page for a missing state': onStage(async (target) => {
    await expectErrorPage(await callback(target, { code: 'x' }));
  }),
  'RFC 6749 §3.1: shows a page for a repeated state': onStage(async (target) => {
    const { state } = await begin(target);
    await expectErrorPage(
      await fetch(`${target.origin}/oauth2/callback/${target.payer}?state=${state}&state=${state}&code=x`, {
        redirect: 'manual',
      }),
    );
  }),
  'OWASP ASVS 10.4.1: shows a page at the callback of an unknown payer': onStage(async (target) => {
    await expectErrorPage(await callback(target, { state: 'A'.repeat(43), code: 'x' }, { payer: 'no-such-payer' }));
  }),
  'OWASP ASVS 3.3: answers 405 to a POST, which would come without the cookie': onStage(async (target) => {
    const response = await callback(target, { state: 'A'.repeat(43), code: 'x' }, { method: 'POST' });
    await expectErrorPage(response, 405);
    expect(response.headers.get('allow')).toBe('GET');
  }),
  'DynamoDB TTL: shows a page for a login attempt that has expired but is still in the table': async (target) => {
    const begun = await begin(target);
    await target.store.setLoginAttempt(begun.state, { expiresAt: target.now() - 1 });
    await expectErrorPage(await callback(target, await broughtBack(begun), begun));
    expect(codeCalls(target)).toBe(0);
  },
  'RFC 6749 §10.5: says that a login is finished if the callback is opened again, and sends no second code': async (
    target,
  ) => {
    const begun = await begin(target);
    const url = locationOf(await fetch(begun.payerUrl, { redirect: 'manual' }));
    const open = (): Promise<Response> => fetch(url, { redirect: 'manual', headers: { cookie: begun.cookie } });
    expect((await open()).status).toBe(302);
    const again = await open();
    const html = await again.clone().text();
    await expectErrorPage(again);
    expect(html).toContain('href="https://portal.example.org/"');
    expect(codeCalls(target)).toBe(1);
  },
  'OWASP ASVS 15.4.2: accepts one of 10 parallel callbacks, and sends the code to the payer once': async (target) => {
    const begun = await begin(target);
    const url = locationOf(await fetch(begun.payerUrl, { redirect: 'manual' }));
    const open = (): Promise<Response> => fetch(url, { redirect: 'manual', headers: { cookie: begun.cookie } });
    const answers = await Promise.all(Array.from({ length: 10 }, open));
    expect(answers.filter(({ status }) => status === 302)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(9);
    expect(codeCalls(target)).toBe(1);
  },
});
