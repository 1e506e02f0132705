import type { Browser, Page } from 'playwright-core';
import { signInAsMember } from '../../sandbox/payer/walk.ts';
import { memberNamed } from '../../sandbox/sign-in/member.ts';
import { signIn } from '../../sandbox/sign-in/sign-in.ts';
import type { LocalStack } from '../../sandbox/stack.ts';
import { openPage, screenshots } from './chromium.ts';
import { signInAtPayer } from './payer-forms.ts';

const payer = 'northwind';

/** The address of the page. */
export const connectionsUrl = ({ urls }: LocalStack, at = payer): string => `${urls.gateway}/connections/${at}`;

/** Connects an app to a member's record. @returns its access token */
export const connectApp = async (
  { urls }: LocalStack,
  client: string,
  path: string,
  member: Parameters<typeof memberNamed>[0],
): Promise<string> => {
  const from = { gateway: urls.gateway, payer, client, redirectUri: urls.partner + path, scope: undefined };
  const { tokens } = await signIn({ member, from, tokens: { clientSecret: undefined, codeVerifier: undefined } });
  const { access_token: token = '' }: { readonly access_token?: string } = tokens ?? {};
  return token;
};

/** Signs a browser in on the page, with the payer's own pages walked beside it. */
export const signInBeside = async (
  page: Page,
  stack: LocalStack,
  member: Parameters<typeof memberNamed>[0],
): Promise<void> => {
  await page.context().clearCookies();
  await page.goto(connectionsUrl(stack));
  const atPayer = page.waitForRequest((request) =>
    request.url().startsWith(`${stack.urls.northwind}/oauth2/authorize`),
  );
  await page.locator('button[value=sign-in]').click();
  await page.goto(await signInAsMember((await atPayer).url(), memberNamed(member)));
};

/** Presses Tab until an element with this text has the focus, as who has no mouse does. */
const tabTo = async (page: Page, text: string): Promise<void> => {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => document.activeElement?.textContent?.trim());
    if (focused === text) return;
  }
  throw new Error(`Tab does not reach ${text}`);
};

/** A member who looks which apps may read the record, and stops them. */
export const memberConnections = (browser: Browser, running: () => LocalStack): void => {
  describe('a member who stops apps', () => {
    let page: Page;
    afterEach(() => page.close());

    const statusOf = async (token: string): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`${running().urls.gateway}/r4/${payer}/Patient`, { headers })).status;
    };

    it('signs in, stops one app and then all with the keyboard alone, keeps the receipt, and signs out', async () => {
      const stack = running();
      const [journal, pocket] = [
        await connectApp(stack, 'third-party-app', '/third-party/callback', 'clinical'),
        await connectApp(stack, 'demo-app', '/app/callback', 'clinical'),
      ];
      page = await openPage(browser, { locale: 'en-US' });
      await page.goto(connectionsUrl(stack));
      await page.getByRole('heading', { name: 'Apps that may read your record at Northwind Health' }).waitFor();
      await screenshots(page, 'connections-sign-in');
      await tabTo(page, 'Sign in at Northwind Health');
      await page.keyboard.press('Enter');
      await signInAtPayer(page);

      await page
        .getByRole('heading', { name: /^Pocket Record/ })
        .first()
        .waitFor();
      await screenshots(page, 'connections-two');
      await tabTo(page, 'Stop Trend Journal');
      await page.keyboard.press('Enter');
      const receipt = page.getByRole('status').filter({ hasText: 'Trend Journal was stopped on' });
      await receipt.waitFor();
      await screenshots(page, 'connections-one-stopped');
      const said = await receipt.innerText();
      expect(said).toMatch(/Reference: [0-9a-f]{8}-[0-9a-f]{4}/);
      expect([await statusOf(journal), await statusOf(pocket)]).toEqual([401, 200]);
      await page.reload();
      expect(await receipt.innerText()).toBe(said);

      const all = await page.getByRole('button', { name: /^Stop all/ }).count();
      await tabTo(
        page,
        all === 1 ? await page.getByRole('button', { name: /^Stop all/ }).innerText() : 'Stop Pocket Record',
      );
      await page.keyboard.press('Enter');
      await page.getByText('We found no app that may read your record at Northwind Health through us.').waitFor();
      await screenshots(page, 'connections-none');
      expect(await statusOf(pocket)).toBe(401);
      await tabTo(page, 'Sign out');
      await page.keyboard.press('Enter');
      await page.getByText('You are signed out here.').waitFor();
      await page.goBack();
      await page.reload();
      await page.getByRole('button', { name: 'Sign in at Northwind Health' }).waitFor();
    });

    it('does the same in Spanish on a phone without JavaScript, and may refuse at the plan', async () => {
      const stack = running();
      await connectApp(stack, 'demo-app', '/app/callback', 'clinical');
      page = await openPage(browser, {
        javaScriptEnabled: false,
        locale: 'es-US',
        viewport: { width: 375, height: 720 },
        colorScheme: 'dark',
      });
      await page.goto(connectionsUrl(stack));
      await page.getByRole('button', { name: 'Iniciar sesión en Northwind Health' }).click();
      await signInAtPayer(page, { decision: 'Deny' });
      await page.getByText('Usted no terminó de iniciar sesión en Northwind Health.').waitFor();
      await page.getByRole('button', { name: 'Iniciar sesión en Northwind Health' }).click();
      await signInAtPayer(page);
      await page.getByRole('button', { name: 'Detener Pocket Record' }).first().waitFor();
      await screenshots(page, 'connections-es');
      await page.getByRole('button', { name: 'Detener Pocket Record' }).first().click();
      await page.getByText('El acceso de Pocket Record se detuvo el').first().waitFor();
      await screenshots(page, 'connections-es-detenido');
    });
  });
};
