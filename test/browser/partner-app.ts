import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import { openPage, screenshots } from './chromium.ts';
import { signInAtPayer } from './payer-forms.ts';

/** Each chart has its curve, and the same points in a table that opens. */
const drawsCharts = async (page: Page): Promise<void> => {
  const weight = page.locator('figure', { hasText: 'Body weight' });
  await weight.locator('canvas').waitFor();
  expect(await page.locator('figure canvas').count()).toBe(await page.locator('figure').count());
  expect(await weight.locator('.readout').innerText()).toMatch(/^Jan 6, 2020: [\d.]+ kg$/);
  await weight.getByText('The same as a table').click();
  const rows = weight.getByRole('row');
  await rows.first().waitFor();
  expect(await rows.count()).toBe(19);
};

const keepsTheFirstNote = async (page: Page): Promise<void> => {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download' }).first().click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^Progress-note-.*\.txt$/);
  expect(await readFile(await download.path(), 'utf8')).toContain('¡muy bien, Mayte!');
};

/** Walks in a browser over a running stack. */
export const partnerApp = (browser: Browser, running: () => LocalStack): void => {
  describe('a member in a browser, with the demo partner app and the Demo Health Plan', () => {
    let stack: LocalStack;
    let page: Page;

    beforeAll(() => {
      stack = running();
    });

    let complaints: string[];

    beforeEach(async () => {
      complaints = [];
      page = await openPage(browser);
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
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

      const record = page.url();
      // The typing mistakes made the payer complain. The app's own pages give no reason to.
      complaints = [];
      for (const place of ['Timeline', 'Results', 'Health', 'Care', 'Claims', 'Documents']) {
        await page.getByRole('link', { name: place, exact: true }).click();
        await page.waitForURL(`**/${place.toLowerCase()}`);
        await screenshots(page, `partner-${place.toLowerCase()}`);
        if (place === 'Results') await drawsCharts(page);
        if (place === 'Documents') await keepsTheFirstNote(page);
      }
      expect(complaints).toEqual([]);
      await page.goto(record);
      await expect(page.locator('[data-field="name"]').innerText()).resolves.toBe('Mayte822 Venegas795');
      await page.goto(stack.urls.partner);
      await screenshots(page, 'partner-home-connected');
      await page.getByRole('link', { name: 'See my record from Demo Health Plan' }).click();
      await page.getByRole('link', { name: 'Disconnect Demo Health Plan' }).click();
      await page.getByRole('button', { name: 'Disconnect Demo Health Plan' }).click();
      await page.getByRole('status').waitFor();
      await expect(page.getByRole('status').innerText()).resolves.toBe('Demo Health Plan is disconnected.');
    });

    it('connects without an account at the plan: the member agrees, proves who they are, and sees the record', async () => {
      await page.goto(stack.urls.partner);
      await page.getByRole('link', { name: 'I have no account there at Demo Health Plan' }).click();
      await page.getByRole('button', { name: 'I agree: prove who I am' }).click();
      await page.getByLabel('Mayte822 Venegas795').check();
      await page.getByRole('button', { name: 'This is me: tell the app' }).click();

      await page.waitForURL('**/record/demo-health-plan');
      await expect(page.locator('[data-field="name"]').innerText()).resolves.toBe('Mayte822 Venegas795');
      expect(complaints).toEqual([]);
    });

    it('imports the whole record, which survives a reload, gives a file, and deletes the import', async () => {
      await page.goto(stack.urls.partner);
      await page.getByRole('link', { name: 'Connect Demo Health Plan' }).click();
      await signInAtPayer(page);
      await page.waitForURL('**/record/demo-health-plan');
      await page.getByRole('button', { name: 'Import the whole record' }).click();
      await page.waitForURL('**/export/demo-health-plan');
      await screenshots(page, 'partner-import-running');
      // The page reloads itself until the record is there.
      await page.getByRole('heading', { name: 'Your whole record is here' }).waitFor();
      await page.reload();
      await screenshots(page, 'partner-import-done');
      await page.getByText('Nothing is known to be missing.').waitFor();
      expect(await page.locator('[data-type]').count()).toBeGreaterThanOrEqual(12);

      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.locator('[data-type="Patient"] a').click(),
      ]);
      const [line] = (await readFile(await download.path(), 'utf8')).split('\n');
      expect(JSON.parse(line ?? '')).toMatchObject({ resourceType: 'Patient', birthDate: '2011-01-04' });
      await page.getByRole('button', { name: 'Delete these files' }).click();
      await page.waitForURL('**/record/demo-health-plan');
      await page.getByRole('button', { name: 'Import again' }).waitFor();
    });

    it('says what is missing if the payer’s pages lead to another host', async () => {
      await page.goto(stack.urls.partner);
      await page.getByRole('link', { name: 'Connect Northwind Health' }).click();
      await signInAtPayer(page);
      await page.waitForURL('**/record/northwind');
      await fetch(`${stack.urls.northwind}/admin`, {
        method: 'POST',
        body: new URLSearchParams({ fault: 'pages-elsewhere' }),
      });
      await page.getByRole('button', { name: 'Import the whole record' }).click();
      await page.getByRole('heading', { name: 'Your record is here, except for some parts' }).waitFor();
      await fetch(`${stack.urls.northwind}/admin`, { method: 'POST', body: new URLSearchParams() });
      await screenshots(page, 'partner-import-missing');

      await expect(page.locator('[data-missing]').first().innerText()).resolves.toMatch(/links to another server/);
    });

    it('connects Northwind Health, which requires everything in SMART, in the same way', async () => {
      await page.goto(stack.urls.partner);
      await page.getByRole('link', { name: 'Connect Northwind Health' }).click();
      await signInAtPayer(page);

      await page.waitForURL('**/record/northwind');
      await expect(page.locator('[data-field="name"]').innerText()).resolves.toBe('Mayte822 Venegas795');
      await page.getByRole('button', { name: 'Read again' }).click();
      await page.getByRole('link', { name: 'Disconnect Northwind Health' }).click();
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
