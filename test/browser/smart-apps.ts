import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page, Response } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import { openPage, screenshots } from './chromium.ts';
import { signInAtPayer } from './payer-forms.ts';

/** In the page: revokes the token that fhirclient holds (it has no call for that), then reads with the same token. */
const revokeAndRead = async (gateway: string): Promise<{ revoked: number; read: number }> => {
  const key = JSON.parse(sessionStorage.getItem('SMART_KEY') ?? '""') as string;
  const state = JSON.parse(sessionStorage.getItem(key) ?? '{}') as {
    clientId: string;
    serverUrl: string;
    tokenResponse: { access_token: string; refresh_token: string };
  };
  const { access_token: token, refresh_token } = state.tokenResponse;
  const body = new URLSearchParams({ token: refresh_token, client_id: state.clientId });
  const revoked = await fetch(`${gateway}/oauth2/revoke`, { method: 'POST', body });
  const read = await fetch(`${state.serverUrl}/Patient`, { headers: { authorization: `Bearer ${token}` } });
  return { revoked: revoked.status, read: read.status };
};

/** Walks in a browser over a running stack. */
export const smartApps = (browser: Browser, running: () => LocalStack): void => {
  describe('fhirclient in Chromium, from an origin that is not the gateway’s', () => {
    let stack: LocalStack;
    let page: Page;
    let answers: Response[];
    let complaints: string[];

    beforeAll(() => {
      stack = running();
    });

    beforeEach(async () => {
      answers = [];
      complaints = [];
      page = await openPage(browser);
      page.on('response', (response) => answers.push(response));
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    });

    afterEach(() => page.close());

    const base = (payer: string) => `${stack.urls.gateway}/r4/${payer}`;
    const field = (name: string) => page.locator(`[data-field="${name}"]`).innerText();
    const launch = (path: string, payer: string) =>
      page.goto(`${stack.urls.partner}${path}?iss=${encodeURIComponent(base(payer))}`);

    /** The calls that the page's own script made to the gateway, as `GET /r4/x/Patient/1 200`. */
    const calls = () =>
      answers
        .filter(
          (answer) =>
            ['fetch', 'xhr'].includes(answer.request().resourceType()) && answer.url().startsWith(stack.urls.gateway),
        )
        .map((answer) => `${answer.request().method()} ${new URL(answer.url()).pathname} ${answer.status()}`);

    it.each(['demo-health-plan', 'northwind'])(
      'completes discovery, login, read, paging, refresh and revocation at %s',
      async (payer) => {
        await launch('/app', payer);
        await signInAtPayer(page);
        await page.getByText('Here is your record.').waitFor();
        await screenshots(page, `app-${payer}`);

        expect(await field('name')).toBe('Mayte822 Venegas795');
        expect(await field('birth-date')).toBe('2011-01-04');
        expect(Number(await field('pages'))).toBeGreaterThan(1);
        const observations = Number(await field('observations'));
        expect(observations).toBeGreaterThan(20);

        await page.getByRole('button', { name: 'Renew access' }).click();
        await page.getByText('Access renewed and record read again.').waitFor();

        expect(Number(await field('observations'))).toBe(observations);
        expect(calls()).toContain(`GET /r4/${payer}/.well-known/smart-configuration 200`);
        expect(calls().filter((call) => call === 'POST /oauth2/token 200')).toHaveLength(2);
        expect(complaints).toEqual([]);
        expect(await page.evaluate(revokeAndRead, stack.urls.gateway)).toEqual({ revoked: 200, read: 401 });
      },
    );

    /** Opens a page whose button signs in by the helper to copy, in a window. */
    const openHelper = async (payer: string, headers: Readonly<Record<string, string>> = {}) => {
      const helper = await readFile('docs/examples/sign-in.mjs');
      let html = '';
      // A server of its own: a page that the test answers in the browser is not asked for after a redirect.
      const app = createServer(({ url }, response) => {
        const isHelper = url === '/sign-in.mjs';
        response.writeHead(200, { 'content-type': isHelper ? 'text/javascript' : 'text/html', ...headers });
        response.end(isHelper ? helper : html);
      });
      await once(app.listen(0, '127.0.0.1').unref(), 'listening');
      const origin = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
      const options = { base: base(payer), clientId: 'demo-app', redirectUri: `${origin}/callback` };
      html = `<!doctype html><link rel="icon" href="data:,"><button>Sign in</button><p></p><script type="module">
        import { signIn } from '/sign-in.mjs';
        const show = (text) => (document.querySelector('p').textContent = text);
        const begin = () => signIn(${JSON.stringify({ ...options, popup: true })})
          .then((tokens) => show('patient ' + tokens.patient), (error) => show(error.message));
        if (new URLSearchParams(location.search).has('state')) begin();
        else document.querySelector('button').onclick = begin;
      </script>`;
      // The gateway lets scripts of registered origins call it, and this one's port is of this run.
      await page.route('**/oauth2/token', async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, headers: { ...response.headers(), 'access-control-allow-origin': origin } });
      });
      await page.goto(`${origin}/popup`);
      const opened = page.waitForEvent('popup');
      await page.getByRole('button', { name: 'Sign in' }).click();
      const popup = await opened;
      const closed = new Promise((resolve) => popup.once('close', resolve));
      const close = () => {
        app.closeAllConnections();
        app.close();
      };
      return { origin, popup, closed, close };
    };

    it('signs in in a window by the helper to copy, which closes it, though it is cut off from its opener', async () => {
      // Playwright lets every page think that it has the focus, and a browser only one.
      await page.addInitScript(() => (document.hasFocus = () => false));
      const { origin, popup, closed, close } = await openHelper('demo-health-plan', {
        'cross-origin-opener-policy': 'same-origin',
      });
      await signInAtPayer(popup);

      await page.getByText(/^patient \S+$/).waitFor();
      await closed;
      expect(new URL(page.url()).pathname).toBe('/popup');
      // The same answer, in a window that no page is waiting for.
      await page.goto(
        `${origin}/callback?${new URLSearchParams({ code: 'c', state: 's', iss: base('demo-health-plan') }).toString()}`,
      );
      await page.getByText('No sign-in of this tab has this answer.').waitFor();
      expect(complaints).toEqual([]);
      close();
    });

    it('tells the app by the helper to copy that the member has closed the window', async () => {
      const { popup, close } = await openHelper('demo-health-plan');
      await popup.getByRole('button').first().waitFor();
      await popup.close();

      await page.getByText('The window was closed before the sign-in ended.').waitFor();
      close();
    });

    it('closes the window by the helper to copy, and tells the app what the gateway says of an unknown payer', async () => {
      const { closed, close } = await openHelper('demo-healthplan');

      await closed;
      await page.getByText(/^not_found: /).waitFor();
      close();
    });

    it('keeps the session on a reload of the landing page', async () => {
      await launch('/app', 'northwind');
      await signInAtPayer(page);
      await page.getByText('Here is your record.').waitFor();

      await page.reload();

      await page.getByText('Here is your record.').waitFor();
      expect(await field('base')).toBe(base('northwind'));
    });

    it("lets a member allow a third party on the gateway's page", async () => {
      await launch('/third-party', 'demo-health-plan');
      await page.getByRole('button', { name: 'Allow', exact: true }).waitFor();
      await screenshots(page, 'gateway-consent');
      await page.getByRole('button', { name: 'Allow', exact: true }).click();
      await signInAtPayer(page);

      await page.getByText('Here is your record.').waitFor();
      expect(await field('name')).toBe('Mayte822 Venegas795');
    });

    it('returns a member who denies there with access_denied, without a visit to the payer', async () => {
      await launch('/third-party', 'northwind');
      await page.getByRole('button', { name: 'Do not allow' }).click();

      await page.getByText('You chose not to share your record.').waitFor();
      await screenshots(page, 'third-party-denied');
      expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied');
      expect(answers.some((answer) => answer.url().startsWith(stack.urls.northwind))).toBe(false);
    });
  });
};
