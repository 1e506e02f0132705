import type { Browser, Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import { openPage } from './chromium.ts';

/** The gateway's page for developers. */
export const indexPage = (browser: Browser, running: () => LocalStack): void => {
  describe('the page for developers at the root of the gateway', () => {
    let page: Page;

    beforeEach(async () => {
      page = await openPage(browser, { permissions: ['clipboard-read', 'clipboard-write'] });
      await page.goto(`${running().urls.gateway}/`);
    });
    afterEach(() => page.close());

    const copied = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());

    it('copies exactly what it shows, says so, and can be used with the keyboard', async () => {
      const { gateway } = running().urls;
      await page.getByRole('button', { name: 'Copy the FHIR base of Northwind Health' }).click();
      await page.getByRole('button', { name: 'Copied: the FHIR base of Northwind Health' }).waitFor();
      expect(await copied()).toBe(`${gateway}/r4/northwind`);

      const summary = page.locator('summary', { hasText: 'Claims123 Household456 (claims):' });
      await summary.focus();
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Copy Member ID of Claims123 Household456 (claims)' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Copied: Member ID of Claims123 Household456 (claims)' }).waitFor();
      expect(await copied()).toBe('03-testmemid');
    });

    it('has an authorize URL that the gateway takes', async () => {
      const href = await page.getByRole('link', { name: 'Sign in as a member' }).first().getAttribute('href');
      await page.goto(href ?? '');
      await page.getByRole('button', { name: 'Allow', exact: true }).waitFor();
    });

    it('leads to the documents, which lead on to each other', async () => {
      await page.getByRole('link', { name: 'Quick start' }).click();
      await page.getByRole('heading', { name: 'Quick start' }).waitFor();
      await page.getByRole('link', { name: 'tokens', exact: true }).click();
      await page.getByRole('heading', { name: 'Tokens' }).waitFor();
    });

    it('leads to the search for a plan, as an app that the gateway knows', async () => {
      const search = page.getByRole('link', { name: 'let the member search for the plan' }).first();
      await page.goto((await search.getAttribute('href')) ?? '');
      await page.getByRole('searchbox').waitFor();
    });
  });
};
