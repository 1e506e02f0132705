import type { Browser, Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import { openPage } from './chromium.ts';
import { authorizeUrl, gatewayPages } from './gateway-pages.ts';

/** The gateway's pages in a browser that runs no script. */
export const withoutJavaScript = (browser: Browser, running: () => LocalStack): void => {
  describe('without JavaScript', () => {
    let page: Page;

    beforeEach(async () => {
      page = await openPage(browser, { javaScriptEnabled: false, locale: 'en-US' });
    });

    afterEach(() => page.close());

    const heading = (name: string) => page.getByRole('heading', { level: 1, name }).waitFor();

    it('a member changes the language of the consent page, allows in it, and is at the payer', async () => {
      await page.goto(authorizeUrl(running(), { state: 'a&b="c"' }));
      await heading('Share your health record with Trend Journal?');
      await page.getByRole('link', { name: 'Español' }).click();
      await heading('¿Compartir su expediente médico con Trend Journal?');
      expect(new URL(page.url()).searchParams.get('state')).toBe('a&b="c"');
      await page.getByRole('button', { name: 'Permitir', exact: true }).click();

      await heading('Sign in');
      expect(page.url()).toContain(running().urls.demoHealthPlan);
    });

    it('a member refuses in Spanish, and the app hears of it with its own state', async () => {
      await page.goto(authorizeUrl(running(), { ui_locales: 'es', state: 'ñ%20+' }));
      await page.getByRole('button', { name: 'No permitir' }).click();
      await page.waitForURL('**/third-party/callback**');

      const returned = new URL(page.url()).searchParams;
      expect([returned.get('error'), returned.get('state')]).toEqual(['access_denied', 'ñ%20+']);
    });

    it('the language of a page that answers a form changes with all that the form had', async () => {
      const posted = gatewayPages.find(({ name }) => name === 'gateway-consent-posted')!;
      await posted.open(page, running(), 'en');
      await page.getByRole('button', { name: 'Español' }).click();
      await heading('¿Compartir su expediente médico con Trend Journal?');
      await page.getByRole('button', { name: 'English' }).click();
      await heading('Share your health record with Trend Journal?');
      await page.getByRole('button', { name: 'Allow', exact: true }).click();

      await heading('Sign in');
      expect(page.url()).toContain(running().urls.northwind);
    });
  });
};
