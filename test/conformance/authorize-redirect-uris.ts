import { words } from '../support/words.ts';
import { authorize, login } from './client.ts';
import { expectErrorPage } from './expectations.ts';
import { onStage, promises, requirement, type Requirement } from './requirement.ts';

const spellings: readonly (readonly [string, string, (uri: string) => string])[] = [
  ['RFC 6749 §3.1.2.3', 'in another letter case', (uri) => uri.replace('callback', 'Callback')],
  ['CVE-2026-3872', 'with "..;/" in its path', (uri) => uri.replace('/callback', '/x/..;/callback')],
  ['CVE-2026-7504', 'with several @', (uri) => uri.replace('://', '://user@evil.example@')],
  ['RFC 9700 §4.1.3', 'with a query added', (uri) => `${uri}?next=https://evil.example`],
  ['OWASP ASVS 10.4.1', 'with a %09 added', (uri) => `${uri}%09`],
  ['OWASP ASVS 10.4.1', 'with a tab added', (uri) => uri.replace('callback', '\tcallback')],
  ['RFC 9700 §4.1.3', 'with a longer host', (uri) => uri.replace(/^(https?:\/\/[^/:]+)/, '$1.evil.example')],
  ['RFC 6749 §3.1.2', 'with a fragment', (uri) => `${uri}#fragment`],
  ['RFC 9700 §4.1.3', 'with a trailing slash', (uri) => `${uri}/`],
  ['RFC 9700 §4.1.1', 'with another scheme', (uri) => uri.replace(/^https?/, 'javascript')],
];

/** Where a browser may be sent back to. */
export const redirectUris: readonly Requirement[] = [
  ...spellings.map(([source, spelling, change]) =>
    requirement(source, `shows a page, and does not redirect, for a redirect URI ${spelling}`, async (target) => {
      await expectErrorPage(await authorize(target, { redirect_uri: change(target.portal.redirectUri) }));
    }),
  ),
  ...promises({
    'RFC 6749 §4.1.2.1: shows a page for a missing redirect URI': onStage(async (target) => {
      await expectErrorPage(await authorize(target, { redirect_uri: undefined }));
    }),
    "RFC 6749 §4.1.2.1: shows a page for another client's redirect URI": onStage(async (target) => {
      await expectErrorPage(await authorize(target, { redirect_uri: `${target.app.webOrigin}/callback/other` }));
    }),
    'RFC 8252 §7.3: accepts any port in a public client’s loopback redirect URI': async (target) => {
      for (const redirectUri of [
        'http://127.0.0.1:1/callback',
        'http://[::1]:65535/callback',
        'http://127.0.0.1/callback',
      ]) {
        const { back } = await login(target, { redirect_uri: redirectUri }, { app: target.apps.native }).catch(
          (error: unknown) => Promise.reject(new Error(redirectUri, { cause: error })),
        );
        expect(back.href.startsWith(new URL(redirectUri).href)).toBe(true);
      }
    },
    'CVE-2020-15233: accepts no other difference in a loopback redirect URI than the port': async (target) => {
      const wrong = words(`
        http://127.0.0.1:8000/callback/ http://127.0.0.1:8000/Callback http://127.0.0.1:8000/callback?x=1
        http://localhost:8000/callback http://127.0.0.1:80000/callback http://127.0.0.1:8000@evil.example/callback
        https://127.0.0.1:8000/callback http://127.0.0.2:8000/callback
      `);
      for (const uri of wrong)
        await expectErrorPage(await authorize(target, { redirect_uri: uri }, { app: target.apps.native }));
    },
    'RFC 8252 §7.1: returns to a native app by its private-use scheme': async (target) => {
      const change = { redirect_uri: 'org.example.native:/callback' };
      const { back } = await login(target, change, { app: target.apps.native });
      expect(back.href).toMatch(/^org\.example\.native:\/callback\?code=p2pc_/);
    },
    'RFC 6749 §3.1.2: keeps the query of a registered redirect URI': async (target) => {
      const { back } = await login(target, { redirect_uri: 'https://portal.example.org/callback?tenant=1' });
      expect(back.href).toMatch(/^https:\/\/portal\.example\.org\/callback\?tenant=1&code=/);
    },
  }),
];
