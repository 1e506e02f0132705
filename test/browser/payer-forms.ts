import type { Page } from 'playwright-core';
import type { WalkMember } from '../../sandbox/payer/walk.ts';
import { memberNamed } from '../../sandbox/sign-in/member.ts';
import { screenshots } from './chromium.ts';

/** What a member types into the payer's form, by its labels. */
const detailsOf = ({ firstName, lastName, birthDate, memberId, postalCode, email }: WalkMember) => {
  const [year, month, day] = birthDate.split('-');
  return {
    'First Name': firstName,
    'Last Name': lastName,
    Birthdate: `${month}/${day}/${year}`,
    'Member ID': memberId,
    'Postal Code': postalCode,
    'E-mail address': email,
  };
};

/** How the member behaves. */
export interface Behavior {
  /** @default the one that the payers' page names */
  readonly member?: WalkMember;
  readonly decision?: 'Allow' | 'Deny';
  /** Types a wrong member number and a wrong code first. */
  readonly mistakes?: boolean;
  /** The prefix for the screenshots of the payer's pages. */
  readonly shots?: string;
}

/**
 * Goes through a payer's pages as a person: sign in, "Create an account", the code from the inbox, consent. The page
 * must be at the payer's sign-in; afterwards it is on its way back to the app.
 */
export const signInAtPayer = async (page: Page, behavior: Behavior = {}): Promise<void> => {
  const { decision = 'Allow', mistakes = false, shots, member = memberNamed('clinical') } = behavior;
  const details = detailsOf(member);
  const shoot = async (name: string) => (shots === undefined ? undefined : screenshots(page, `${shots}-${name}`));
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await shoot('sign-in');
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByRole('heading', { name: 'Create an account' }).waitFor();
  await shoot('create-account');
  for (const [label, value] of Object.entries(details)) await page.getByLabel(label, { exact: true }).fill(value);
  if (mistakes) {
    await page.getByLabel('Member ID').fill('99-nobody');
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByRole('alert').waitFor();
    await shoot('create-account-wrong');
    await page.getByLabel('Member ID').fill(details['Member ID']);
  }
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('heading', { name: 'Verify your e-mail' }).waitFor();
  await shoot('verify');
  const code = await codeFromInbox(page, shots);
  if (mistakes) {
    await page.getByLabel('Code').fill(code === '123456' ? '654321' : '123456');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('That is not the code').waitFor();
    await shoot('verify-wrong');
  }
  await page.getByLabel('Code').fill(code);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'Allow access' }).waitFor();
  await shoot('consent');
  await page.getByRole('button', { name: decision, exact: true }).click();
};

const codeFromInbox = async (page: Page, shots?: string): Promise<string> => {
  const reference = await page.locator('main [data-reference]').getAttribute('data-reference');
  const opened = page.context().waitForEvent('page');
  await page.getByRole('link', { name: 'open the inbox' }).click();
  const inbox = await opened;
  const message = inbox.locator(`article[data-reference="${reference}"]`);
  const code = await message.locator('[data-code]').getAttribute('data-code');
  if (shots !== undefined) await screenshots(inbox, `${shots}-inbox`);
  await inbox.close();
  return code ?? '';
};
