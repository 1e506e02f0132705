import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import { close, listen } from '../../sandbox/aws/listen.ts';
import { presets } from '../../sandbox/payer/presets.ts';
import { createProvider } from '../../sandbox/payer/provider.ts';
import { accountValues, createWalker, pageOf, readCode } from '../../sandbox/payer/walk.ts';
import type { Walker, WalkPage, WalkStop } from '../../sandbox/payer/walk.ts';
import { member1, runPayer } from './payer-fixture.ts';
import type { RunningPayer } from './payer-fixture.ts';

const minuteMs = 60_000;
const client = { client_id: 'gateway-here', client_secret: 'its-secret' };
/** The payer's clock is stopped until a test moves it. */
let nowMs = Date.now();
let payer: RunningPayer;

beforeAll(async () => {
  payer = await runPayer({
    preset: 'oneUpDemo',
    displayName: 'Demo Health Plan',
    clientId: client.client_id,
    client: { secret: client.client_secret },
    now: () => nowMs,
  });
});
beforeEach(() => (nowMs = Date.now()));
afterAll(() => payer.close());

const authorizeUrl = (): string =>
  `${payer.url}/oauth2/authorize/payer2payer?${new URLSearchParams({ client_id: client.client_id, redirect_uri: payer.redirectUri })}`;
const toVerify = async (walker: Walker, member = member1): Promise<WalkPage> => {
  const signIn = pageOf(await walker.open(authorizeUrl()), 'Sign in');
  const create = pageOf(await walker.follow(signIn, 'Create an account'), 'Create an account');
  return pageOf(await walker.submit(create, accountValues(member)), 'Verify your e-mail');
};
const toConsent = async (walker: Walker, member = member1): Promise<WalkPage> => {
  const verify = await toVerify(walker, member);
  return pageOf(await walker.submit(verify, { code: await readCode(walker, verify) }), 'Allow access');
};
const titleOf = (stop: WalkStop): string =>
  'page' in stop ? (/<h1[^>]*>([^<]*)/.exec(stop.page.html)?.[1] ?? '') : stop.location;
const at = (page: WalkPage, path: string): string => page.url.replace(/\/(?:verify|consent)$/, path);

describe('a sign-in', () => {
  it.each([
    ['continues a second before its half hour is over', 30 * minuteMs - 1000, 'Sign in'],
    ['has ended after half an hour', 30 * minuteMs, 'This sign-in has ended'],
  ])('%s', async (_title, afterMs, expected) => {
    const walker = createWalker(payer.url);
    const signIn = pageOf(await walker.open(authorizeUrl()), 'Sign in');
    nowMs += afterMs;
    expect(titleOf(await walker.open(signIn.url))).toBe(expected);
  });

  it('is shown only for its own cookie, not for that of another sign-in in the same browser', async () => {
    const begin = async (): Promise<{ path: string; cookie: string }> => {
      const answer = await fetch(authorizeUrl(), { redirect: 'manual' });
      const path = answer.headers.get('location') ?? '';
      const found = answer.headers.getSetCookie().find((line) => line.includes(`path=${path};`));
      return { path, cookie: found?.split(';')[0] ?? '' };
    };
    const [mine, other] = [await begin(), await begin()];
    const open = async (path: string, cookie: string): Promise<number> =>
      (await fetch(payer.url + path, { headers: { cookie } })).status;

    expect(mine.path).toMatch(/^\/interaction\/[\w-]{20,}$/);
    expect([await open(mine.path, mine.cookie), await open(other.path, other.cookie)]).toEqual([200, 200]);
    expect([await open(mine.path, other.cookie), await open(other.path, mine.cookie)]).toEqual([400, 400]);
  });

  it('has no step with an unknown name, or with a name that every object has', async () => {
    const walker = createWalker(payer.url);
    const signIn = pageOf(await walker.open(authorizeUrl()), 'Sign in');
    for (const name of ['/constructor', '/__proto__', '/toString', '/verify/', '/Verify', '/']) {
      expect(await walker.open(signIn.url + name)).toMatchObject({ page: { status: 404 } });
    }
  });

  it('continues at consent if its code page is reopened after the right code', async () => {
    const walker = createWalker(payer.url);
    const consent = await toConsent(walker);
    expect(titleOf(await walker.open(at(consent, '/verify')))).toMatch(/^Allow/);
    const again = { ...consent, html: '<form action="resend"><input name="resend"></form>' };
    expect(titleOf(await walker.submit(again, { resend: '1' }))).toMatch(/^Allow/);
  });
});

describe('a mailed code', () => {
  const enter = async (afterMs: number): Promise<WalkStop> => {
    const walker = createWalker(payer.url);
    const verify = await toVerify(walker);
    const code = await readCode(walker, verify);
    nowMs += afterMs;
    return walker.submit(verify, { code });
  };

  it('works in the last millisecond of its ten minutes', async () => {
    pageOf(await enter(10 * minuteMs - 1), 'Allow access');
  });

  it('is refused one millisecond later', async () => {
    expect(await enter(10 * minuteMs)).toMatchObject({
      page: { status: 422, html: expect.stringContaining('can no longer be used') },
    });
  });

  it('is still good when others sign in in the meantime, also late in its half hour', async () => {
    const walker = createWalker(payer.url);
    const first = await toVerify(walker);
    nowMs += 20 * minuteMs;
    const verify = pageOf(await walker.submit(first, { resend: '1' }), 'Verify your e-mail');
    const code = await readCode(walker, verify);
    nowMs += 9 * minuteMs;
    await toVerify(createWalker(payer.url));
    pageOf(await walker.submit(verify, { code }), 'Allow access');
  });

  it('has six digits, even if it starts with zeros', async () => {
    const walker = createWalker(payer.url);
    let page = await toVerify(walker);
    // One in ten starts with a zero, so a hundred without one cannot be chance.
    for (let count = 0; count < 100; count += 1) {
      page = pageOf(await walker.submit(page, { resend: '1' }), 'Verify your e-mail');
    }
    const inbox = await (await fetch(`${payer.url}/inbox`)).text();
    const codes = [...inbox.matchAll(/data-code="([^"]*)"/g)].map(([, code]) => code);
    expect(codes).toHaveLength(100);
    expect(codes.filter((code) => !/^\d{6}$/.test(code ?? ''))).toEqual([]);
  });

  it('works for an e-mail address in any letter case', async () => {
    const walker = createWalker(payer.url);
    await toConsent(walker, { ...member1, email: 'Mixed.Case@Example.com' });
    const signIn = pageOf(await walker.open(authorizeUrl()), 'Sign in');
    pageOf(await walker.submit(signIn, { email: 'mIXED.cASE@eXAMPLE.COM' }), 'Verify your e-mail');
  });
});

/** Every answer from the request to authorize to the redirect back. */
const answersOfWalk = async (): Promise<readonly Response[]> => {
  const answers: Response[] = [];
  const { fetch: real } = globalThis;
  globalThis.fetch = async (input, init) => {
    const answer = await real(input, init);
    answers.push(answer);
    return answer;
  };
  try {
    const walker = createWalker(payer.url);
    await walker.submit(await toConsent(walker), { decision: 'allow' });
  } finally {
    globalThis.fetch = real;
  }
  return answers;
};

describe('the answers of a sign-in', () => {
  it('are stored by no cache, the redirects too', async () => {
    const answers = await answersOfWalk();
    expect(answers.map(({ status }) => status)).toEqual(expect.arrayContaining([200, 303]));
    const stored = answers.filter(({ headers }) => headers.get('cache-control') !== 'no-store');
    expect(stored.map(({ url, headers }) => [url, headers.get('cache-control')])).toEqual([]);
  });

  it('the answers of a sign-in that refuse a request are pages like the others: not stored, not framed, with nothing loaded', async () => {
    const refused = await fetch(authorizeUrl().replace(client.client_id, 'another'), { redirect: 'manual' });
    expect(refused.status).toBe(400);
    expect(Object.fromEntries(refused.headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'content-type': 'text/html; charset=utf-8',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
  });
});

describe("the payer's paths", () => {
  it.each(['/%69nbox', '/oauth2%2Ftoken', '/oauth2/%74oken', '/interaction%2Fx', '/%2Finbox'])(
    'are compared as they were sent: %s is none',
    async (path) => {
      expect((await fetch(payer.url + path, { redirect: 'manual' })).status).toBe(404);
    },
  );

  it('take an access token in its header, and not in the query', async () => {
    const walker = createWalker(payer.url);
    const stop = await walker.submit(await toConsent(walker), { decision: 'allow' });
    const code = new URL('location' in stop ? stop.location : '').searchParams.get('code') ?? '';
    const body = new URLSearchParams({ grant_type: 'authorization_code', code, ...client });
    const answer = await fetch(`${payer.url}/oauth2/token`, { method: 'POST', body });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${payer.url}/r4/Patient`, { headers })).status).toBe(200);
    expect((await fetch(`${payer.url}/r4/Patient?access_token=${token}`)).status).toBe(401);
  });
});

describe("the payer's cookies", () => {
  it('are unreadable to scripts, are sent from other sites only on links, and hold no session', async () => {
    const lines = (await answersOfWalk()).flatMap(({ headers }) => headers.getSetCookie());
    const names = new Set(lines.map((line) => line.split('=')[0] ?? ''));
    expect([...names].toSorted((a, b) => a.localeCompare(b))).toEqual([
      'demo-health-plan-resume',
      'demo-health-plan-sign-in',
    ]);
    for (const line of lines) {
      const attributes = line.toLowerCase().split(/; */).slice(1);
      expect(attributes).toEqual(expect.arrayContaining(['httponly', 'samesite=lax']));
      expect(attributes.find((one) => one.startsWith('path='))).toMatch(/^path=\/(?:interaction|oauth2\/authorize)/);
    }
  });

  it('are ignored if they claim a session: the member must sign in anyway', async () => {
    const answer = await fetch(authorizeUrl(), {
      redirect: 'manual',
      headers: { cookie: 'demo-health-plan-session=made-up; other=1' },
    });
    expect(answer.headers.get('location')).toMatch(/^\/interaction\//);
    expect(answer.headers.getSetCookie().join('\n')).not.toContain('-session=');
  });
});

describe("the payer's revocation", () => {
  it("ends a token of the calling client, and leaves another client's unchanged", async () => {
    const server = createServer();
    const origin = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
    const provider = createProvider({
      options: {
        preset: 'smart',
        displayName: 'Northwind Health',
        host: '127.0.0.1',
        port: 0,
        clientId: client.client_id,
        client: { secret: client.client_secret },
        gatewayRedirectUri: 'http://localhost:9/callback',
      },
      preset: presets.smart,
      brand: { name: 'Northwind Health' },
      origin,
      fhirBaseUrl: `${origin}/r4`,
      isMember: () => true,
    });
    server.on('request', provider.callback());
    const tokenOf = (clientId: string): Promise<string> =>
      new provider.AccessToken({
        accountId: 'member-1',
        client: { clientId },
        grantId: `grant-of-${clientId}`,
        gty: 'authorization_code',
      } as unknown as ConstructorParameters<Provider['AccessToken']>[0]).save();
    const revoke = async (token: string): Promise<boolean> => {
      const body = new URLSearchParams({ ...client, token });
      const { status } = await fetch(origin + presets.smart.paths.revocation, { method: 'POST', body });
      expect(status).toBe(200);
      return (await provider.AccessToken.find(token)) === undefined;
    };
    try {
      expect(await revoke(await tokenOf(client.client_id))).toBe(true);
      expect(await revoke(await tokenOf('another-client'))).toBe(false);
    } finally {
      await close(server);
    }
  });
});
