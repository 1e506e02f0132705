import { browser } from './partner-browser.ts';
import { startFakeGateway } from './partner-fake-gateway.ts';
import type { FakeGateway } from './partner-fake-gateway.ts';
import { registration, startPartnerApp } from './partner-start.ts';

describe('a search for the plan from the demo partner app', () => {
  let gateway: FakeGateway;
  let app: Awaited<ReturnType<typeof startPartnerApp>>;

  beforeEach(async () => {
    gateway = await startFakeGateway();
    app = await startPartnerApp({
      ...registration,
      port: 0,
      gatewayOrigin: gateway.origin,
      payers: [
        { id: 'other', displayName: 'Other Plan' },
        { id: 'plan', displayName: 'Old Plan' },
      ],
    });
  });
  afterEach(async () => {
    await app.close();
    await gateway.close();
  });

  it('leads to the gateway’s page with an authorize request, and to the record of the plan that was found there', async () => {
    const begun = await fetch(`${app.url}/connect`, { redirect: 'manual' });
    const to = new URL(begun.headers.get('location') ?? '');
    expect(to.origin + to.pathname).toBe(`${gateway.origin}/connect`);
    expect(Object.fromEntries(to.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: registration.clientId,
      redirect_uri: app.redirectUri,
      code_challenge_method: 'S256',
    });
    expect(to.searchParams.has('aud')).toBe(false);

    const { url, text } = await browser()(`${app.url}/connect`);
    expect(url).toBe(`${app.url}/record/plan`);
    expect(text).toContain('Old Plan');
  });

  it.each(['https://elsewhere.example/r4/plan', 'r4/plan', ''])(
    'reads nothing where the redirect names %j, which is no plan of the app',
    async (issuer) => {
      gateway.issuer = issuer;

      const { status, text } = await browser()(`${app.url}/connect`);

      expect(status).toBe(400);
      expect(text).toContain('This app does not offer that plan');
      expect(gateway.seen.map(({ path }) => path)).not.toContain('/oauth2/token');
    },
  );

  it('keeps to the plan that a sign-in began with, whatever the redirect names', async () => {
    gateway.issuer = `${gateway.origin}/r4/other`;

    const { text } = await browser()(`${app.url}/connect/plan`);

    expect(text).toContain('Something went wrong');
    expect(gateway.seen.map(({ path }) => path)).not.toContain('/oauth2/token');
  });
});
