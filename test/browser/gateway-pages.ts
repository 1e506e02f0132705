import type { Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import { connectApp, connectionsUrl, signInBeside } from './member-connections.ts';
import type { PageUnderTest } from './page-under-test.ts';

type Changes = Readonly<Record<string, string>>;

/** The parameters of the app that asks its members on the gateway's page, with some changed. */
const authorizeParameters = (stack: LocalStack, changes: Changes = {}): readonly (readonly [string, string])[] =>
  Object.entries({
    client_id: 'third-party-app',
    redirect_uri: `${stack.urls.partner}/third-party/callback`,
    state: 'a-state',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...changes,
  });

/** The address of an authorize request. */
export const authorizeUrl = (stack: LocalStack, changes: Changes = {}, payer = 'demo-health-plan'): string =>
  `${stack.urls.gateway}/oauth2/authorize/${payer}?${new URLSearchParams(authorizeParameters(stack, changes).map(([name, value]) => [name, value]))}`;

/** The address of the page that finds a plan, for the app that asks its members itself. */
const connectUrl = (stack: LocalStack, more: Changes = {}): string =>
  `${stack.urls.gateway}/connect?${new URLSearchParams({ client_id: 'demo-partner', redirect_uri: `${stack.urls.partner}/callback`, ...more })}`;

const callbackUrl = (stack: LocalStack, query: Changes): string =>
  `${stack.urls.gateway}/oauth2/callback/demo-health-plan?${new URLSearchParams(query)}`;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');

/** Submits a form from another site's page, as an app may. */
const post = async (page: Page, url: string, fields: readonly (readonly [string, string])[]): Promise<void> => {
  const inputs = fields.map(([name, value]) => `<input name="${name}" value="${escaped(value)}">`);
  await page.setContent(`<form method="post" action="${escaped(url)}">${inputs.join('')}<button>Send</button></form>`);
  await page.getByRole('button', { name: 'Send' }).click();
  await page.waitForURL(url);
};

/** Begins a sign-in that goes on to the payer. @returns its state */
const beginSignIn = async (page: Page, stack: LocalStack): Promise<string> => {
  const atPayer = page.waitForRequest((request) => request.url().startsWith(stack.urls.demoHealthPlan));
  await page.goto(authorizeUrl(stack, { client_id: 'demo-partner', redirect_uri: `${stack.urls.partner}/callback` }));
  return new URL((await atPayer).url()).searchParams.get('state') ?? '';
};

const at =
  (urlOf: (stack: LocalStack) => string): PageUnderTest['open'] =>
  async (page, stack) => {
    await page.goto(urlOf(stack));
  };

/** It is for developers, in English. */
const indexPage = { languages: ['en'], hasScript: true } as const;

/** The gateway's own pages: the index, consent, and what a member sees where no redirect is trusted. */
export const gatewayPages: readonly PageUnderTest[] = [
  { ...indexPage, name: 'gateway-index', open: at(({ urls }) => `${urls.gateway}/`) },
  {
    ...indexPage,
    name: 'gateway-index-all-open',
    open: async (page, { urls }) => {
      await page.goto(`${urls.gateway}/`);
      for (const summary of await page.locator('details > summary').all()) {
        // Opening one may move the others, but closes none.
        if (!(await summary.evaluate((element) => element.closest('details')?.open))) await summary.click();
      }
    },
  },
  { name: 'gateway-consent', open: at((stack) => authorizeUrl(stack)) },
  {
    name: 'gateway-consent-once',
    open: at((stack) => authorizeUrl(stack, { scope: 'patient/Patient.rs patient/Coverage.rs' }, 'northwind')),
  },
  {
    name: 'gateway-consent-posted',
    open: async (page, stack) => {
      await post(page, `${stack.urls.gateway}/oauth2/authorize/northwind`, authorizeParameters(stack));
    },
  },
  { name: 'gateway-connect', open: at((stack) => connectUrl(stack)), hasScript: true },
  { name: 'gateway-connect-nothing-found', open: at((stack) => connectUrl(stack, { q: 'zebra' })), hasScript: true },
  { name: 'gateway-connect-step', open: at((stack) => connectUrl(stack, { payer: 'demo-health-plan' })) },
  { name: 'gateway-connections', open: at((stack) => `${connectionsUrl(stack, 'demo-health-plan')}?notice=denied`) },
  {
    name: 'gateway-connections-signed-in',
    open: async (page, stack) => {
      await connectApp(stack, 'third-party-app', '/third-party/callback', 'clinical');
      await connectApp(stack, 'demo-app', '/app/callback', 'clinical');
      await signInBeside(page, stack, 'clinical');
    },
  },
  {
    name: 'gateway-connections-stopped',
    open: async (page, stack) => {
      await connectApp(stack, 'demo-app', '/app/callback', 'clinical');
      await signInBeside(page, stack, 'clinical');
      await page.locator('button[value=end]').first().click();
      await page.waitForURL(/[?&]ended=/);
    },
  },
  { name: 'gateway-unknown-app', open: at((stack) => authorizeUrl(stack, { client_id: 'nobody-knows-me' })) },
  {
    name: 'gateway-unregistered-return',
    open: at((stack) => authorizeUrl(stack, { redirect_uri: 'https://elsewhere.example/' })),
  },
  { name: 'gateway-unknown-plan', open: at((stack) => authorizeUrl(stack, {}, 'no-such-plan')) },
  { name: 'gateway-not-begun-here', open: at((stack) => callbackUrl(stack, { state: 'x' })) },
  { name: 'gateway-expired', open: at((stack) => callbackUrl(stack, { state: 'A'.repeat(43), code: 'x' })) },
  {
    name: 'gateway-other-browser',
    open: async (page, stack) => {
      const state = await beginSignIn(page, stack);
      await page.context().clearCookies();
      await page.goto(callbackUrl(stack, { state, code: 'x' }));
    },
  },
  {
    name: 'gateway-finished',
    open: async (page, stack) => {
      const url = callbackUrl(stack, { state: await beginSignIn(page, stack), error: 'access_denied' });
      await page.goto(url);
      await page.goto(url);
    },
  },
  {
    name: 'gateway-wrong-method',
    open: async (page, stack) => {
      await post(page, `${stack.urls.gateway}/oauth2/callback/northwind`, [['state', '"><b>x</b>']]);
    },
  },
];
