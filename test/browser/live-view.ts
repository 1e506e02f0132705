import type { Browser, Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import { openPage } from './chromium.ts';
import { signInAtPayer } from './payer-forms.ts';

/** A walk through the live view beside a member who signs in. */
export const liveView = (browser: Browser, running: () => LocalStack): void => {
  describe('the live view', () => {
    let stack: LocalStack;
    let member: Page;
    let live: Page;
    let opened = 0;

    beforeEach(async () => {
      stack = running();
      member = await openPage(browser);
      live = await openPage(browser);
      await live.goto(stack.urls.live);
      await live.getByText('Connected', { exact: true }).waitFor();
      // What happened before comes in parts, and what happens now comes after the last of them.
      opened += 1;
      const unlikeOthers = `?_count=${900_000 + opened}`;
      await fetch(`${stack.urls.northwind}/${unlikeOthers}`);
      await row(unlikeOthers).waitFor();
    });
    afterEach(async () => {
      await member.close();
      await live.close();
    });

    const row = (text: string) => live.locator('#events .row', { hasText: text });
    const connect = async (payer: string): Promise<void> => {
      await member.goto(`${stack.urls.partner}/connect/${payer}`);
      await signInAtPayer(member);
      await member.waitForURL(`**/record/${payer}`);
    };

    it('shows a sign-in as it happens, and of two grants the one that is chosen', async () => {
      await live.getByRole('button', { name: 'Clear' }).click();
      await connect('northwind');
      await row('/oauth2/callback/northwind?').waitFor();
      await row('stored in grants').first().waitFor();
      await connect('demo-health-plan');
      await row('/oauth2/callback/demo-health-plan?').waitFor();
      // The newest is in view, since nobody has scrolled.
      await live.waitForFunction(() => window.scrollY > 0);

      const choices = live.getByLabel('Grant');
      const options = await choices.locator('option').allInnerTexts();
      const northwind = options.findLast((option) => option.includes('Northwind Health, for Demo Partner')) ?? '';
      await choices.selectOption({ label: northwind });

      expect(await row('/oauth2/callback/northwind?').count()).toBe(1);
      expect(await row('demo-health-plan').count()).toBe(0);
      // From the first redirect to the record.
      expect(await row('/connect/northwind').count()).toBe(1);
      expect(await row('/r4/northwind/').count()).toBeGreaterThan(0);
    });

    it('finds a request by the reference on its error, and says what the error means', async () => {
      const answer = await fetch(`${stack.origin}/oauth2/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'authorization_code', code: 'p2pc_canary', client_id: 'demo-app' }),
      });
      const { error, error_description: says } = (await answer.json()) as Record<string, string>;
      const reference = /\(reference ([\da-f-]+)\)/.exec(says ?? '')?.[1] ?? '';
      await live.getByLabel('Search').fill(reference);

      const found = live.locator('#events .row');
      await found.waitFor();
      expect(await found.count()).toBe(1);
      await found.click();
      const panel = live.locator('#panel');
      await panel.getByText(`${error}:`).waitFor();
      const told = await panel.innerText();
      expect(told).toContain(`npm run trace -- ${reference}`);
      expect(told).toMatch(/Send the member through authorize again|Change the request/);
      expect(told).not.toContain('canary');
    });

    it('works with the keyboard alone: rows by arrows, details by Enter, back by Escape', async () => {
      await fetch(`${stack.urls.northwind}/members`);
      await row('/members').first().waitFor();
      await live.keyboard.press('Tab');
      await live.keyboard.press('Enter');
      await live.keyboard.press('Tab');
      const focused = () => live.evaluate(() => document.activeElement?.closest('li')?.dataset['id']);
      const first = await focused();
      await live.keyboard.press('End');
      const last = await focused();
      expect([first, last].map((id) => id !== undefined)).toEqual([true, true]);
      await live.keyboard.press('Enter');
      expect(await live.evaluate(() => document.activeElement?.id)).toBe('panel-title');
      await live.keyboard.press('Escape');
      expect(await focused()).toBe(last);
      expect(await live.locator('#panel').isVisible()).toBe(false);
    });

    it('marks what belongs to the audit in words, and says how many events it does not show, and why', async () => {
      await connect('northwind');
      await row('stored in audit events').first().waitFor();
      await member.goto(`${stack.urls.partner}/`);
      // All at one moment, since rows keep coming.
      const rows = await live.locator('#events .row').evaluateAll((found) =>
        found.map(({ textContent, children }) => ({
          of: /stored in grants| audit events/.exec(textContent ?? '')?.[0],
          isMarked: [...children].some((part) => part.querySelector('.tag.audit')?.textContent === 'who read what'),
        })),
      );
      const marksOf = (what: string) => new Set(rows.filter(({ of }) => of === what).map(({ isMarked }) => isMarked));
      expect([...marksOf(' audit events')]).toEqual([true]);
      expect([...marksOf('stored in grants')]).toEqual([false]);

      await live.getByText(/^\d+ events shown\. Not shown: \d+ styles and scripts\.$/).waitFor();
      await live.getByLabel('Styles and scripts').check();
      await live.getByText(/^\d+ events shown\.$/).waitFor();
      await live.getByLabel('Search').fill('stored in audit');
      await live.getByText(/^\d+ events? shown\. Not shown: \d+ that the filters leave out\.$/).waitFor();
    });

    it('holds still while it is paused, and catches up', async () => {
      await live.getByRole('button', { name: 'Clear' }).click();
      await live.getByRole('button', { name: 'Pause' }).click();
      await fetch(`${stack.urls.northwind}/members`);
      await live.getByText('more since the pause').waitFor();
      expect(await row('/members').count()).toBe(0);
      await live.getByRole('button', { name: 'Resume' }).click();
      await row('/members').waitFor();
    });
  });
};
