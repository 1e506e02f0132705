import { accountValues, createWalker, pageOf, readCode, signInAsMember } from '../../sandbox/payer/walk.ts';
import type { Walker, WalkPage, WalkStop } from '../../sandbox/payer/walk.ts';
import { member1, member2, parameter, post, readFhir, runPayer } from './payer-fixture.ts';
import type { Answer, RunningPayer } from './payer-fixture.ts';

let payer: RunningPayer;

beforeAll(async () => {
  payer = await runPayer({
    preset: 'oneUpDemo',
    displayName: 'Demo Health Plan',
    clientId: 'gateway-here',
    client: { secret: 'its-secret' },
  });
});
afterAll(() => payer.close());

const authorizeUrl = (state = 'state-1'): string => {
  const query = new URLSearchParams({ client_id: 'gateway-here', redirect_uri: payer.redirectUri, state });
  return `${payer.url}/oauth2/authorize/payer2payer?${query.toString()}`;
};

const redeem = (code: string, secret = 'its-secret'): Promise<Answer> => {
  const form = { client_id: 'gateway-here', client_secret: secret, code, grant_type: 'authorization_code' };
  return post(`${payer.url}/oauth2/token`, form);
};

const refresh = (token: unknown): Promise<Answer> => {
  const form = { client_id: 'gateway-here', client_secret: 'its-secret', grant_type: 'refresh_token' };
  return post(`${payer.url}/oauth2/token`, { ...form, refresh_token: String(token) });
};

const codeOf = async (location: Promise<string>): Promise<string> => {
  return parameter(await location, 'code') ?? '';
};

const toCreateAccount = async (walker: Walker, url = authorizeUrl()): Promise<WalkPage> => {
  return pageOf(
    await walker.follow(pageOf(await walker.open(url), 'Sign in'), 'Create an account'),
    'Create an account',
  );
};

const toVerify = async (walker: Walker, url = authorizeUrl(), member = member1): Promise<WalkPage> => {
  const create = await toCreateAccount(walker, url);
  return pageOf(await walker.submit(create, accountValues(member)), 'Verify your e-mail');
};

const toConsent = async (walker: Walker, url = authorizeUrl(), member = member1): Promise<WalkPage> => {
  const verify = await toVerify(walker, url, member);
  return pageOf(await walker.submit(verify, { code: await readCode(walker, verify) }), 'Allow access');
};

const refused = (stop: WalkStop): WalkPage => {
  if ('location' in stop) throw new Error('sent away');
  expect(stop.page.status).toBe(422);
  return stop.page;
};

const locationOf = (stop: WalkStop): string => {
  if ('page' in stop) throw new Error('not sent away');
  return stop.location;
};

describe('the Demo Health Plan, as the reference page shows it', () => {
  it('issues a code for client_id, redirect_uri and state alone, and returns the state and no iss', async () => {
    const location = await signInAsMember(authorizeUrl('s p&a=c'), member1);

    expect(location.startsWith(`${payer.redirectUri}?`)).toBe(true);
    expect(parameter(location, 'state')).toBe('s p&a=c');
    expect(parameter(location, 'code')).toMatch(/^[\w-]{40,}$/);
    expect(parameter(location, 'iss')).toBeNull();
  });

  it('adds no state if none was sent', async () => {
    const url = `${payer.url}/oauth2/authorize/payer2payer?client_id=gateway-here`;

    const location = await signInAsMember(url, member1);

    expect([...new URL(location).searchParams.keys()]).toEqual(['code']);
  });

  it('exchanges the code with the secret in the form and without redirect_uri, and names no patient', async () => {
    const code = await codeOf(signInAsMember(authorizeUrl(), member1));

    const { status, headers, body } = await redeem(code);

    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'patient/*.read',
    });
  });

  it('accepts a birthdate as 2011-01-04 too, and other letter case and spaces', async () => {
    const member = { ...member1, birthDate: '2011-01-04', firstName: ' mayte822', memberId: '01-TESTMEMID ' };

    expect(await codeOf(signInAsMember(authorizeUrl(), member))).not.toBe('');
  });

  it('redeems a code once, and revokes its tokens if the code is used again', async () => {
    const code = await codeOf(signInAsMember(authorizeUrl(), member1));
    const first = await redeem(code);

    const second = await redeem(code);

    expect(second.status).toBe(400);
    expect(second.body.error).toBe('invalid_grant');
    expect((await readFhir(payer, 'Patient', String(first.body.access_token))).status).toBe(401);
  });

  it('gives tokens to only one of many concurrent redemptions', async () => {
    const code = await codeOf(signInAsMember(authorizeUrl(), member1));

    const answers = await Promise.all(Array.from({ length: 12 }, () => redeem(code)));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('does not consume a code for a wrong secret', async () => {
    const code = await codeOf(signInAsMember(authorizeUrl(), member1));

    const wrong = await redeem(code, 'another-secret');

    expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_client']);
    expect((await redeem(code)).status).toBe(200);
  });

  it('rotates refresh tokens, and ends the grant if a rotated one is used again', async () => {
    const first = await redeem(await codeOf(signInAsMember(authorizeUrl(), member1)));
    const second = await refresh(first.body.refresh_token);
    expect(second.status).toBe(200);
    expect(second.body.refresh_token).not.toBe(first.body.refresh_token);

    const replay = await refresh(first.body.refresh_token);

    expect([replay.status, replay.body.error]).toEqual([400, 'invalid_grant']);
    expect((await refresh(second.body.refresh_token)).body.error).toBe('invalid_grant');
    expect((await readFhir(payer, 'Patient', String(second.body.access_token))).status).toBe(401);
  });

  it('has nothing under /.well-known, and no revocation', async () => {
    const paths = ['/.well-known/smart-configuration', '/r4/.well-known/smart-configuration', '/oauth2/revoke'];

    const statuses = await Promise.all(paths.map(async (path) => (await fetch(payer.url + path)).status));

    expect(statuses).toEqual([401, 401, 404]);
  });

  it('shows a page and does not redirect for an unknown client or redirect URI', async () => {
    const walker = createWalker(payer.url);
    const base = `${payer.url}/oauth2/authorize/payer2payer`;

    const stops = [
      await walker.open(`${base}?client_id=stranger&redirect_uri=${encodeURIComponent(payer.redirectUri)}`),
      await walker.open(`${base}?client_id=gateway-here&redirect_uri=https%3A%2F%2Fevil.example%2F`),
    ];

    for (const stop of stops) {
      expect(stop).toMatchObject({ page: { status: 400, html: expect.stringContaining('You did nothing wrong') } });
    }
  });
});

describe("the Demo Health Plan's FHIR API", () => {
  it('refuses a request without a token with a bare challenge, and an unknown token with invalid_token', async () => {
    const bare = await readFhir(payer, 'Patient');
    const unknown = await readFhir(payer, 'Patient', 'not-a-token');
    const inQuery = await readFhir(payer, 'Patient?access_token=not-a-token');

    expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(unknown.status).toBe(401);
    expect(unknown.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(unknown.body.resourceType).toBe('OperationOutcome');
    expect(inQuery.status).toBe(401);
  });

  it("shows the member's own Patient for a token, and metadata to everyone", async () => {
    const { body } = await redeem(await codeOf(signInAsMember(authorizeUrl(), member1)));

    const patients = await readFhir(payer, 'Patient', String(body.access_token));
    const metadata = await readFhir(payer, 'metadata');

    expect(patients.status).toBe(200);
    expect(patients.body.resourceType).toBe('Bundle');
    expect(patients.body.entry).toMatchObject([{ resource: { name: [{ family: 'Venegas795' }] } }]);
    expect(patients.body.entry).toHaveLength(1);
    expect([metadata.status, metadata.body.resourceType]).toEqual([200, 'CapabilityStatement']);
  });
});

describe('the sign-in pages', () => {
  it.each<[string, Record<string, string>, readonly string[]]>([
    [
      'a member ID is wrong',
      { member_id: '99-wrong' },
      ['This is not the member ID that we have for you.', 'value="99-wrong"', 'value="Mayte822"', 'value="01/04/2011"'],
    ],
    [
      'a member is unknown',
      { last_name: '"><b>Nobody' },
      ['We found no member with these details.', 'value="&quot;&gt;&lt;b&gt;Nobody"'],
    ],
  ])('say that %s, keep what was entered, and let the member try again', async (_, entered, said) => {
    const walker = createWalker(payer.url);
    const create = await toCreateAccount(walker);

    const page = refused(await walker.submit(create, { ...accountValues(member1), ...entered }));

    for (const text of said) expect(page.html).toContain(text);
    pageOf(await walker.submit(page, accountValues(member1)), 'Verify your e-mail');
  });

  it('name each field that is missing or malformed', async () => {
    const walker = createWalker(payer.url);
    const create = await toCreateAccount(walker);
    const values = { ...accountValues(member1), birthdate: '02/30/2011', email: 'nobody', postal_code: '' };

    const { html } = refused(await walker.submit(create, values));

    expect(html).toContain('Please check the 3 fields marked below.');
    expect(html).toContain('Enter your birthdate as MM/DD/YYYY');
    expect(html).toContain('Enter an e-mail address such as');
    expect(html).toContain('Enter your postal code.');
  });

  it('say that a code is wrong, keep it, and let the member try again', async () => {
    const walker = createWalker(payer.url);
    const verify = await toVerify(walker);
    const code = await readCode(walker, verify);
    const wrong = code === '000000' ? '000001' : '000000';

    const page = refused(await walker.submit(verify, { code: wrong }));

    expect(page.html).toContain('you have 4 more tries');
    expect(page.html).toContain(`value="${wrong}"`);
    pageOf(await walker.submit(page, { code: ` ${code.slice(0, 3)} ${code.slice(3)}` }), 'Allow access');
  });

  it('void a code after five wrong attempts, and send another one', async () => {
    const walker = createWalker(payer.url);
    const verify = await toVerify(walker);
    const code = await readCode(walker, verify);
    for (let tries = 0; tries < 5; tries++) refused(await walker.submit(verify, { code: 'wrong' }));

    const page = refused(await walker.submit(verify, { code }));
    expect(page.html).toContain('This code can no longer be used.');

    const resent = pageOf(await walker.submit(page, { resend: '1' }), 'Verify your e-mail');
    expect(resent.html).toContain('We sent another six-digit code');
    pageOf(await walker.submit(resent, { code: await readCode(walker, resent) }), 'Allow access');
  });

  it('let a member whose e-mail address was verified sign in with that address, and no one with another', async () => {
    const walker = createWalker(payer.url);
    const email = 'returning@example.com';
    await signInAsMember(authorizeUrl(), { ...member1, email });
    const signIn = pageOf(await walker.open(authorizeUrl()), 'Sign in');

    const unknown = refused(await walker.submit(signIn, { email: 'stranger@example.com' }));
    expect(unknown.html).toContain('We have no account with this e-mail address.');
    expect(unknown.html).toContain('value="stranger@example.com"');

    const verify = pageOf(await walker.submit(unknown, { email }), 'Verify your e-mail');
    pageOf(await walker.submit(verify, { code: await readCode(walker, verify) }), 'Allow access');
  });

  it('name the gateway and the member when they ask for consent', async () => {
    const consent = await toConsent(createWalker(payer.url));

    expect(consent.html).toContain('Payer-to-Payer Gateway');
    expect(consent.html).toContain('Mayte822 Venegas795');
  });

  it('return a denial to the gateway as access_denied, with the state', async () => {
    const location = await signInAsMember(authorizeUrl('state-9'), member1, { decision: 'deny' });

    expect(parameter(location, 'error')).toBe('access_denied');
    expect(parameter(location, 'state')).toBe('state-9');
    expect(parameter(location, 'code')).toBeNull();
    expect(parameter(location, 'iss')).toBeNull();
  });

  it('return a cancellation on the first page as access_denied', async () => {
    const walker = createWalker(payer.url);
    const signIn = pageOf(await walker.open(authorizeUrl()), 'Sign in');

    const location = locationOf(await walker.submit(signIn, { decision: 'deny' }));

    expect(parameter(location, 'error')).toBe('access_denied');
  });

  it('cannot be skipped: consent before the code leads back to the code', async () => {
    const walker = createWalker(payer.url);
    const verify = await toVerify(walker);
    const early = { ...verify, html: '<form action="consent"><input name="decision"></form>' };

    pageOf(await walker.submit(early, { decision: 'allow' }), 'Verify your e-mail');
  });

  it('say that a finished sign-in has ended', async () => {
    const walker = createWalker(payer.url);
    const consent = await toConsent(walker);
    locationOf(await walker.submit(consent, { decision: 'allow' }));

    const stop = await walker.submit(consent, { decision: 'allow' });

    expect(stop).toMatchObject({ page: { status: 400, html: expect.stringContaining('This sign-in has ended') } });
  });

  it('do not let another browser continue a sign-in', async () => {
    const consent = await toConsent(createWalker(payer.url));

    const stop = await createWalker(payer.url).submit(consent, { decision: 'allow' });

    expect(stop).toMatchObject({ page: { status: 400, html: expect.stringContaining('This sign-in has ended') } });
  });

  it('let two tabs of one browser both finish, even as two members', async () => {
    const walker = createWalker(payer.url);
    const first = await toConsent(walker, authorizeUrl('tab-1'));
    const second = await toConsent(walker, authorizeUrl('tab-2'), member2);

    const locations = [
      locationOf(await walker.submit(second, { decision: 'allow' })),
      locationOf(await walker.submit(first, { decision: 'allow' })),
    ];

    expect(locations.map((location) => parameter(location, 'state'))).toEqual(['tab-2', 'tab-1']);
    expect(locations.map((location) => parameter(location, 'code'))).toEqual([expect.any(String), expect.any(String)]);
  });

  it('are not cached, framed or named in a Referer', async () => {
    const begun = await fetch(authorizeUrl(), { redirect: 'manual' });
    const path = begun.headers.get('location') ?? '';
    const cookie = begun.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    for (const page of [path, `${path}/create`, '/inbox', '/', '/nowhere', '/interaction/nobody']) {
      const { headers } = await fetch(payer.url + page, { headers: { cookie } });
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      // The first page has the form that leads to another site.
      expect(headers.get('content-security-policy')?.includes("form-action 'self'")).toBe(page !== path);
    }
  });

  it('leave no query string and no sign-in id in the log', async () => {
    payer.lines.length = 0;

    await signInAsMember(authorizeUrl(), member1);

    const paths = payer.lines.map(({ path }) => path);
    expect(paths).toContain('/interaction/:id/consent');
    expect(paths).toContain('/oauth2/authorize/payer2payer/:id');
    expect(paths.filter((path) => /\?|[\w-]{20,}/.test(path))).toEqual([]);
  });
});
