import { setImmediate } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import type { GatewayClient, Tokens } from '../../sandbox/partner/gateway-client.ts';
import { gatewaySend } from '../../sandbox/partner/gateway-fetch.ts';
import type { Connection } from '../../sandbox/partner/sessions.ts';
import { inboxOf } from '../../sandbox/partner/webhooks.ts';
import { browser } from './partner-browser.ts';
import { startFakeGateway } from './partner-fake-gateway.ts';
import { registration, startAtFakeGateway, startPartnerApp, type AppAtFakeGateway } from './partner-start.ts';

describe('a search for the plan from the demo partner app', () => {
  let app: AppAtFakeGateway;
  beforeEach(async () => {
    app = await startAtFakeGateway([
      { id: 'other', displayName: 'Other Plan' },
      { id: 'plan', displayName: 'Old Plan' },
    ]);
  });
  afterEach(() => app.close());

  it('leads to the gateway’s page with an authorize request, and to the record of the plan that was found there', async () => {
    const begun = await fetch(`${app.url}/connect`, { redirect: 'manual' });
    const to = new URL(begun.headers.get('location') ?? '');
    expect(to.origin + to.pathname).toBe(`${app.gateway.origin}/connect`);
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
      app.gateway.issuer = issuer;

      const { status, text } = await browser()(`${app.url}/connect`);

      expect(status).toBe(400);
      expect(text).toContain('This app does not offer that plan');
      expect(app.gateway.seen.map(({ path }) => path)).not.toContain('/oauth2/token');
    },
  );

  it('keeps to the plan that a sign-in began with, whatever the redirect names', async () => {
    app.gateway.issuer = `${app.gateway.origin}/r4/other`;

    const { text } = await browser()(`${app.url}/connect/plan`);

    expect(text).toContain('Something went wrong');
    expect(app.gateway.seen.map(({ path }) => path)).not.toContain('/oauth2/token');
  });
});

const tokensNamed = (accessToken: string, expiresInMs = 3_600_000): Tokens => ({
  accessToken,
  refreshToken: `refresh of ${accessToken}`,
  patientId: 'p1',
  grantId: 'grant-1',
  expiresAtMs: Date.now() + expiresInMs,
});

const connectionWith = (tokens: Tokens): Connection => ({
  tokens,
  renewing: undefined,
  record: undefined,
  wholeRecord: undefined,
});

it('parallel reads that meet an ended token renew it once, and all go on with the new one', async () => {
  const fake = await startFakeGateway();
  let renewals = 0;
  const gateway = {
    renew: async () => {
      renewals += 1;
      while (fake.seen.length < 4) await setImmediate();
      fake.fhirStatus = 200;
      return tokensNamed('second');
    },
  } as unknown as GatewayClient;
  fake.fhirStatus = 401;
  const send = gatewaySend({ gateway, gatewayOrigin: fake.origin }, 'plan', connectionWith(tokensNamed('first')));
  const answers = await Promise.all([1, 2, 3, 4].map(() => send(`${fake.origin}/r4/plan/Patient/p1`)));
  await fake.close();

  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(renewals).toBe(1);
  expect(new Set(fake.seen.slice(-4).map(({ authorization }) => authorization))).toEqual(new Set(['Bearer second']));
});

it('a token is sent to the gateway alone', async () => {
  const gateway = {} as GatewayClient;
  const send = gatewaySend(
    { gateway, gatewayOrigin: 'https://gateway.example' },
    'plan',
    connectionWith(tokensNamed('t')),
  );

  await expect(send('https://gateway.example.evil/r4/plan/Patient')).rejects.toThrow('another server');
});

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const other = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
const at = new Date(Math.floor(Date.now() / 1000) * 1000);
const body = JSON.stringify({
  type: 'grant.ended',
  timestamp: '2026-06-01T11:59:58Z',
  data: { grant: 'grant-1', payer: 'plan', reason: 'byPartner' },
});

const signed = (id: string, text = body, date = at, by = secret) => ({
  'webhook-id': id,
  'webhook-timestamp': String(date.getTime() / 1000),
  'webhook-signature': new Webhook(by).sign(id, date, text),
});

describe('the events page of the partner app', () => {
  let app: Awaited<ReturnType<typeof startPartnerApp>>;
  beforeAll(async () => {
    const payers = [{ id: 'plan', displayName: 'Old Plan' }];
    app = await startPartnerApp({
      ...registration,
      port: 0,
      gatewayOrigin: 'http://localhost:1',
      payers,
      webhookSecrets: [secret],
    });
  });
  afterAll(() => app.close());
  const post = (headers: Record<string, string>, text = body) =>
    fetch(`${app.url}/webhooks`, { method: 'POST', headers, body: text });
  const events = async () => (await fetch(`${app.url}/events`)).text();

  it('says that there are none, then shows each signed event once, in plain words', async () => {
    expect(await events()).toContain('There are none yet');
    const now = new Date(Math.floor(Date.now() / 1000) * 1000);
    for (let times = 0; times < 2; times += 1) {
      expect((await post(signed('evt_1', body, now))).status).toBe(204);
    }
    const page = await events();
    expect(page.match(/data-event="grant\.ended"/g)).toHaveLength(1);
    expect(page).toContain('A connection ended: this app disconnected it');
    expect(page).toContain('Old Plan');
    expect(page).toContain('Jun 1, 2026, 11:59:58');
  });

  it('shows nothing that is unsigned, and escapes what it shows', async () => {
    expect((await post({})).status).toBe(401);
    const now = new Date(Math.floor(Date.now() / 1000) * 1000);
    const text = JSON.stringify({ type: '<b>new</b>', timestamp: 'soon', data: { reason: '<i>' } });
    expect((await post(signed('evt_<u>', text, now), text)).status).toBe(204);
    const page = await events();
    expect(page).toContain('&lt;b&gt;new&lt;/b&gt;');
    expect(page).not.toMatch(/<b>new|<i>|<u>/);
  });

  it('takes no event that is too long, and none by GET', async () => {
    expect((await post({}, 'x'.repeat(30_000))).status).toBe(413);
    expect((await fetch(`${app.url}/webhooks`)).status).toBe(404);
  });
});

it('shows events to nobody where the app is reached elsewhere than at this machine', async () => {
  const app = await startPartnerApp({
    ...registration,
    port: 0,
    gatewayOrigin: 'http://localhost:1',
    payers: [],
    publicOrigin: 'https://app.example',
  });
  const [page, home] = await Promise.all(['/events', '/'].map((path) => fetch(app.url + path)));
  const shown = [page?.status, await home?.text()];
  await app.close();
  expect(shown).toEqual([404, expect.not.stringContaining('/events')]);
});

describe('the inbox of the partner app', () => {
  const inbox = (secrets = [secret]) => inboxOf(secrets);
  type Taken = Parameters<ReturnType<typeof inboxOf>['take']>;
  const taken = (
    box: ReturnType<typeof inboxOf>,
    headers: Taken[0],
    text: string,
    handOn: Taken[2] = () => undefined,
  ) => box.take(headers, text, handOn);

  it('takes either secret’s signature during a rotation', async () => {
    const box = inbox([other, secret]);
    expect(await taken(box, signed('evt_1'), body)).toBe(204);
    expect(await taken(box, signed('evt_2', body, at, other), body)).toBe(204);
    const both = { ...signed('evt_3'), 'webhook-signature': `v1,AAAA ${signed('evt_3')['webhook-signature']}` };
    expect(await taken(box, both, body)).toBe(204);
    expect(box.events().map(({ id }) => id)).toEqual(['evt_3', 'evt_2', 'evt_1']);
  });

  it.each([
    ['another secret', signed('evt_1', body, at, other), body],
    ['another id', { ...signed('evt_1'), 'webhook-id': 'evt_2' }, body],
    ['another body', signed('evt_1'), body.replace('plan', 'plot')],
    ['another time', { ...signed('evt_1'), 'webhook-timestamp': String(at.getTime() / 1000 + 1) }, body],
    ['a time long ago', signed('evt_1', body, new Date(at.getTime() - 301_000)), body],
    ['a time to come', signed('evt_1', body, new Date(at.getTime() + 360_000)), body],
    ['no time', { ...signed('evt_1'), 'webhook-timestamp': '' }, body],
    ['a signature of another version', { ...signed('evt_1'), 'webhook-signature': 'v2,AAAA' }, body],
    ['no signature', { ...signed('evt_1'), 'webhook-signature': '' }, body],
  ])('refuses %s', async (_, headers, text) => {
    const box = inbox();
    expect(await taken(box, headers, text)).toBe(401);
    expect(box.events()).toEqual([]);
  });

  it('refuses everything if it has no secret', async () => {
    expect(await taken(inbox([]), signed('evt_1'), body)).toBe(401);
  });

  it.each(['[]', 'null', '"a"', '{', '{"type":"x"}', '{"type":1,"data":{}}'])(
    'refuses %s, although it is signed',
    async (text) => {
      expect(await taken(inbox(), signed('evt_1', text), text)).toBe(400);
    },
  );

  it('remembers an event only after handing it on, so that one that failed is taken when it comes again', async () => {
    const box = inbox();
    const handed: string[] = [];
    let isDown = true;
    const queue = ({ id }: { id: string }): void => {
      if (isDown) throw new Error('The queue is down.');
      handed.push(id);
    };
    expect(await taken(box, signed('evt_1'), body, queue)).toBe(503);
    isDown = false;
    for (let times = 0; times < 2; times += 1) expect(await taken(box, signed('evt_1'), body, queue)).toBe(204);
    expect([handed, box.events().length]).toEqual([['evt_1'], 1]);
  });

  it('keeps the latest hundred', async () => {
    const box = inbox();
    for (let count = 0; count < 120; count += 1) await taken(box, signed(`evt_${count}`), body);
    expect(box.events()).toHaveLength(100);
    expect(box.events()[0]?.id).toBe('evt_119');
  });
});
