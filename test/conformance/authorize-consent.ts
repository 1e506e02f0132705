import {
  authorize,
  authorizeEndpoint,
  authorizeParameters,
  begin,
  callback,
  cookiesOf,
  decide,
  login,
} from './client.ts';
import { expectErrorPage, expectSentBack } from './expectations.ts';
import { promises, type Requirement } from './requirement.ts';
import { untouched } from './untouched.ts';

/** The gateway's own question to the member. */
export const consent: readonly Requirement[] = promises({
  'OWASP ASVS 10.7.1: asks the member first, naming partner, payer and scopes, and remembers nothing yet': (target) =>
    untouched(target, async () => {
      const page = await authorize(
        target,
        { scope: 'patient/Observation.rs offline_access' },
        { app: target.apps.asking },
      );
      expect(page.status).toBe(200);
      const html = await page.text();
      for (const shown of [
        'Asking &amp; Sons',
        'clear-health',
        'Test results, vital signs',
        'even when you are signed out',
      ])
        expect(html).toContain(shown);
      expect(html).toContain(String(new Date(Date.now() + 180 * 86_400_000).getUTCFullYear()));
    }),
  'OWASP ASVS 10.7.2: tells the partner access_denied if the member does not allow it': (target) =>
    untouched(target, async () => {
      const page = await authorize(target, { state: 'kept' }, { app: target.apps.asking });
      const back = expectSentBack(target, await decide(page, 'deny'), 'access_denied');
      expect(back.searchParams.get('state')).toBe('kept');
    }),
  "OWASP ASVS 3.5.1: refuses a consent form that another site sent without the browser's token": (target) =>
    untouched(target, async () => {
      const page = await authorize(target, {}, { app: target.apps.asking });
      expectSentBack(target, await decide(page, 'allow', ''), 'invalid_request');
    }),
  "OWASP ASVS 3.5.1: refuses a consent form with another browser's token": (target) =>
    untouched(target, async () => {
      const mine = await authorize(target, {}, { app: target.apps.asking });
      const theirs = await authorize(target, {}, { app: target.apps.asking });
      expectSentBack(target, await decide(mine, 'allow', cookiesOf(theirs)), 'invalid_request');
    }),
  'OWASP ASVS 10.7.1: checks the consent form again: a changed scope or redirect URI gains nothing': (target) =>
    untouched(target, async () => {
      const page = await authorize(target, {}, { app: target.apps.asking });
      const token = /name="consent_token" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
      const send = (change: Readonly<Record<string, string>>) =>
        fetch(authorizeEndpoint(target), {
          method: 'POST',
          redirect: 'manual',
          headers: { cookie: cookiesOf(page) },
          body: authorizeParameters(
            target,
            { ...change, consent_token: token, decision: 'allow' },
            { app: target.apps.asking },
          ),
        });
      await expectErrorPage(await send({ redirect_uri: 'https://evil.example/callback' }));
      expectSentBack(target, await send({ scope: 'system/*.rs' }), 'invalid_scope');
    }),
  'CSP 3 §6.4.2: lets the consent form lead to the payer and back, and nowhere else': async (target) => {
    const page = await authorize(target, {}, { app: target.apps.asking });
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain(`form-action 'self' ${target.payers.origin} https://app.example.org;`);
  },
  'OWASP ASVS 10.7.1: continues to the payer, and to a code, if the member allows it': async (target) => {
    const { code } = await login(target, {}, { app: target.apps.asking });
    expect(code).toMatch(/^p2pc_/);
  },
  "OWASP ASVS 10.7.1: shows no consent page twice: the payer's answer alone ends a login": async (target) => {
    const begun = await begin(target, {}, { app: target.apps.asking });
    const response = await callback(
      target,
      { state: begun.state, error: 'access_denied', iss: `${target.payers.origin}/clear-health` },
      begun,
    );
    expectSentBack(target, response, 'access_denied');
  },
});
