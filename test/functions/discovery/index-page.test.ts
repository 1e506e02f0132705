import { createHash } from 'node:crypto';
import { discoveryHandler } from '../../../functions/discovery/handler.ts';
import { prefersJson } from '../../../functions/discovery/index-page/answer-index.ts';
import type { IndexSettings } from '../../../functions/shared/pages/settings.ts';
import { apiEvent, call, testDeps } from '../../support/gateway.ts';
import { words } from '../../support/words.ts';

const settings: IndexSettings = {
  payers: [{ id: 'northwind', displayName: 'Northwind <b>Health</b>' }],
  clients: [
    {
      clientId: 'old-app',
      name: 'Old App',
      redirectUris: ['http://localhost:1/cb'],
      payers: ['northwind'],
      isPublic: true,
    },
    {
      clientId: 'server',
      name: 'Server',
      redirectUris: ["http://localhost:2/it's"],
      payers: ['northwind'],
      isPublic: false,
      secret: 'shown-secret',
    },
    { clientId: 'unknown', name: 'Unknown', redirectUris: ['http://localhost:3/'], payers: [], isPublic: false },
  ],
  testMembers: [
    { payers: ['northwind'], name: 'claims', about: 'Has claims.', details: { 'Member ID': '03-testmemid' } },
  ],
  links: [{ text: 'Live view', href: 'http://localhost:3005/' }],
  codeSeconds: 300,
};

const ask = async (
  headers: Record<string, string>,
  indexPage: IndexSettings | undefined = settings,
  method = 'GET',
) => {
  const { deps } = testDeps();
  const pages = { operator: { name: 'Plan' }, ...(indexPage === undefined ? {} : { indexPage }) };
  return call(discoveryHandler({ ...deps, pages }), apiEvent('/', { method, headers }));
};

const browser = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
const textOf = (html: string): string =>
  html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');

describe('GET /', () => {
  it('shows payers, apps, members and links, and each value without JavaScript', async () => {
    const { statusCode, headers, body } = await ask(browser);
    expect([statusCode, headers['Content-Type'], headers['Vary']]).toEqual([200, 'text/html; charset=utf-8', 'Accept']);
    const text = textOf(body);
    for (const shown of [
      ...words('old-app http://localhost:1/cb shown-secret 03-testmemid'),
      'Has claims.',
      '300 seconds',
    ]) {
      expect(text).toContain(shown);
    }
    expect(body).toContain('<a href="http://localhost:3005/">Live view</a>');
    for (const what of ['the FHIR base of', 'the authorize URL of']) {
      expect(body).toContain(`<code data-copy="${what} Northwind &lt;b&gt;Health&lt;/b&gt;">`);
    }
    expect(body).toContain('/r4/northwind/.well-known/smart-configuration">smart-configuration</a>');
    expect(text).toContain('only its owner knows it');
  });

  it('has calls whose verifier belongs to their challenge, other ones each time, and quotes them for a shell', async () => {
    const verifierOf = (text: string) => /code_verifier=([\w-]{43})'/.exec(text)?.[1] ?? '';
    const text = textOf((await ask(browser)).body);
    const challenge = /code_challenge=([\w-]{43})/.exec(text)?.[1];
    expect(createHash('sha256').update(verifierOf(text)).digest('base64url')).toBe(challenge);
    expect(text).toContain(`--data-urlencode 'client_secret=shown-secret'`);
    expect(text).toContain(String.raw`'redirect_uri=http://localhost:2/it'\''s'`);
  });

  it('escapes what the configuration says', async () => {
    const { body } = await ask(browser);
    expect(body).not.toContain('<b>Health');
    expect(body).toContain('Northwind &lt;b&gt;Health&lt;/b&gt;');
  });

  it('is in English only, whatever the browser prefers, and no other site may read it', async () => {
    const { headers, body } = await ask({ ...browser, 'Accept-Language': 'es' });
    expect(body).toContain('<html lang="en">');
    expect(body).not.toContain('Español');
    expect(headers).not.toHaveProperty('Access-Control-Allow-Origin');
    expect(headers['Content-Security-Policy']).toMatch(/^default-src 'none'; .*script-src 'sha256-/);
  });

  it.each([
    ['a program that asks for JSON', settings, { Accept: 'application/json' }],
    ['a browser, where the stage has no page', undefined, browser],
  ])('is a small index for %s', async (_, indexPage, headers) => {
    const { deps } = testDeps();
    const pages = { operator: { name: 'Plan' }, ...(indexPage === undefined ? {} : { indexPage }) };
    const answer = await call(discoveryHandler({ ...deps, pages }), apiEvent('/', { method: 'GET', headers }));
    expect(answer).toMatchObject({ statusCode: 200, headers: { Vary: 'Accept', 'Access-Control-Allow-Origin': '*' } });
    expect(JSON.parse(answer.body)).toMatchObject({
      name: 'Plan',
      smart_configuration: `${deps.origin}/r4/{payer}/.well-known/smart-configuration`,
      brands: `${deps.origin}/brands`,
    });
    expect(answer.body).not.toContain('shown-secret');
  });

  it('has no body for HEAD, and takes no POST', async () => {
    expect(await ask(browser, settings, 'HEAD')).toMatchObject({ statusCode: 200, body: '' });
    expect((await ask(browser, settings, 'POST')).statusCode).toBe(405);
  });
});

describe('what a client accepts', () => {
  it.each([
    [undefined, true],
    ['*/*', true],
    ['text/*', false],
    ['text/html', false],
    ['application/json', true],
    ['application/*', true],
    ['application/json, text/html', false],
    ['text/html;q=0.5, application/json', true],
    ['text/html; q=0.9, */*; q=0.1', false],
    ['application/json;q=0', true],
    ['APPLICATION/JSON', true],
    ['*/*, text/html;q=0.1', true],
    ['text/html;q=x, application/json;q=0.1', true],
    ['image/png', true],
  ])('%j: JSON is %j', (accept, isJson) => {
    expect(prefersJson(accept)).toBe(isJson);
  });

  it('is not read without end', () => {
    expect(prefersJson('a/b,'.repeat(100_000) + 'text/html')).toBe(true);
  });
});
