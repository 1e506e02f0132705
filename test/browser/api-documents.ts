import type { Browser, Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import { openPage, screenshots } from './chromium.ts';

/** The API documents, which the live view's server renders. */
export const apiDocuments = (browser: Browser, running: () => LocalStack): void => {
  describe('the API documents at /api', () => {
    let page: Page;
    afterEach(() => page.close());

    it('show an operation with its words and answers, load nothing from elsewhere, and make no error', async () => {
      const { live } = running().urls;
      const complaints: string[] = [];
      const elsewhere: string[] = [];
      page = await openPage(browser);
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('request', (request) => {
        if (!request.url().startsWith(`${live}/`) && !request.url().startsWith('data:')) elsewhere.push(request.url());
      });
      await page.goto(live);
      await page.getByRole('link', { name: 'API', exact: true }).click();
      await page.waitForURL('**/api');
      const operation = page.locator('.opblock', { hasText: '/oauth2/token' }).first();
      await operation.getByRole('button').first().click();
      await operation.getByText('invalid_grant').first().waitFor();
      await screenshots(page, 'api-documents');

      expect(await page.locator('.opblock').count()).toBeGreaterThan(25);
      expect(await page.locator('.errors-wrapper').count()).toBe(0);
      expect(complaints).toEqual([]);
      expect(elsewhere).toEqual([]);
    });
  });
};
