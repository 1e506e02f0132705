import type { Browser, Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import { openPage, screenshots } from './chromium.ts';
import { signInAtPayer } from './payer-forms.ts';

/** Walks in a browser over a running stack. */
export const partnerApp = (browser: Browser, running: () => LocalStack): void => {
  describe('a member in a browser, with the demo partner app and the Demo Health Plan', () => {
    let stack: LocalStack;
    let page: Page;

    beforeAll(() => {
      stack = running();
    });

    beforeEach(async () => {
      page = await openPage(browser);
    });

    afterEach(() => page.close());

    it('connects the old health plan despite two typing mistakes, shows the record, keeps it on a reload, and disconnects', async () => {
      await page.goto(stack.urls.partner);
      await screenshots(page, 'partner-home');
      await page.getByRole('link', { name: 'Connect Demo Health Plan' }).click();
      await signInAtPayer(page, { mistakes: true, shots: 'demo-health-plan' });

      await page.waitForURL('**/record/demo-health-plan');
      await screenshots(page, 'partner-record');
      await expect(page.locator('[data-field="name"]').innerText()).resolves.toBe('Mayte822 Venegas795');
      await expect(page.locator('[data-field="birth-date"]').innerText()).resolves.toBe('January 4, 2011');
      expect(await page.locator('[data-type]').count()).toBeGreaterThanOrEqual(12);
      expect(await page.locator('.latest tbody tr').count()).toBeGreaterThan(5);

      await page.reload();
      await expect(page.locator('[data-field="name"]').innerText()).resolves.toBe('Mayte822 Venegas795');
      await page.goto(stack.urls.partner);
      await screenshots(page, 'partner-home-connected');
      await page.getByRole('link', { name: 'See my record from Demo Health Plan' }).click();
      await page.getByRole('button', { name: 'Disconnect' }).click();
      await page.getByRole('status').waitFor();
      await expect(page.getByRole('status').innerText()).resolves.toBe('Demo Health Plan is disconnected.');
    });

    it('connects Northwind Health, which requires everything in SMART, in the same way', async () => {
      await page.goto(stack.urls.partner);
      await page.getByRole('link', { name: 'Connect Northwind Health' }).click();
      await signInAtPayer(page);

      await page.waitForURL('**/record/northwind');
      await expect(page.locator('[data-field="name"]').innerText()).resolves.toBe('Mayte822 Venegas795');
      await page.getByRole('button', { name: 'Read again' }).click();
      await page.getByRole('button', { name: 'Disconnect Northwind Health' }).click();
      await page.getByText('Northwind Health is disconnected.').waitFor();
    });

    it('tells a member who denied that nothing was shared, and lets them try again', async () => {
      await page.goto(stack.urls.partner);
      await page.getByRole('link', { name: 'Connect Demo Health Plan' }).click();
      await signInAtPayer(page, { decision: 'Deny' });

      await page.getByRole('heading', { name: 'You chose not to share your record' }).waitFor();
      await screenshots(page, 'partner-refused');
      await page.getByRole('link', { name: 'Try again' }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    });

    it('says that a sign-in is over if its redirect is loaded again', async () => {
      await page.goto(`${stack.urls.partner}/callback?state=old&code=old`);
      await screenshots(page, 'partner-expired');

      expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('This sign-in is no longer open');
    });
  });
};
