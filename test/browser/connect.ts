import type { Browser, Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import { openPage, screenshots } from './chromium.ts';
import { signInAtPayer } from './payer-forms.ts';

const pkce = { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' };

/** The address of the page for an app of the sandbox. */
const connectUrl = (stack: LocalStack, clientId: string, path: string): string => {
  const redirectUri = `${stack.urls.partner}${path}`;
  const request = { client_id: clientId, redirect_uri: redirectUri, state: 'a-state', response_type: 'code', ...pkce };
  return `${stack.urls.gateway}/connect?${new URLSearchParams(request)}`;
};

/** The page that finds a plan, as a member uses it. */
export const connect = (browser: Browser, running: () => LocalStack): void => {
  describe('a member who looks for the old plan', () => {
    let stack: LocalStack;
    let page: Page;
    let complaints: string[];

    const watch = (opened: Page): void => {
      complaints = [];
      page = opened;
      // The sandbox's app answers 400, since it did not start these sign-ins.
      const isOurs = (url: string): boolean => url.startsWith(stack.urls.gateway);
      page.on('console', (message) => {
        if (message.type() === 'error' && isOurs(message.location().url)) complaints.push(message.text());
      });
    };
    const returned = async (): Promise<URL> => {
      await page.waitForURL((url) => url.href.startsWith(stack.urls.partner) && url.searchParams.has('iss'));
      return new URL(page.url());
    };

    beforeAll(() => {
      stack = running();
    });
    afterEach(() => page.close());

    it('types, chooses with the keyboard, sees what is read, and comes back to the app with a code', async () => {
      watch(await openPage(browser));
      await page.goto(connectUrl(stack, 'demo-partner', '/callback'));
      await screenshots(page, 'connect-all');
      await page.getByLabel('Name of your old health plan').pressSequentially('nrthwind');
      await page.getByRole('status').filter({ hasText: '1 health plan found.' }).waitFor();
      await screenshots(page, 'connect-found');
      await page.getByLabel('Name of your old health plan').press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Get your record from Northwind Health' }).waitFor();
      await screenshots(page, 'connect-step');
      await page.getByRole('link', { name: 'Continue to Northwind Health' }).click();
      await signInAtPayer(page);

      const { searchParams } = await returned();
      expect(searchParams.get('code')).toMatch(/^p2pc_/);
      expect(searchParams.get('state')).toBe('a-state');
      expect(searchParams.get('iss')).toBe(`${stack.urls.gateway}/r4/northwind`);
      expect(complaints).toEqual([]);
    });

    it('does the same without JavaScript, by the gateway’s consent page, and may deny', async () => {
      watch(await openPage(browser, { javaScriptEnabled: false, locale: 'es-US' }));
      await page.goto(connectUrl(stack, 'third-party-app', '/third-party/callback'));
      await page.getByLabel('Nombre de su plan de salud anterior').fill('DHP');
      await page.getByRole('button', { name: 'Buscar' }).click();
      await page.getByText('Se encontró 1 plan de salud.').waitFor();
      await screenshots(page, 'connect-sin-javascript');
      await page.getByRole('button', { name: /^Demo Health Plan/ }).click();
      await page.getByRole('heading', { name: /¿Compartir su expediente/ }).waitFor();
      await page.locator('button[value=deny]').click();

      const { searchParams } = await returned();
      expect(Object.fromEntries(searchParams)).toMatchObject({ error: 'access_denied', state: 'a-state' });
      expect(complaints).toEqual([]);
    });

    it('comes back to the app, past the page’s policy, if the app’s request has a mistake', async () => {
      watch(await openPage(browser));
      await page.goto(`${connectUrl(stack, 'demo-partner', '/callback')}&response_mode=fragment`);
      await page.getByRole('button', { name: /^Northwind Health/ }).click();

      expect((await returned()).searchParams.get('error')).toBe('invalid_request');
      expect(complaints).toEqual([]);
    });

    it('reads that the search failed, and can still press Search', async () => {
      watch(await openPage(browser));
      await page.goto(connectUrl(stack, 'demo-partner', '/callback'));
      await page.route('**/connect/payers?*', (route) => route.abort());
      await page.getByLabel('Name of your old health plan').fill('north');
      await page.getByRole('status').filter({ hasText: 'The search does not answer.' }).waitFor();
      await page.getByRole('button', { name: 'Search' }).click();
      await page.getByText('1 health plan found.').waitFor();

      expect(page.url()).toContain('q=north');
    });
  });
};
