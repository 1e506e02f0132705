import type { Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import type { PageUnderTest } from './page-under-test.ts';

/** Begins a sign-in at Northwind Health, as an app's link does. */
const beginSignIn = async (page: Page, stack: LocalStack): Promise<void> => {
  await page.goto(`${stack.urls.partner}/connect/northwind`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
};

const createAccount = async (page: Page, stack: LocalStack, memberId: string): Promise<void> => {
  await beginSignIn(page, stack);
  await page.getByRole('link', { name: 'Create an account' }).click();
  const details = {
    'First Name': 'Mayte822',
    'Last Name': 'Venegas795',
    Birthdate: '01/04/2011',
    'Member ID': memberId,
    'Postal Code': '02116',
    'E-mail address': 'mayte@example.com',
  };
  for (const [label, value] of Object.entries(details)) await page.getByLabel(label, { exact: true }).fill(value);
  await page.getByRole('button', { name: 'Create account' }).click();
};

const verify = async (page: Page, stack: LocalStack): Promise<void> => {
  await createAccount(page, stack, '01-testmemid');
  await page.getByRole('heading', { name: 'Verify your e-mail' }).waitFor();
};

const enterCode = async (page: Page, stack: LocalStack): Promise<void> => {
  await verify(page, stack);
  const reference = await page.locator('main [data-reference]').getAttribute('data-reference');
  const inbox = await (await fetch(`${stack.urls.northwind}/inbox`)).text();
  const message = inbox.split('<article').find((part) => part.includes(`data-reference="${reference}"`)) ?? '';
  await page.getByLabel('Code').fill(/data-code="(\d+)"/.exec(message)?.[1] ?? '');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'Allow access' }).waitFor();
};

const at =
  (path: string): PageUnderTest['open'] =>
  async (page, stack) => {
    await page.goto(stack.urls.northwind + path);
  };

const inEnglish = (name: string, open: PageUnderTest['open']): PageUnderTest => ({ name, open, languages: ['en'] });

/** The pages of a sandbox payer, which plays a company of its own and so has one language. */
export const payerPages: readonly PageUnderTest[] = [
  inEnglish('payer-sign-in', beginSignIn),
  inEnglish('payer-sign-in-wrong', async (page, stack) => {
    await beginSignIn(page, stack);
    await page.getByLabel('E-mail address').fill('nobody');
    await page.getByRole('button', { name: 'Send me a code' }).click();
    await page.getByText('Enter an e-mail address such as').waitFor();
  }),
  inEnglish('payer-create-account', async (page, stack) => {
    await beginSignIn(page, stack);
    await page.getByRole('link', { name: 'Create an account' }).click();
    await page.getByText('A test member that you can use').click();
  }),
  inEnglish('payer-create-account-wrong', async (page, stack) => {
    await createAccount(page, stack, '99-nobody');
    await page.getByRole('alert').waitFor();
  }),
  inEnglish('payer-verify', verify),
  inEnglish('payer-verify-wrong', async (page, stack) => {
    await verify(page, stack);
    await page.getByLabel('Code').fill('12');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('That is not the code').waitFor();
  }),
  inEnglish('payer-consent', async (page, stack) => {
    await enterCode(page, stack);
    await page.getByText('Share only part').click();
  }),
  inEnglish('payer-ended', at('/interaction/none')),
  inEnglish('payer-home', at('/')),
  inEnglish('payer-inbox', async (page, stack) => {
    await verify(page, stack);
    await page.goto(`${stack.urls.northwind}/inbox`);
  }),
  inEnglish('payer-members', async (page, stack) => {
    await page.goto(`${stack.urls.northwind}/members`);
    await page.locator('summary').first().click();
  }),
  // For developers: it lists every switch.
  { ...inEnglish('payer-switches', at('/admin')), mostKilobytes: 45 },
  inEnglish('payer-no-page', at('/nothing')),
  inEnglish('identity-provider', async (page, stack) => {
    await page.goto(stack.urls.identity);
  }),
  inEnglish('identity-proof', async (page, stack) => {
    await page.goto(`${stack.urls.partner}/identify/demo-health-plan`);
    await page.getByRole('button').click();
  }),
];
