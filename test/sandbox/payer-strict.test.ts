import { accountValues, createWalker, pageOf, readCode, signInAsMember } from '../../sandbox/payer/walk.ts';
import type { Walker, WalkPage, WalkStop } from '../../sandbox/payer/walk.ts';
import { member1, parameter, post, runPayer } from './payer-fixture.ts';
import type { Answer, RunningPayer } from './payer-fixture.ts';

const minuteMs = 60_000;
const client = { client_id: 'gateway-here', client_secret: 'its-secret' };
let payer: RunningPayer;
/** How far the payer's clock is ahead. */
let aheadMs = 0;

beforeAll(async () => {
  payer = await runPayer({
    preset: 'oneUpDemo',
    displayName: 'Demo Health Plan',
    clientId: client.client_id,
    client: { secret: client.client_secret },
    now: () => Date.now() + aheadMs,
  });
});
beforeEach(() => (aheadMs = 0));
afterAll(() => payer.close());

const authorizeUrl = (): string => {
  const query = new URLSearchParams({ client_id: client.client_id, redirect_uri: payer.redirectUri, state: 's' });
  return `${payer.url}/oauth2/authorize/payer2payer?${query}`;
};
const toVerify = async (walker: Walker): Promise<WalkPage> => {
  const signIn = pageOf(await walker.open(authorizeUrl()), 'Sign in');
  const create = pageOf(await walker.follow(signIn, 'Create an account'), 'Create an account');
  return pageOf(await walker.submit(create, accountValues(member1)), 'Verify your e-mail');
};
const toConsent = async (walker: Walker): Promise<WalkPage> => {
  const verify = await toVerify(walker);
  return pageOf(await walker.submit(verify, { code: await readCode(walker, verify) }), 'Allow access');
};
const redeem = (code: string | null): Promise<Answer> =>
  post(`${payer.url}/oauth2/token`, { ...client, code: code ?? '', grant_type: 'authorization_code' });
const newCode = async (): Promise<string | null> => parameter(await signInAsMember(authorizeUrl(), member1), 'code');
const locationOf = (stop: WalkStop): string => ('location' in stop ? stop.location : '');

describe("the payer's authorization code", () => {
  it('works until its five minutes are over', async () => {
    const code = await newCode();
    aheadMs = 5 * minuteMs - 10_000;
    expect((await redeem(code)).status).toBe(200);
  });

  it('is invalid_grant after five minutes', async () => {
    const code = await newCode();
    aheadMs = 5 * minuteMs;
    expect(await redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
});

describe("the payer's e-mail code", () => {
  const enter = async (afterMs: number): Promise<WalkStop> => {
    const walker = createWalker(payer.url);
    const verify = await toVerify(walker);
    const code = await readCode(walker, verify);
    aheadMs = afterMs;
    return walker.submit(verify, { code });
  };

  it('works until its ten minutes are over', async () => {
    pageOf(await enter(10 * minuteMs - 10_000), 'Allow access');
  });

  it('is refused after ten minutes, and a new one is offered', async () => {
    const stop = await enter(10 * minuteMs);
    expect(stop).toMatchObject({ page: { status: 422, html: expect.stringContaining('can no longer be used') } });
  });
});

describe("the payer's consent", () => {
  it.each(['deny', 'Allow', 'allowed', 'ALLOW', ' allow', 'yes', 'true', '1', ''])(
    'shares nothing for the decision %j',
    async (decision) => {
      const walker = createWalker(payer.url);
      const location = locationOf(await walker.submit(await toConsent(walker), { decision }));
      expect([parameter(location, 'error'), parameter(location, 'code')]).toEqual(['access_denied', null]);
    },
  );

  it('shares for the decision "allow"', async () => {
    const walker = createWalker(payer.url);
    const location = locationOf(await walker.submit(await toConsent(walker), { decision: 'allow' }));
    expect(parameter(location, 'code')).toEqual(expect.any(String));
  });
});

describe('answers of the payer that contain a token, a code or a member are not cached', () => {
  const keeping = ({ headers }: { headers: Headers }): string | null => headers.get('cache-control');

  it('token answers, good or bad', async () => {
    const given = await redeem(await newCode());
    const again = await post(`${payer.url}/oauth2/token`, {
      ...client,
      grant_type: 'refresh_token',
      refresh_token: String(given.body['refresh_token']),
    });
    const refused = [
      await redeem('no-code'),
      await post(`${payer.url}/oauth2/token`, { ...client, client_secret: 'x' }),
    ];

    expect([given.status, again.status]).toEqual([200, 200]);
    expect([given, again, ...refused].map(keeping)).toEqual(Array(4).fill('no-store'));
  });

  it('pages of a sign-in, its redirects, the inbox, and refusals', async () => {
    const seen: { path: string; keeping: string | null }[] = [];
    const { fetch: real } = globalThis;
    globalThis.fetch = async (input, init) => {
      const answer = await real(input, init);
      seen.push({ path: new URL(answer.url).pathname, keeping: keeping(answer) });
      return answer;
    };
    try {
      await signInAsMember(authorizeUrl(), member1);
      await createWalker(payer.url).open(`${payer.url}/interaction/nobody`);
      await createWalker(payer.url).open(`${payer.url}/oauth2/authorize/payer2payer?client_id=nobody`);
      await createWalker(payer.url).open(`${payer.url}/nowhere`);
    } finally {
      globalThis.fetch = real;
    }

    expect(seen.length).toBeGreaterThan(12);
    expect(seen.filter((one) => one.keeping === null || !/\bno-store\b/.test(one.keeping))).toEqual([]);
  });
});
