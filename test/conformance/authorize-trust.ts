import { authorize, authorizeEndpoint, authorizeParameters } from './client.ts';
import { expectErrorPage } from './expectations.ts';
import { onStage, promises, type Requirement } from './requirement.ts';
import type { Target } from './target.ts';
import { untouched } from './untouched.ts';

/** Sends parameters as they are given, including repeated ones. */
const authorizeWith = (target: Target, pairs: URLSearchParams): Promise<Response> =>
  fetch(`${authorizeEndpoint(target)}?${pairs}`, { redirect: 'manual' });

/** Sends one parameter twice. */
export const repeated = (target: Target, name: string): Promise<Response> => {
  const pairs = authorizeParameters(target);
  pairs.append(name, pairs.get(name) ?? '');
  return authorizeWith(target, pairs);
};

/** What is shown as a page, since no redirect can be trusted yet. */
export const beforeTrust: readonly Requirement[] = promises({
  'RFC 6749 §4.1.2.1: shows a page for an unknown client': onStage(async (target) => {
    await expectErrorPage(await authorize(target, { client_id: 'nobody-knows-me' }));
  }),
  'RFC 6749 §4.1.2.1: shows a page for a missing client_id': onStage(async (target) => {
    await expectErrorPage(await authorize(target, { client_id: undefined }));
  }),
  'OWASP ASVS 10.4.1: shows a page for an unknown payer': onStage(async (target) => {
    await expectErrorPage(await authorize(target, {}, { payer: 'no-such-payer' }));
  }),
  'RFC 6749 §3.1: shows a page for a repeated client_id': onStage(async (target) => {
    await expectErrorPage(await repeated(target, 'client_id'));
  }),
  'RFC 6749 §3.1: shows a page for a repeated redirect_uri': onStage(async (target) => {
    await expectErrorPage(await repeated(target, 'redirect_uri'));
  }),
  'RFC 6749 §4.1.2.1: remembers nothing, and asks no payer, before client and redirect URI are verified': (target) =>
    untouched(target, async () => {
      await authorize(target, { client_id: 'nobody-knows-me' });
      await authorize(target, { redirect_uri: 'https://evil.example/callback' });
      await repeated(target, 'redirect_uri');
    }),
  'RFC 9110 §15.5.6: accepts GET and POST, and answers 405 with Allow to everything else': onStage(async (target) => {
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const response = await fetch(`${authorizeEndpoint(target)}?${authorizeParameters(target)}`, { method });
      await expectErrorPage(response, 405);
      expect(response.headers.get('allow')).toBe('GET, POST');
    }
  }),
});
