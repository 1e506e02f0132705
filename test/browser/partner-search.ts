import type { Browser, Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import { openPage } from './chromium.ts';
import { signInAtPayer } from './payer-forms.ts';

/** The demo partner app, for a member who does not see the old plan in its list. */
export const partnerSearch = (browser: Browser, running: () => LocalStack): void => {
  describe('a member who searches for the old plan from the demo partner app', () => {
    let page: Page;
    beforeEach(async () => {
      page = await openPage(browser);
      await page.goto(running().urls.partner);
      await page.getByRole('link', { name: 'Search for your plan' }).click();
      await page.getByLabel('Name of your old health plan').waitFor();
    });
    afterEach(() => page.close());

    it('finds it on the gateway’s page by another name, signs in there, and sees the record in the app', async () => {
      await page.getByLabel('Name of your old health plan').fill('nrthwind');
      await page.getByRole('status').filter({ hasText: '1 health plan found.' }).waitFor();
      await page.getByRole('button', { name: /^Northwind Health/ }).click();
      await page.getByRole('link', { name: 'Continue to Northwind Health' }).click();
      await signInAtPayer(page);

      await page.waitForURL('**/record/northwind');
      expect(await page.locator('[data-field="name"]').innerText()).toBe('Mayte822 Venegas795');
    });

    it('may go back to the app instead', async () => {
      await page.getByRole('link', { name: 'Go back to Demo Partner' }).click();

      await page.getByRole('heading', { name: 'Connect your old health plan' }).waitFor();
      expect(new URL(page.url()).origin).toBe(running().urls.partner);
    });
  });
};
