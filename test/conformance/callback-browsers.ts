import { broughtBack, codeCalls } from './at-payer.ts';
import { begin, callback, comeBack, locationOf } from './client.ts';
import { expectErrorPage } from './expectations.ts';
import { onStage, promises, type Requirement } from './requirement.ts';

/** Whose login it is, and whose answer. */
export const browsers: readonly Requirement[] = promises({
  'RFC 9700 §4.7: shows a page to a browser that did not begin the login': onStage(async (target) => {
    const { state } = await begin(target);
    await expectErrorPage(await callback(target, { state, code: 'stolen' }));
  }),
  "RFC 9700 §4.7: consumes nothing without the cookie, or with another browser's": async (target) => {
    const mine = await begin(target);
    const theirs = await begin(target);
    await expectErrorPage(await callback(target, await broughtBack(mine)));
    await expectErrorPage(await callback(target, await broughtBack(mine), { cookie: theirs.cookie }));
    const forged = mine.cookie.replace(/=.*/, `=${'A'.repeat(43)}`);
    await expectErrorPage(await callback(target, await broughtBack(mine), { cookie: forged }));
    expect(codeCalls(target)).toBe(0);
    expect(locationOf(await comeBack(mine)).searchParams.get('code')).toMatch(/^p2pc_/);
  },
  'RFC 9207 §2.4: shows a page if iss is another issuer, and consumes nothing': async (target) => {
    const begun = await begin(target);
    const wrong = { ...(await broughtBack(begun)), iss: 'https://evil.example' };
    await expectErrorPage(await callback(target, wrong, begun));
    expect(codeCalls(target)).toBe(0);
    expect(locationOf(await comeBack(begun)).searchParams.has('code')).toBe(true);
  },
  'RFC 9207 §2.4: shows a page if the payer should send iss but did not, and consumes nothing': async (target) => {
    const begun = await begin(target);
    await expectErrorPage(await callback(target, { ...(await broughtBack(begun)), iss: undefined }, begun));
    expect(locationOf(await comeBack(begun)).searchParams.has('code')).toBe(true);
  },
  "RFC 9207 §2.4: requires iss on a payer's error too": async (target) => {
    const begun = await begin(target);
    await expectErrorPage(await callback(target, { state: begun.state, error: 'access_denied' }, begun));
  },
  'RFC 9207 §2.4: ignores the iss of a payer that is not known to send one': async (target) => {
    const payer = 'plain-health';
    const begun = await begin(target, {}, { payer });
    const response = await callback(
      target,
      { ...(await broughtBack(begun)), iss: 'https://other.example' },
      { ...begun, payer },
    );
    expect(locationOf(response).searchParams.get('code')).toMatch(/^p2pc_/);
  },
  "RFC 9700 §4.4: refuses a state at another payer's callback, and consumes nothing": async (target) => {
    const begun = await begin(target);
    await expectErrorPage(await callback(target, await broughtBack(begun), { ...begun, payer: 'plain-health' }));
    expect(codeCalls(target, 'plain-health')).toBe(0);
    expect(locationOf(await comeBack(begun)).searchParams.has('code')).toBe(true);
  },
});
