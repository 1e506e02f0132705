import { Webhook } from 'standardwebhooks';
import { inboxOf } from '../../sandbox/partner/webhooks.ts';
import { registration, startPartnerApp } from './partner-start.ts';

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
  const taken = (box: ReturnType<typeof inboxOf>, ...request: Parameters<ReturnType<typeof inboxOf>['take']>) =>
    box.take(...request).status;

  it('takes either secret’s signature during a rotation', () => {
    const box = inbox([other, secret]);
    expect(taken(box, signed('evt_1'), body)).toBe(204);
    expect(taken(box, signed('evt_2', body, at, other), body)).toBe(204);
    const both = { ...signed('evt_3'), 'webhook-signature': `v1,AAAA ${signed('evt_3')['webhook-signature']}` };
    expect(taken(box, both, body)).toBe(204);
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
  ])('refuses %s', (_, headers, text) => {
    const box = inbox();
    expect(taken(box, headers, text)).toBe(401);
    expect(box.events()).toEqual([]);
  });

  it('refuses everything if it has no secret', () => {
    expect(taken(inbox([]), signed('evt_1'), body)).toBe(401);
  });

  it.each(['[]', 'null', '"a"', '{', '{"type":"x"}', '{"type":1,"data":{}}'])(
    'refuses %s, although it is signed',
    (text) => {
      expect(taken(inbox(), signed('evt_1', text), text)).toBe(400);
    },
  );

  it('keeps the latest hundred', () => {
    const box = inbox();
    for (let count = 0; count < 120; count += 1) box.take(signed(`evt_${count}`), body);
    expect(box.events()).toHaveLength(100);
    expect(box.events()[0]?.id).toBe('evt_119');
  });
});
