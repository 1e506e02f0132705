import { expectErrorPage, gateway, sentBack, throttled, withoutPartner, withPartner } from '../../support/login.ts';

type Test = ReturnType<typeof gateway>;
type Begun = Awaited<ReturnType<Test['start']>>;
type Refuse = (test: Test, begun: Begun) => ReturnType<Test['callback']>;
const usedAt = (test: Test) => [...test.dynamo.items('LoginAttempts').values()].map((attempt) => attempt['usedAt']);

const payer = 'northwind';
const both = { payer, partner: 'demo-partner' };
const noLink = { title: 'This link does not work' };
const stopped = (text: string, detail: string) => ({ title: 'This sign-in was stopped', payer, text, detail });
const expired = {
  title: 'This sign-in has expired',
  text: 'This sign-in has expired. Please start again in the app.',
};
const malformed = {
  ...noLink,
  payer,
  text: 'No sign-in in progress matches this link: its state is missing or was not issued here.',
  detail: 'malformed state',
};
const unknown = {
  ...expired,
  text: 'No sign-in in progress matches this link: it is more than 30 minutes old, or was started with another health plan.',
  payer,
  detail: 'no login attempt of this state at this payer',
};
const otherBrowser = {
  title: 'This sign-in began in another browser',
  text: 'This sign-in began in another browser, or this browser does not keep cookies. Please start again in the app.',
  detail: 'login cookie is missing or of another attempt',
  ...both,
};
const noPartner = {
  title: 'This app cannot be used here',
  text: 'During the sign-in, the app lost its registration, its redirect URI or its access to this health plan.',
  detail: 'partner left the config during the login',
  ...both,
};
const repeated = { ...noLink, payer, text: 'code must not be sent more than once.' };
const finished = {
  title: 'This sign-in is finished',
  text: 'This sign-in link was already used.',
  detail: 'login attempt was consumed before',
  ...both,
};
const down = {
  status: 503,
  error: 'temporarily_unavailable',
  title: 'Please try again in a moment',
  text: 'The service is briefly unavailable. Please try again.',
  detail: 'dynamodb: ProvisionedThroughputExceededException',
  payer,
};
const backToPartner = '<a class="button" href="http://localhost:3002/">Go back to Demo Partner</a>';

/** A callback with another state, with another cookie, or over another configuration. */
const withState =
  (state: string): Refuse =>
  ({ callback, fromPayer }, { cookie }) =>
    callback(fromPayer(state), { cookie });
const withCookie =
  (cookieOf: (begun: Begun) => string): Refuse =>
  ({ callback, fromPayer }, begun) =>
    callback(fromPayer(begun.state), { cookie: cookieOf(begun) });
const withIssuer =
  (iss: string): Refuse =>
  ({ callback, fromPayer }, { state, cookie }) =>
    callback({ ...fromPayer(state), iss }, { cookie });
const under =
  (change: Parameters<Test['reconfigured']>[0]): Refuse =>
  (test, { state, cookie }) =>
    test.reconfigured(change).callback(test.fromPayer(state), { cookie });

describe('the callback refuses with a page, consumes nothing, and logs why and about whom:', () => {
  it.each<[string, Parameters<typeof expectErrorPage>[2], Refuse]>([
    [
      'an unknown payer',
      { ...noLink, text: 'There is no such health plan here.' },
      ({ callback }) => callback({ state: 'A'.repeat(43), code: 'c' }, { payer: 'nobody' }),
    ],
    [
      'a POST',
      {
        title: 'This address cannot be used that way',
        status: 405,
        error: 'method_not_allowed',
        payer,
        text: 'Use GET.',
      },
      ({ callback }) => callback({ state: 'x' }, { method: 'POST' }),
    ],
    [
      'a repeated parameter',
      repeated,
      ({ callback, fromPayer }, { state, cookie }) =>
        callback([...Object.entries(fromPayer(state)), ['code', 'other']], { cookie }),
    ],
    ['an unknown state', unknown, withState('A'.repeat(43))],
    ['an oversized state', malformed, withState('A'.repeat(4000))],
    ['a state with something before it', malformed, withState(`!${'A'.repeat(43)}`)],
    ['a state with something after it', malformed, withState(`${'A'.repeat(43)}!`)],
    ['a malformed state', malformed, withState('ä')],
    ['no state', malformed, withState('')],
    [
      'a state of another payer (mix-up)',
      { ...unknown, payer: 'demo-health-plan' },
      ({ callback }, { state, cookie }) => callback({ state, code: 'c' }, { cookie, payer: 'demo-health-plan' }),
    ],
    [
      'a wrong iss',
      stopped('The iss in the answer is not the issuer of this health plan.', 'iss is another issuer'),
      withIssuer('http://127.0.0.1:3001'),
    ],
    [
      'a missing iss, though the payer sends it',
      stopped('The answer has no iss, which this health plan sends.', 'iss is missing'),
      withIssuer(''),
    ],
    [
      'an expired state whose item still exists',
      { ...expired, ...both, detail: 'the login attempt has expired' },
      async (test, begun) => {
        test.passSeconds(1800);
        const page = await withState(begun.state)(test, begun);
        expect(page.body).toContain(backToPartner);
        return page;
      },
    ],
    ['no cookie', otherBrowser, withCookie(() => '')],
    ['a forged cookie', otherBrowser, withCookie(({ cookie }) => cookie.replace(/=.*/, `=${'A'.repeat(43)}`))],
    [
      'the cookie of another browser',
      otherBrowser,
      async (test, begun) => {
        const other = await test.start();
        return withCookie(() => other.cookie)(test, begun);
      },
    ],
    // A sibling domain wrote the cookie of a login that it began itself into a cookie of its own.
    ['a smuggled cookie', otherBrowser, withCookie(({ cookie }) => `shared=1,${cookie}`)],
    ['a smuggled cookie behind a blank', otherBrowser, withCookie(({ cookie }) => `shared=1, ${cookie}`)],
  ])('%s', async (_, page, refuse) => {
    const test = gateway();
    const begun = await test.start();

    const response = await refuse(test, begun);

    expectErrorPage(test, response, page);
    expect(response.body).not.toContain('<span lang="en"></span>');
    expect(test.payer.requests).toEqual([]);
    expect(usedAt(test).every((at) => at === undefined)).toBe(true);
  });
});

describe('a login attempt', () => {
  const finishedLogin = async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    await test.callback(test.fromPayer(state), { cookie });
    return {
      ...test,
      reload: (over: Pick<Test, 'callback'> = test, sent = cookie) =>
        over.callback(test.fromPayer(state), { cookie: sent }),
    };
  };

  it('is consumed once: a reload says that the sign-in is finished, with a link to the partner’s home page', async () => {
    const { reload, payer: asked, ...test } = await finishedLogin();
    const isBlocked = () => test.stops.set('partner#demo-partner', { at: 1, by: 'arn', reason: 'a leak' });

    for (const reloaded of [reload, () => reload(undefined, ''), () => (isBlocked(), reload())]) {
      const response = await reloaded();
      expectErrorPage(test, response, finished);
      expect(response.body).toContain(backToPartner);
    }
    expect(asked.requests).toHaveLength(1);
  });

  it('links nowhere once its partner has left the configuration', async () => {
    const { reload, ...test } = await finishedLogin();

    const response = await reload(test.reconfigured(withoutPartner('demo-partner')));

    expectErrorPage(test, response, finished);
    expect(String(response.body).split('<footer>')[0]).not.toContain('<a ');
  });

  it.each([
    ['the partner', withoutPartner('demo-partner')],
    ['its redirect URI', withPartner('demo-partner', { redirectUris: ['http://localhost:3002/other'] })],
    ['its right to the payer', withPartner('demo-partner', { payers: ['demo-health-plan'] })],
  ])('ends in a page if %s left the configuration in the meantime', async (_, change) => {
    const test = gateway();

    expectErrorPage(test, await under(change)(test, await test.start()), noPartner);
    expect(test.payer.requests).toEqual([]);
  });

  it.each([
    ['the table', 'UpdateItem', true],
    ['its tombstone', 'GetItem', false],
  ])('is not decided while %s cannot be read: 503 with Retry-After', async (_, command, isMine) => {
    const test = gateway();
    const { state, cookie } = await test.start();
    test.dynamo.failNext(command, throttled());

    const response = await test.callback(test.fromPayer(state), isMine ? { cookie } : {});

    expectErrorPage(test, response, down);
    expect(response.headers['Retry-After']).toBe('5');
    expect(sentBack(await test.callback(test.fromPayer(state), { cookie }))['code']).toBeDefined();
  });
});
