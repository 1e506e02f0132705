import type { Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import type { PageUnderTest } from './page-under-test.ts';
import { signInAtPayer } from './payer-forms.ts';

const record = '/record/demo-health-plan';

/** Opens a page of the record. The first one signs in, and the others share its cookie. */
const recordAt =
  (path: string): PageUnderTest['open'] =>
  async (page, stack) => {
    const answer = await page.goto(stack.urls.partner + record + path);
    if (answer?.status() !== 403) return;
    await page.getByRole('link', { name: 'Connect Demo Health Plan' }).click();
    await signInAtPayer(page);
    await page.waitForURL(`**${record}`);
    if (path !== '') await page.goto(stack.urls.partner + record + path);
  };

const importWhole = async (page: Page, stack: LocalStack): Promise<void> => {
  await recordAt('')(page, stack, 'en');
  await page.getByRole('button', { name: 'Import the whole record' }).click();
  await page.getByRole('heading', { name: 'Your whole record is here' }).waitFor();
};

const openResult = async (page: Page, stack: LocalStack): Promise<void> => {
  await recordAt(`/results?of=${encodeURIComponent('http://loinc.org|85354-9')}`)(page, stack, 'en');
  await page.locator('canvas').first().waitFor();
  await page.getByText('The same as a table').click();
};

const inEnglish = (name: string, open: PageUnderTest['open'], more: Partial<PageUnderTest> = {}): PageUnderTest => ({
  name,
  open,
  languages: ['en'],
  mostKilobytes: 60,
  ...more,
});

/** The sample app's pages about a record. */
export const recordPages: readonly PageUnderTest[] = [
  inEnglish('record-overview', recordAt('')),
  inEnglish('record-timeline', recordAt('/timeline')),
  inEnglish('record-result', openResult, { hasScript: true, mostKilobytes: 110 }),
  inEnglish('record-health', recordAt('/health')),
  inEnglish('record-care', recordAt('/care')),
  inEnglish('record-documents', recordAt('/documents')),
  inEnglish('record-disconnect', recordAt('/disconnect')),
  inEnglish('record-import', importWhole, { hasScript: true }),
];
