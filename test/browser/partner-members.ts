import type { Browser, Page } from 'playwright-core';
import type { MemberKey } from '../../sandbox/payer/data/member-list.ts';
import { memberNamed } from '../../sandbox/sign-in/member.ts';
import type { LocalStack } from '../../sandbox/stack.ts';
import { openPage, screenshots } from './chromium.ts';
import { signInAtPayer } from './payer-forms.ts';

const record = '/record/demo-health-plan';

/** The demo partner app, for members whose records are not like the first one's. */
export const partnerMembers = (browser: Browser, running: () => LocalStack): void => {
  describe('the demo partner app', () => {
    let page: Page;
    let complaints: string[];
    afterEach(() => page.close());

    const connect = async (key: MemberKey): Promise<void> => {
      complaints = [];
      page = await openPage(browser);
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      await page.goto(`${running().urls.partner}/connect/demo-health-plan`);
      await signInAtPayer(page, { member: memberNamed(key) });
      await page.waitForURL(`**${record}`);
    };
    const open = async (place: string): Promise<void> => {
      await page.getByRole('link', { name: place, exact: true }).click();
      await page.waitForURL(`**/${place.toLowerCase()}`);
    };
    const dollars = async (field: string): Promise<number> =>
      Number((await page.locator(`[data-field="${field}"]`).innerText()).replaceAll(/[$,]/g, ''));

    it('shows the member with claims what care cost: in all, and claim by claim', async () => {
      await connect('claims');
      await screenshots(page, 'claims-member-overview');
      for (const place of ['Timeline', 'Results', 'Health', 'Care', 'Documents']) {
        await open(place);
        await screenshots(page, `claims-member-${place.toLowerCase()}`);
        expect(await page.getByRole('heading', { level: 1 }).innerText()).not.toBe('');
      }
      await open('Claims');
      await screenshots(page, 'claims-member-claims');

      expect(await dollars('billed')).toBeGreaterThan(await dollars('paid'));
      expect(await dollars('owed')).toBeGreaterThan(0);
      const claims = page.getByRole('table', { name: 'Each claim' }).getByRole('row');
      expect(await claims.count()).toBeGreaterThan(4);
      await page.getByRole('table', { name: 'Each claim' }).getByRole('link').first().click();
      await page.getByRole('heading', { name: /^One of your / }).waitFor();
      expect(await page.locator('pre').innerText()).toContain('ExplanationOfBenefit');
      expect(complaints).toEqual([]);
    });

    it('shows the member with 80,000 readings the first of them and says so, draws charts, and imports the rest until told to stop', async () => {
      await connect('large');
      await page.getByText('Your record is large.').waitFor();
      await screenshots(page, 'large-member-overview');
      for (const place of ['Timeline', 'Results']) {
        await open(place);
        if (place === 'Results') await page.locator('canvas').first().waitFor();
        await screenshots(page, `large-member-${place.toLowerCase()}`);
      }
      await page.getByRole('button', { name: 'Import the whole record' }).click();
      await page.waitForURL('**/export/demo-health-plan');
      // The page looks again by itself until the record comes.
      const soFar = page.locator('[data-field="resources"]').filter({ hasText: /^[1-9][\d,]* entries so far$/ });
      await soFar.waitFor();
      await screenshots(page, 'large-member-import');
      await page.getByRole('button', { name: 'Stop the import' }).click();

      await page.waitForURL(`**${record}`);
      await page.getByText('Your record is large.').waitFor();
      expect(await page.getByRole('button', { name: 'Import the whole record' }).count()).toBeGreaterThan(0);
      expect(complaints).toEqual([]);
    });
  });
};
