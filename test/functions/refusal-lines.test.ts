import type { ApiResponse } from '../../functions/shared/http/api.ts';
import { basic, gateway, redirectUri, throttled, withoutPartner } from '../support/login.ts';

type Test = ReturnType<typeof gateway>;
interface Known {
  readonly payer?: string;
  readonly partner?: string;
}
type Refusal = readonly [title: string, refuse: (test: Test) => Promise<ApiResponse>, known: Known];

const payer = 'northwind';
const partner = 'demo-partner';
const both = { payer, partner };

/** Every way in which a browser can get an error page. */
const pages: readonly Refusal[] = [
  ['authorize at an unknown payer', (test) => test.authorize({}, { payer: 'nobody' }), {}],
  ['authorize by PUT', (test) => test.authorize({}, { method: 'PUT' }), { payer }],
  [
    'a repeated client_id',
    (test) =>
      test.authorize([
        ['client_id', partner],
        ['client_id', partner],
      ]),
    { payer },
  ],
  ['an unknown client', (test) => test.authorize({ client_id: 'nobody' }), { payer }],
  ['an unknown redirect URI', (test) => test.authorize({ redirect_uri: `${redirectUri}/` }), both],
  ['the callback at an unknown payer', (test) => test.callback({ state: 'x' }, { payer: 'nobody' }), {}],
  ['the callback by POST', (test) => test.callback({ state: 'x' }, { method: 'POST' }), { payer }],
  [
    'a repeated state',
    (test) =>
      test.callback([
        ['state', 'x'],
        ['state', 'x'],
      ]),
    { payer },
  ],
  ['a malformed state', (test) => test.callback({ state: 'x' }), { payer }],
  ['an unknown state', (test) => test.callback(test.fromPayer('A'.repeat(43))), { payer }],
  [
    'another issuer',
    async (test) => test.callback({ ...test.fromPayer((await test.start()).state), iss: 'https://other.example' }),
    { payer },
  ],
  [
    'a login that took too long',
    async (test) => {
      const { state, cookie } = await test.start();
      test.passSeconds(31 * 60);
      return test.callback(test.fromPayer(state), { cookie });
    },
    both,
  ],
  ['another browser', async (test) => test.callback(test.fromPayer((await test.start()).state)), both],
  [
    'a reload',
    async (test) => {
      const { state, cookie } = await test.start();
      await test.callback(test.fromPayer(state), { cookie });
      return test.callback(test.fromPayer(state), { cookie });
    },
    both,
  ],
  [
    'a partner that left the configuration',
    async (test) => {
      const { state, cookie } = await test.start();
      return test.reconfigured(withoutPartner(partner)).callback(test.fromPayer(state), { cookie });
    },
    both,
  ],
  [
    'a table that is down',
    async (test) => {
      const { state, cookie } = await test.start();
      test.dynamo.failNext('UpdateItem', throttled());
      return test.callback(test.fromPayer(state), { cookie });
    },
    { payer },
  ],
];

const refused = async (refuse: Refusal[1]) => {
  const test = gateway();
  const response = await refuse(test);
  const line = JSON.parse(test.lines.at(-1) ?? '{}') as Record<string, string | undefined>;
  return { body: typeof response.body === 'string' ? response.body : '', line };
};

it.each(pages)('the page for %s has the reference of its line, which names who it was about', async (...refusal) => {
  const [, refuse, known] = refusal;
  const { body, line } = await refused(refuse);

  const shown = /Reference: ([0-9a-f-]+)</.exec(body)?.[1] ?? 'none';
  expect(line['requestId']?.startsWith(`${shown}-`)).toBe(true);
  expect({ payer: line['payer'], partner: line['partner'] }).toEqual({
    payer: undefined,
    partner: undefined,
    ...known,
  });
});

it('two different pages never log the same line', async () => {
  const pageOf = new Map<string, string>();
  for (const [title, refuse] of pages) {
    const { body, line } = await refused(refuse);
    const page = /<main>([^]*?)<p><small>/.exec(body)?.[1] ?? title;
    const logged = [line['function'], line['error'], line['detail']].join(' | ');
    expect([title, pageOf.get(logged) ?? page]).toEqual([title, page]);
    pageOf.set(logged, page);
  }
});

it.each<[string, Record<string, string>, Record<string, string>, Known & { readonly detail: string }]>([
  ['a wrong secret', {}, basic(partner, 'wrong'), { partner, detail: 'wrong client secret' }],
  ['an unknown client', {}, basic('nobody', 'x'), { detail: 'no such client' }],
  [
    'a way it is not registered for',
    { client_id: 'demo-app', client_secret: 'x' },
    {},
    {
      partner: 'demo-app',
      detail: 'the client is not registered for client_secret_post',
    },
  ],
  ['Basic without a colon', {}, { Authorization: 'Basic eA==' }, { detail: 'Basic holds no client id and secret' }],
  ['another scheme', {}, { Authorization: 'Digest x' }, { detail: 'the Authorization header is not Basic' }],
])('a client that fails to authenticate by %s is distinguished in the log only', async (_, form, headers, known) => {
  const test = gateway();

  const response = await test.token({ grant_type: 'refresh_token', refresh_token: 'x', ...form }, headers);

  expect(response.statusCode).toBe(401);
  expect(response.body).toContain('Unknown client, or client authentication failed.');
  const line = JSON.parse(test.lines.at(-1) ?? '{}') as Record<string, unknown>;
  expect({ partner: line['partner'], detail: line['detail'] }).toEqual({ partner: undefined, ...known });
});
