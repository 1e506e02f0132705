import { issuerOf } from './at-payer.ts';
import { authorize, authorizeEndpoint, begin, callback, comeBack, postAs, read } from './client.ts';
import { onStage, promises, type Group, type Requirement } from './requirement.ts';
import { baseOf } from './target.ts';

/** What every answer to a browser says. */
const expectBrowserHeaders = ({ headers }: Response): void => {
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('pragma')).toBe('no-cache');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect(Number(/^max-age=(\d+)/.exec(headers.get('strict-transport-security') ?? '')?.[1])).toBeGreaterThanOrEqual(
    31_536_000,
  );
  const policy = headers.get('content-security-policy') ?? '';
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"])
    expect(policy).toContain(part);
  expect(policy).not.toMatch(/unsafe|script-src/);
};

const browsers: readonly Requirement[] = promises({
  'RFC 9700 §4.2: allows no error page to be stored, framed or sniffed, or to send a Referer': onStage(
    async (target) => {
      expectBrowserHeaders(await authorize(target, { client_id: 'nobody-knows-me' }));
      expectBrowserHeaders(await callback(target, { state: 'x' }));
      expectBrowserHeaders(await callback(target, {}, { method: 'POST' }));
      expectBrowserHeaders(await fetch(authorizeEndpoint(target), { method: 'PUT' }));
    },
  ),
  'RFC 9700 §4.12: redirects a browser by 302, never by 307, which would repeat a form': onStage(async (target) => {
    expect((await begin(target)).response.status).toBe(302);
    expect((await authorize(target, { response_type: 'token' })).status).toBe(302);
  }),
  'OWASP ASVS 3.4.1: keeps browsers on https for at least a year': onStage(async (target) => {
    for (const response of [await authorize(target, { client_id: 'x' }), (await begin(target)).response]) {
      expectBrowserHeaders(response);
    }
  }),
  'RFC 9700 §4.2: allows no redirect to be stored or to send a Referer': onStage(async (target) => {
    expectBrowserHeaders((await begin(target)).response);
    expectBrowserHeaders(await authorize(target, { response_type: 'token' }));
  }),
  'RFC 9700 §4.12: sends a code, or the error of a payer, back by a 302 that is not stored and sends no Referer':
    async (target) => {
      const begun = await begin(target);
      const refused = { state: begun.state, error: 'access_denied', iss: issuerOf(target) };
      for (const response of [await comeBack(await begin(target)), await callback(target, refused, begun)]) {
        expect(response.status).toBe(302);
        expectBrowserHeaders(response);
      }
    },
  'RFC 9700 §4.2: allows no consent page to be stored, framed or sniffed, or to send a Referer': async (target) => {
    const response = await authorize(target, {}, { app: target.apps.asking });
    expect(response.status).toBe(200);
    expectBrowserHeaders(response);
  },
  'OWASP ASVS 1.2.1: puts no input into a page unescaped': onStage(async (target) => {
    const markup = '"><script>alert(1)</script>';
    const pages = [
      await authorize(target, { client_id: markup, redirect_uri: markup, state: markup }),
      await authorize(target, {}, { payer: encodeURIComponent(markup) }),
      await callback(target, { state: markup, error: markup, error_description: markup }),
    ];
    for (const page of pages) expect(await page.text()).not.toContain('<script');
  }),
  "OWASP ASVS 1.2.1: puts no input into the consent page's form unescaped": async (target) => {
    const page = await authorize(target, { state: '"><script>alert(1)</script>' }, { app: target.apps.asking });
    const html = await page.text();
    expect(html).not.toContain('<script');
    expect(html).toContain('&quot;&gt;&lt;script&gt;');
  },
  'WCAG 2.2 §3.1.1: writes pages for people: with a language, a title and a heading, and no internals': onStage(
    async (target) => {
      const html = await (await authorize(target, { client_id: 'nobody-knows-me' })).text();
      expect(html).toMatch(/<html lang="en">/);
      expect(html).toMatch(/<title>[^<]+<\/title>/);
      expect(html).toMatch(/<h1>[^<]+<\/h1>/);
      expect(html).not.toMatch(/\bat .+:\d+:\d+|Error:|arn:aws|DynamoDB/);
    },
  ),
});

const answers: readonly Requirement[] = promises({
  'CWE-1321: treats a parameter named __proto__ or constructor as any other name': onStage(async (target) => {
    const names = { ['__proto__']: 'x', constructor: 'x', toString: 'x' };
    expect((await begin(target, names)).state).not.toBe('');
    const form = { ...names, grant_type: 'refresh_token', refresh_token: 'x' };
    const response = await postAs(target, target.portal, 'token', form);
    expect(await response.json()).toMatchObject({ error: 'invalid_grant' });
  }),
  'OWASP ASVS 4.1.1: gives every answer its content type, and forbids sniffing': onStage(async (target) => {
    const responses = [
      await postAs(target, target.portal, 'token', {}),
      await postAs(target, target.portal, 'introspect', { token: 'x' }),
      await read(target, '/Patient'),
      await fetch(`${baseOf(target)}/metadata`),
      await fetch(`${baseOf(target)}/.well-known/smart-configuration`),
    ];
    for (const { headers } of responses) {
      expect(headers.get('content-type')).toMatch(/^application\/(?:fhir\+)?json/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  }),
  'OWASP ASVS 13.4: does not reveal what it runs on': onStage(async (target) => {
    for (const response of [
      await authorize(target, { client_id: 'x' }),
      await postAs(target, target.portal, 'token', {}),
    ]) {
      expect(response.headers.get('x-powered-by')).toBeNull();
      expect(response.headers.get('server') ?? '').not.toMatch(/node|express|\d/i);
    }
  }),
  'OWASP ASVS 16.5.1: answers an unknown path in JSON, without internals': onStage(async (target) => {
    for (const path of ['/nothing', '/oauth2', '/oauth2/token/x', '/admin', '/r4']) {
      const response = await fetch(`${target.origin}${path}`);
      expect(response.status).toBe(404);
      const text = await response.text();
      expect(() => JSON.parse(text) as unknown).not.toThrow();
      expect(text).not.toMatch(/\bat .+:\d+:\d+|arn:aws/);
    }
  }),
  'OWASP ASVS 4.3: refuses a body of 11 MB': onStage(async (target) => {
    const response = await fetch(`${target.origin}/oauth2/token`, {
      method: 'POST',
      body: 'x'.repeat(11 * 1024 * 1024),
    });
    expect(response.status).toBe(413);
  }),
});

/** Headers and pages of every endpoint. */
export const pagesGroup: Group = { endpoint: 'headers and pages', requirements: [...browsers, ...answers] };
