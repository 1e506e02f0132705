import type { Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import type { PageUnderTest } from './page-under-test.ts';

const openLive = async (page: Page, stack: LocalStack): Promise<void> => {
  await fetch(`${stack.origin}/r4/northwind/Patient`, { headers: { authorization: 'Bearer p2pa_canary' } });
  await page.goto(stack.urls.live);
  await page.locator('.row.bad').first().waitFor();
};

const shared = { languages: ['en'], hasScript: true, mostKilobytes: 60 } as const;

/** The live view, with events, and with the details of one. */
export const livePages: readonly PageUnderTest[] = [
  { ...shared, name: 'live-view', open: openLive },
  {
    ...shared,
    name: 'documents',
    // A page with a sidebar, a search and themes: the generator's.
    mostKilobytes: 400,
    open: async (page, stack) => {
      await page.goto(`${stack.urls.live}/docs/partners/`);
      // The site is built first, if nobody has asked for it yet.
      await page.getByRole('heading', { name: 'For partner developers' }).waitFor();
    },
  },
  {
    ...shared,
    name: 'live-view-details',
    open: async (page, stack) => {
      await openLive(page, stack);
      await page.locator('.row.bad').last().click();
    },
  },
];
