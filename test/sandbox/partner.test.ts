import { request } from 'node:http';
import { browser } from './partner-browser.ts';
import { startFakeGateway } from './partner-fake-gateway.ts';
import { registration, startAtFakeGateway, startPartnerApp, type AppAtFakeGateway } from './partner-start.ts';

describe('the demo partner app', () => {
  let app: AppAtFakeGateway;
  beforeEach(async () => {
    app = await startAtFakeGateway();
  });
  afterEach(() => app.close());

  it('shows the record after a sign-in: name, birth date, counts of distinct resources, latest values as written', async () => {
    const { status, text, url } = await browser()(`${app.url}/connect/plan`);

    expect(status).toBe(200);
    expect(url).toBe(`${app.url}/record/plan`);
    expect(text).toContain('January 4, 2011');
    expect(text).toMatch(/data-type="Observation">.*?<td class="number">2</s);
    expect(text).toContain('71.00 kg');
    expect(text.indexOf('Body weight o2')).toBeLessThan(text.indexOf('Body weight o1'));
    expect(text).toContain('Old &amp; Gold');
  });

  it('escapes what the payer sends', async () => {
    const { text } = await browser()(`${app.url}/connect/plan`);

    expect(text).toContain('&lt;b&gt;Mayte822&lt;/b&gt; Venegas795');
    expect(text).not.toContain('<b>');
  });

  it('authenticates with Basic and PKCE, and sends no secret in the form', async () => {
    await browser()(`${app.url}/connect/plan`);

    const token = app.gateway.seen.find((seen) => seen.path === '/oauth2/token');
    // RFC 6749 §2.3.1: id and secret are form-encoded inside Basic.
    const basic = Buffer.from(token?.authorization?.split(' ')[1] ?? '', 'base64').toString();
    expect(decodeURIComponent(basic)).toBe('demo-partner:demo-partner-secret');
    expect(token?.form.get('code_verifier')).toBeTruthy();
    expect(token?.form.has('client_secret')).toBe(false);
  });

  it('keeps the record on a reload without reading it again', async () => {
    await app.visit(`${app.url}/connect/plan`);
    const before = app.gateway.seen.length;

    const { text } = await app.visit(`${app.url}/record/plan`);

    expect(text).toContain('Venegas795');
    expect(app.gateway.seen.length).toBe(before);
  });

  it('reads type by type if the payer has no $everything, and finds the patient if the token answer names none', async () => {
    app.gateway.everything = false;
    app.gateway.patientInTokenAnswer = false;

    const { text } = await browser()(`${app.url}/connect/plan`);

    expect(text).toMatch(/data-type="Observation">.*?<td class="number">1</s);
    expect(app.gateway.seen.map((seen) => seen.path)).toContain('/r4/plan/Condition');
  });

  it('shows a record to no other browser', async () => {
    await browser()(`${app.url}/connect/plan`);

    const { status, text } = await browser()(`${app.url}/record/plan`);

    expect(status).toBe(403);
    expect(text).toContain('This browser is not connected to Old &amp; Gold');
    expect(text).toContain('href="/connect/plan">Connect Old &amp; Gold');
    expect(text).not.toContain('Venegas795');
  });

  it.each([
    ['access_denied', 'You chose not to share your record'],
    ['temporarily_unavailable', 'can’t be reached right now'],
    ['server_error', 'can’t be reached right now'],
    ['invalid_scope', 'Something went wrong'],
  ])('tells a member what %s means, and offers to try again', async (error, words) => {
    app.gateway.signInError = error;

    const { text } = await browser()(`${app.url}/connect/plan`);

    expect(text).toContain(words);
    expect(text).toContain('href="/connect/plan">Try again');
  });

  /** The redirect that ends a sign-in, not loaded yet, and the cookie of the browser that began it. */
  const toCallback = async (): Promise<{ callback: string; cookie: string }> => {
    const begun = await fetch(`${app.url}/connect/plan`, { redirect: 'manual' });
    const back = await fetch(begun.headers.get('location') ?? '', { redirect: 'manual' });
    const [cookie = ''] = begun.headers.getSetCookie().map((line) => line.split(';')[0]);
    return { callback: back.headers.get('location') ?? '', cookie };
  };

  it('says that a sign-in is over if its redirect is loaded again, and sends the code only once', async () => {
    const { callback, cookie } = await toCallback();
    const load = () => fetch(callback, { headers: { cookie }, redirect: 'manual' });
    const first = await load();
    const second = await load();

    expect([first.status, first.headers.get('location')]).toEqual([303, '/record/plan']);
    expect(second.status).toBe(400);
    expect(await second.text()).toContain('This sign-in is no longer open');
    const sent = app.gateway.seen.filter(({ path }) => path === '/oauth2/token');
    expect(sent.map(({ form }) => form.get('code'))).toEqual([new URL(callback).searchParams.get('code')]);
  });

  it('refuses a redirect of a sign-in that another browser began', async () => {
    const { callback } = await toCallback();

    const { status } = await browser()(callback);

    expect(status).toBe(400);
    expect(app.gateway.seen.map(({ path }) => path)).not.toContain('/oauth2/token');
  });

  it('keeps the connection when the payer is down, and reads on "try again"', async () => {
    app.gateway.fhirStatus = 502;
    const down = await app.visit(`${app.url}/connect/plan`);
    app.gateway.fhirStatus = 200;

    const up = await app.visit(`${app.url}/record/plan`);

    expect(down.status).toBe(503);
    expect(down.text).toContain('href="/record/plan">Try again');
    expect(down.text).toContain('because &lt;i&gt;so');
    expect(up.text).toContain('Venegas795');
  });

  it.each([401, 403])('asks the member to connect again if a read ends in %i', async (status) => {
    app.gateway.fhirStatus = status;

    const { text } = await browser()(`${app.url}/connect/plan`);

    expect(text).toContain('Your connection to Old &amp; Gold has ended');
  });

  it('asks the member to wait on 429', async () => {
    app.gateway.fhirStatus = 429;

    expect((await browser()(`${app.url}/connect/plan`)).text).toContain('Too many requests right now');
  });

  it('says who is unavailable if the token endpoint answers 503, or the gateway does not answer', async () => {
    app.gateway.tokenStatus = 503;
    const unavailable = await browser()(`${app.url}/connect/plan`);
    const away = await startFakeGateway();
    await away.close();
    const other = await startPartnerApp({
      ...registration,
      port: 0,
      gatewayOrigin: away.origin,
      payers: [{ id: 'plan', displayName: 'P' }],
    });
    const gone = await browser()(`${other.url}/connect/plan`);
    await other.close();

    expect(unavailable.text).toContain('Old &amp; Gold can’t be reached right now');
    expect(gone.text).toContain('P can’t be reached right now');
  });

  it('follows no link to another server with its token', async () => {
    app.gateway.nextLink = 'http://127.0.0.1:9/r4/plan/Patient';

    const { text } = await browser()(`${app.url}/connect/plan`);

    expect(text).toContain('links to another server');
  });

  it('renews access before a read if the token is about to expire', async () => {
    app.gateway.expiresIn = 5;

    const { text } = await browser()(`${app.url}/connect/plan`);

    expect(text).toContain('Venegas795');
    expect(app.gateway.seen.some((seen) => seen.form.get('grant_type') === 'refresh_token')).toBe(true);
  });

  it('revokes the earlier grant when the member signs in a second time, and stays connected', async () => {
    await app.visit(`${app.url}/connect/plan`);
    expect(app.gateway.seen.map(({ path }) => path)).not.toContain('/oauth2/revoke');

    const second = await app.visit(`${app.url}/connect/plan`);

    expect([second.status, second.url]).toEqual([200, `${app.url}/record/plan`]);
    const revocations = app.gateway.seen.filter(({ path }) => path === '/oauth2/revoke');
    expect(revocations.map(({ form }) => form.get('token'))).toEqual(['p2pr_refresh']);
  });

  it('asks before it disconnects, then revokes, and only with its own form token', async () => {
    await app.visit(`${app.url}/connect/plan`);
    const { text } = await app.visit(`${app.url}/record/plan/disconnect`);
    expect(text).toContain('Disconnect Old &amp; Gold?');
    expect(app.gateway.seen.map(({ path }) => path)).not.toContain('/oauth2/revoke');
    const formToken = /name="form_token" value="([^"]+)"/.exec(text)?.[1] ?? '';

    const forged = await app.visit(`${app.url}/record/plan/disconnect`, { form_token: 'guess' });
    const done = await app.visit(`${app.url}/record/plan/disconnect`, { form_token: formToken });

    expect(forged.status).toBe(403);
    expect(done.text).toContain('Old &amp; Gold is disconnected');
    const revocations = app.gateway.seen.filter((seen) => seen.path === '/oauth2/revoke');
    expect(revocations.map((seen) => seen.form.get('token'))).toEqual(['p2pr_refresh']);
  });

  it('accepts a form of 10,000 characters, but no longer one', async () => {
    const { text } = await app.visit(`${app.url}/connect/plan`);
    const form_token = /name="form_token" value="([^"]+)"/.exec(text)?.[1] ?? '';
    const filled = (length: number) => ({
      form_token,
      filler: 'x'.repeat(length - `form_token=${form_token}&filler=`.length),
    });

    expect((await app.visit(`${app.url}/record/plan/read`, filled(10_001))).status).toBe(403);
    expect((await app.visit(`${app.url}/record/plan/read`, filled(10_000))).status).toBe(200);
  });

  it('reads again when the member asks', async () => {
    const { text } = await app.visit(`${app.url}/connect/plan`);
    const formToken = /name="form_token" value="([^"]+)"/.exec(text)?.[1] ?? '';
    const before = app.gateway.seen.length;

    await app.visit(`${app.url}/record/plan/read`, { form_token: formToken });

    expect(app.gateway.seen.length).toBeGreaterThan(before);
  });

  it('prevents foreign scripts, framing and caching on every page', async () => {
    for (const path of ['/', '/app', '/third-party/callback', '/nowhere']) {
      const { headers } = await browser()(app.url + path);
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(headers.get('content-security-policy')).not.toContain('unsafe');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  it('serves the SMART pages with fhirclient from the same origin', async () => {
    const { text } = await browser()(`${app.url}/app`);
    const client = await browser()(`${app.url}/app/fhir-client.js`);

    expect(text).toContain(`/app?iss=${encodeURIComponent(`${app.gateway.origin}/r4/plan`)}`);
    expect(client.text).toContain('FHIR');
  });

  it.each(['//[', '//elsewhere/record/plan', 'http://elsewhere/'])(
    'answers the strange request target %s with 404',
    async (path) => {
      const { hostname, port } = new URL(app.url);
      const status = await new Promise((resolve, reject) => {
        const sent = request({ hostname, port, path }, (response) => resolve(response.resume().statusCode));
        sent.on('error', reject).end();
      });

      expect(status).toBe(404);
    },
  );

  it('answers an unknown page with 404, an unknown method with 405, and logs no query string', async () => {
    const missing = await browser()(`${app.url}/record/nobody?secret=1`);
    const strange = await fetch(app.url, { method: 'DELETE' });

    expect(missing.status).toBe(404);
    expect(strange.status).toBe(405);
    expect(app.paths).toContain('/record/nobody');
    expect(app.paths.join()).not.toContain('secret');
  });
});
