import { gateway, sentBack, throttled, withoutPartner, withPartner } from '../../support/login.ts';

type Test = ReturnType<typeof gateway>;
const attempt = (test: Test) => [...test.dynamo.items('LoginAttempts').values()][0];

const noLink = 'This link does not work';
const stopped = 'This sign-in was stopped';
const isExpired = 'This sign-in has expired';
const startAgain = 'This sign-in has expired. Please start again in the app.';
const wrongAnswer = 'The answer did not come from the health plan that was asked.';

/** The page's title, the sentence for developers, and what only the operator reads. */
const refusals = {
  unknownPayer: [noLink, 'There is no such health plan here.', undefined],
  repeated: [noLink, 'A parameter must not be sent more than once.', undefined],
  malformed: [noLink, 'This sign-in is not one that began here.', 'malformed state'],
  noIssuer: [stopped, wrongAnswer, 'iss is missing'],
  otherIssuer: [stopped, wrongAnswer, 'iss is another issuer'],
  expired: [isExpired, startAgain, 'no login attempt of this state at this payer'],
  late: [isExpired, startAgain, 'the login attempt has expired'],
  otherBrowser: [
    'This sign-in began in another browser',
    'This sign-in began in another browser, or this browser does not keep cookies. Please start again in the app.',
    'login cookie is missing or of another attempt',
  ],
  noPartner: [
    'This app cannot be used here',
    'The app that you came from is no longer registered.',
    'partner left the config during the login',
  ],
} as const;

const refusedByPage = async (
  test: Test,
  answering: ReturnType<Test['callback']>,
  [title, text, detail]: readonly [string, string, string | undefined],
): Promise<void> => {
  const response = await answering;
  expect(response.statusCode).toBe(400);
  expect(response.headers['Location']).toBeUndefined();
  expect(response.headers['Content-Type']).toBe('text/html; charset=utf-8');
  expect(response.body).toContain(`<h1>${title}</h1>`);
  expect(response.body).toContain(`>${text}</`);
  expect(response.body).not.toContain('<span lang="en"></span>');
  expect(test.payer.requests).toEqual([]);
  const record = JSON.parse(test.lines.at(-1) ?? '') as Record<string, unknown>;
  expect(record).toMatchObject({
    function: 'callback',
    step: 'callback',
    error: 'invalid_request',
    outcome: 'refused',
  });
  // Without a detail of its own, the log has the page's sentence.
  expect(record['detail']).toBe(detail ?? text);
};

describe('the callback refuses with a page, and consumes nothing,', () => {
  it('a browser without the cookie, or with another browser’s', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    const [name = ''] = cookie.split('=');
    const other = await test.start();

    // The last two: a sibling domain wrote the cookie of a login that it began itself into a cookie of its own.
    const smuggled = [`shared=1,${cookie}`, `shared=1, ${cookie}`];
    for (const sent of ['', `${name}=${'A'.repeat(43)}`, other.cookie, ...smuggled]) {
      await refusedByPage(test, test.callback(test.fromPayer(state), { cookie: sent }), refusals.otherBrowser);
    }

    expect(sentBack(await test.callback(test.fromPayer(state), { cookie }))['code']).toBeDefined();
  });

  it.each([
    ['a wrong iss', { iss: 'http://127.0.0.1:3001' }, refusals.otherIssuer],
    ['a missing iss, though the payer sends it', { iss: '' }, refusals.noIssuer],
  ])('%s', async (_, change, refusal) => {
    const test = gateway();
    const { state, cookie } = await test.start();

    await refusedByPage(test, test.callback({ ...test.fromPayer(state), ...change }, { cookie }), refusal);

    expect(attempt(test)?.['usedAt']).toBeUndefined();
  });

  it.each([
    ['an unknown state', 'A'.repeat(43), refusals.expired],
    ['an oversized state', 'A'.repeat(4000), refusals.malformed],
    ['a state with something before it', `!${'A'.repeat(43)}`, refusals.malformed],
    ['a state with something after it', `${'A'.repeat(43)}!`, refusals.malformed],
    ['a malformed state', 'ä', refusals.malformed],
    ['no state', '', refusals.malformed],
  ])('%s', async (_, state, refusal) => {
    const test = gateway();
    const { cookie } = await test.start();

    await refusedByPage(test, test.callback({ ...test.fromPayer(state) }, { cookie }), refusal);

    expect(attempt(test)?.['usedAt']).toBeUndefined();
  });

  it('an expired state whose item still exists', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    test.passSeconds(1800);

    const answering = test.callback(test.fromPayer(state), { cookie });

    await refusedByPage(test, answering, refusals.late);
    expect((await answering).body).toContain(
      '<a class="button" href="http://localhost:3002/">Go back to Demo Partner</a>',
    );

    expect(attempt(test)?.['usedAt']).toBeUndefined();
  });

  it('a state of another payer (mix-up)', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();

    await refusedByPage(
      test,
      test.callback({ state, code: 'c' }, { cookie, payer: 'demo-health-plan' }),
      refusals.expired,
    );

    expect(attempt(test)?.['usedAt']).toBeUndefined();
  });

  it('an unknown payer', async () => {
    const test = gateway();

    await refusedByPage(
      test,
      test.callback({ state: 'A'.repeat(43), code: 'c' }, { payer: 'nobody' }),
      refusals.unknownPayer,
    );
  });

  it('a repeated parameter', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();

    await refusedByPage(
      test,
      test.callback([...Object.entries(test.fromPayer(state)), ['code', 'other']], { cookie }),
      refusals.repeated,
    );

    expect(attempt(test)?.['usedAt']).toBeUndefined();
  });
});

describe('a login attempt', () => {
  it('is consumed once: a reload says that the sign-in is finished, with a link to the partner’s home page', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    await test.callback(test.fromPayer(state), { cookie });

    const reloads = [
      await test.callback(test.fromPayer(state), { cookie }),
      await test.callback(test.fromPayer(state)),
    ];

    for (const { statusCode, headers, body } of reloads) {
      expect(statusCode).toBe(400);
      expect(headers['Location']).toBeUndefined();
      expect(body).toContain('This sign-in is finished');
      expect(body).toContain('<a class="button" href="http://localhost:3002/">Go back to Demo Partner</a>');
    }
    expect(test.payer.requests).toHaveLength(1);
    for (const line of test.lines.slice(-2)) {
      expect(JSON.parse(line)).toMatchObject({
        error: 'invalid_request',
        detail: 'login attempt was consumed before',
        payer: 'northwind',
      });
    }
  });

  it('links nowhere once its partner has left the configuration', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    await test.callback(test.fromPayer(state), { cookie });

    const response = await test
      .reconfigured(withoutPartner('demo-partner'))
      .callback(test.fromPayer(state), { cookie });

    expect(response.body).toContain('This sign-in is finished');
    expect(String(response.body).split('<footer>')[0]).not.toContain('<a ');
  });

  it.each([
    ['the partner', withoutPartner('demo-partner')],
    ['its redirect URI', withPartner('demo-partner', { redirectUris: ['http://localhost:3002/other'] })],
    ['its right to the payer', withPartner('demo-partner', { payers: ['demo-health-plan'] })],
  ])('ends in a page if %s left the configuration meanwhile', async (_, change) => {
    const test = gateway();
    const { state, cookie } = await test.start();

    const answer = test.reconfigured(change).callback(test.fromPayer(state), { cookie });

    await refusedByPage(test, answer, refusals.noPartner);
  });

  it('is finished for a reload after its partner was blocked, too', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    await test.callback(test.fromPayer(state), { cookie });
    test.stops.set('partner#demo-partner', { at: 1, by: 'arn', reason: 'a leak' });

    const response = await test.callback(test.fromPayer(state), { cookie });

    expect(response.statusCode).toBe(400);
    expect(response.body).toContain('This sign-in is finished');
    expect(response.body).toContain('Go back to Demo Partner');
  });

  it('is not decided while the table fails: 503 with Retry-After', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    test.dynamo.failNext('UpdateItem', throttled());

    const response = await test.callback(test.fromPayer(state), { cookie });

    expect(response.statusCode).toBe(503);
    expect(response.headers['Retry-After']).toBe('5');
    expect(response.body).toContain('Please try again in a moment');
    expect(sentBack(await test.callback(test.fromPayer(state), { cookie }))['code']).toBeDefined();
  });

  it('is not decided while its tombstone cannot be read', async () => {
    const test = gateway();
    const { state } = await test.start();
    test.dynamo.failNext('GetItem', throttled());

    const response = await test.callback(test.fromPayer(state));

    expect(response.statusCode).toBe(503);
  });
});
