import { connectionsHandler } from '../../../functions/connections/handler.ts';
import type { ApiResponse } from '../../../functions/shared/http/api.ts';
import type { RegistryData } from '../../../functions/shared/registry/types.ts';
import { putMemberSession } from '../../../functions/shared/store/member-sessions.ts';
import { apiEvent, call, cookiesOf } from '../../support/gateway.ts';
import {
  bodyOf,
  formOf,
  gateway,
  localRegistry,
  northwindTokens,
  pkce,
  sentBack,
  throttled,
  verifier,
  withPayer,
} from '../../support/login.ts';

const payer = 'northwind';
const pageUrl = `http://localhost:3000/connections/${payer}`;
const app = { client_id: 'demo-app', redirect_uri: 'http://localhost:3002/app/callback', ...pkce };
/** An answer's page. */
const textOf = ({ body }: ApiResponse): string => (typeof body === 'string' ? body : '');
/** What a browser with a session sends. */
type Headers = Readonly<Record<string, string>>;

/** The gateway of a login, with the page, and a member's browser. */
const world = (change: (data: RegistryData) => RegistryData = (data) => data) => {
  const test = gateway({ registry: change(localRegistry()) });
  const handler = connectionsHandler(test.deps);
  const ask = (of: string, request: Parameters<typeof apiEvent>[1]) =>
    call(handler, apiEvent('/connections/{payer}', { ...request, path: { payer: of } }));
  const get = (headers: Headers = {}, query: string | Record<string, string> = '', of = payer) =>
    ask(of, { headers: { ...headers }, query: new URLSearchParams(query).toString() });
  const post = (form: Record<string, string>, headers: Headers = {}, of = payer) =>
    ask(of, { method: 'POST', form, headers: { ...headers } });
  /** Goes to the payer. */
  const begin = async (of = payer) => {
    const response = await post({ act: 'sign-in' }, {}, of);
    return { response, state: sentBack(response)['state'] ?? '', cookie: cookiesOf(response) };
  };
  /** Comes back from it. */
  const comeBack = async (query: Record<string, string> = {}) => {
    const { state, cookie } = await begin();
    return test.callback({ ...test.fromPayer(state), ...query }, { cookie });
  };
  /** Comes back as the member whose tokens the payer gives, or as this one. */
  const signIn = async (patient?: string): Promise<Headers> => {
    if (patient !== undefined) test.payer.http = async () => Response.json({ ...northwindTokens, patient });
    const response = await comeBack();
    const [, session = 'none'] = /(__Host-p2p-member=[^;]+)/.exec(cookiesOf(response)) ?? [];
    return { Cookie: session, 'Sec-Fetch-Site': 'same-origin' };
  };
  /** The fields of the form with this button. */
  const formOn = (page: ApiResponse, button: string): Record<string, string> => {
    const forms = [...textOf(page).matchAll(/<form[^]*?<\/form>/g)].map(([form]) => form);
    const form = forms.find((one) => one.includes(`>${button}</button>`));
    if (form === undefined) throw new Error(`no button ${button}`);
    return Object.fromEntries(
      [...form.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
    );
  };
  const press = async (session: Headers, button: string): Promise<ApiResponse> =>
    post(formOn(await get(session), button), session);
  /** Follows a redirect to the page. */
  const follow = ({ headers }: ApiResponse, session: Headers): Promise<ApiResponse> => {
    const { origin, pathname, search } = new URL(headers['Location'] ?? 'about:blank');
    if (`${origin}${pathname}` !== pageUrl) throw new Error(`not the page: ${headers['Location']}`);
    return get(session, search.slice(1));
  };
  const living = () =>
    [...test.dynamo.items('Grants').values()].filter(
      ({ payer: of, revokedAt }) => of !== undefined && revokedAt === undefined,
    ).length;
  return { ...test, get, post, begin, comeBack, signIn, formOn, press, follow, living };
};
type World = ReturnType<typeof world>;

const noticeIn = (page: ApiResponse): string =>
  /<div class="notice" role="status"><p>([^<]*)<\/p>/.exec(textOf(page))?.[1] ?? 'none';
const appsIn = (page: ApiResponse): string[] =>
  [...textOf(page).matchAll(/<section class="connection"[^]*?<span>([^<(]*)/g)].map(([, name = '']) => name.trim());

/** A member with two apps. */
const withTwoApps = async (change?: (data: RegistryData) => RegistryData) => {
  const test = world(change);
  const first = await test.connect();
  test.passSeconds(60);
  await test.redeem(
    await test.login({ ...app }),
    { client_id: app.client_id, redirect_uri: app.redirect_uri, code_verifier: verifier },
    {},
  );
  test.passSeconds(3600);
  return { ...test, first, session: await test.signIn() };
};

let test: World;
beforeEach(() => {
  test = world();
});

describe('before the sign-in the page of connections', () => {
  it('names no app and reads no grant, whoever asks', async () => {
    await test.connect();
    test.dynamo.calls();
    for (const cookie of ['', `__Host-p2p-member=${'A'.repeat(43)}`, '__Host-p2p-member=x']) {
      const page = await test.get({ Cookie: cookie });
      expect([page.statusCode, appsIn(page)]).toEqual([200, []]);
      expect(page.body).toContain('Sign in at Northwind Health');
      expect(page.body).not.toContain('Demo Partner');
      expect(page.headers['Cache-Control']).toBe('no-store');
    }
    expect(test.dynamo.calls()).toEqual(['GetItem']);
    expect(test.dynamo.sent().at(-1)?.input['TableName']).toBe('LoginAttempts');
  });

  it('answers for an unknown plan as every page does', async () => {
    const { statusCode, body } = await test.get({}, '', 'nobody');
    expect([statusCode, body]).toEqual([400, expect.stringContaining('There is no such health plan here.')]);
  });

  it('says why it cannot show apps where grants name no patient, and begins no sign-in there', async () => {
    test = world(withPayer(payer, { patientFrom: 'none' }));
    const page = await test.get();
    expect(page.body).toContain('Northwind Health does not tell us whose record an app may read.');
    expect(page.body).not.toContain('<button');
    expect((await test.post({ act: 'sign-in' })).headers['Location']).toBe(`${pageUrl}?ui_locales=en`);
    expect(test.dynamo.items('LoginAttempts').size).toBe(0);
  });

  it('begins no sign-in while the payer is paused', async () => {
    test.stops.set(`payer#${payer}`, { at: 0, by: 'arn:operator', reason: 'down' });
    expect((await test.post({ act: 'sign-in' })).statusCode).toBe(503);
    expect((await test.get()).statusCode).toBe(200);
  });
});

describe('the sign-in', () => {
  it.each<[string, Parameters<typeof withPayer>[1], string | null]>([
    ['the patient alone', {}, 'launch/patient'],
    ['who it is', { scopes: ['openid', 'fhirUser', 'patient/*.rs', 'offline_access'] }, 'openid fhirUser'],
    ['the narrowest it has', { scopes: ['user/*.read', 'patient/*.rs', 'user/Patient.read'] }, 'user/Patient.read'],
    [
      'the patient to search for',
      { patientFrom: 'search', scopes: ['launch/patient', 'patient/*.rs', 'offline_access'] },
      'launch/patient patient/*.rs',
    ],
    ['nothing, where it wants no scope', { scopes: [] }, null],
  ])('asks the payer for %s', async (_, change, scope) => {
    test = world(withPayer(payer, change));
    const { searchParams } = new URL((await test.begin()).response.headers['Location'] ?? 'about:blank');
    expect(searchParams.get('scope')).toBe(scope);
    expect(searchParams.get('redirect_uri')).toBe(`http://localhost:3000/oauth2/callback/${payer}`);
    // OpenID Connect Core §3.1.2.1: whoever signed in on this device before must not count.
    expect(searchParams.get('prompt')).toBe(scope?.includes('openid') === true ? 'login' : null);
  });

  it('gives the tokens back at once, makes no grant, and sets one cookie for ten minutes', async () => {
    const { state, cookie } = await test.begin();
    const response = await test.callback(test.fromPayer(state), { cookie });
    expect(response.headers['Location']).toBe(`${pageUrl}?ui_locales=en`);
    const set = response.multiValueHeaders?.['Set-Cookie']?.filter((one) => !one.endsWith('Max-Age=0')) ?? [];
    expect(set).toEqual([
      expect.stringMatching(/^__Host-p2p-member=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=600$/),
    ]);
    const calls = test.payer.requests.map(({ url, init }) => [new URL(url).pathname, formOf(init).get('token')]);
    expect(calls).toEqual([
      ['/oauth2/token', null],
      ['/oauth2/revoke', northwindTokens.refresh_token],
    ]);
    expect(test.dynamo.items('Grants').size).toBe(0);
    const stored = JSON.stringify([...test.dynamo.items('LoginAttempts')]) + test.lines.join();
    for (const secret of [/=([^;]*)/.exec(set[0] ?? '')?.[1] ?? '', state, 'patient-1', 'payer-access-token']) {
      expect(stored).not.toContain(secret);
    }
  });

  it.each<[string, Parameters<typeof withPayer>[1], unknown]>([
    ['refuses to', {}, "the payer did not revoke the tokens of a member's sign-in"],
    ['has no endpoint to', { revocationEndpoint: undefined }, undefined],
  ])('is noted if the payer %s revoke its tokens', async (_, change, detail) => {
    test = world(withPayer(payer, change));
    const answers = [Response.json({ ...northwindTokens }), new Response('', { status: 503 })];
    test.payer.http = () => Promise.resolve(answers.shift() ?? Response.error());
    await test.comeBack();
    expect((JSON.parse(test.lines.at(-1) ?? '{}') as { detail?: unknown }).detail).toBe(detail);
    expect(test.payer.requests.length).toBe(detail === undefined ? 1 : 2);
  });

  it('ends the session that the browser had once it is finished, and not when it begins or fails', async () => {
    const session = await test.signIn();
    const isOpen = async (): Promise<boolean> =>
      !textOf(await test.get(session)).includes('Sign in at Northwind Health');
    const comeBackAs = async (query: Record<string, string>): Promise<boolean> => {
      const begun = await test.post({ act: 'sign-in' }, session);
      const cookie = `${cookiesOf(begun)}; ${session['Cookie']}`;
      await test.callback({ ...test.fromPayer(sentBack(begun)['state'] ?? ''), ...query }, { cookie });
      return isOpen();
    };
    await test.post({ act: 'sign-in' }, session, 'demo-health-plan');

    const seen = [await isOpen(), await comeBackAs({ error: 'access_denied', code: '' }), await comeBackAs({})];
    expect(seen).toEqual([true, true, false]);
  });

  const denied = 'You did not finish the sign-in at Northwind Health. Nothing was changed.';
  const failed = 'Northwind Health could not complete the sign-in. Please try again later. Nothing was changed.';
  const unavailable = 'Northwind Health cannot be reached at the moment. Please try again in a moment.';
  const again = 'You are not signed in here, or no longer. Please sign in again. Nothing was changed.';

  /** Comes back after the payer has answered so. */
  const answered = (answer: Response) => () => {
    test.payer.http = () => Promise.resolve(answer);
    return test.comeBack();
  };
  const twice = async () => {
    const { state, cookie } = await test.begin();
    await test.callback(test.fromPayer(state), { cookie });
    return test.callback(test.fromPayer(state), { cookie });
  };
  const late = async () => {
    const { state, cookie } = await test.begin();
    test.passSeconds(1801);
    return test.callback(test.fromPayer(state), { cookie });
  };

  it.each<[string, string, () => Promise<ApiResponse>]>([
    ['denied', denied, () => test.comeBack({ error: 'access_denied', code: '' })],
    ['refused', failed, () => test.comeBack({ error: 'invalid_scope', code: '' })],
    ['down', unavailable, () => test.comeBack({ error: 'temporarily_unavailable', code: '' })],
    ['answered without a patient', failed, answered(Response.json({ ...northwindTokens, patient: undefined }))],
    ['answered with an error', unavailable, answered(new Response('', { status: 500 }))],
    ['finished in another browser', again, async () => test.callback(test.fromPayer((await test.begin()).state))],
    ['finished too late', again, late],
    ['finished twice', again, twice],
  ])('that was %s begins no session, and the page says so', async (_, says, come) => {
    const response = await come();
    expect(cookiesOf(response)).not.toMatch(/p2p-member=[\w-]/);
    expect(noticeIn(await test.follow(response, {}))).toBe(says);
  });

  it('of an app begins no session, and one of a member is no sign-in of an app', async () => {
    const { state, cookie } = await test.start();
    expect(cookiesOf(await test.callback(test.fromPayer(state), { cookie }))).not.toContain('p2p-member');
    await test.signIn();
    // The figures count a login as connected by its step.
    const lines = test.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const ofCallback = lines.filter((line) => line['function'] === 'callback');
    expect(ofCallback.map(({ step }) => step)).toEqual(['callback', 'connections']);
  });
});

describe('after the sign-in the page', () => {
  let two: Awaited<ReturnType<typeof withTwoApps>>;
  beforeEach(async () => {
    two = await withTwoApps();
  });
  /** The fields of the form with this button, as the page has it now. */
  const formWith = async (button: string, session = two.session) => two.formOn(await two.get(session), button);
  /** The page that the member sees after sending a form. */
  const sent = async (form: Record<string, string>, session = two.session) =>
    two.follow(await two.post(form, session), session);
  const stopAll = 'Stop all 2 apps';
  const gone = 'Nothing was changed: that button was already used, or the page was out of date. This is how it is now.';

  it('shows each app of this member at this payer: since and until when, its last token, what it reads, and its copy', async () => {
    const now = two.deps.clock.now() / 1000;
    for (const [at, grantId] of [...two.dynamo.items('Grants').keys()].entries()) {
      const [status, resources] = [{ S: at === 0 ? 'running' : 'partial' }, { N: '1240' }];
      const times = { startedAt: { N: String(now - 60) }, expiresAt: { N: String(now + 86_400) } };
      two.dynamo.items('Exports').set(grantId, { grantId: { S: grantId }, status, resources, ...times });
    }
    const page = await two.get(two.session);
    expect(appsIn(page)).toEqual(['Pocket Record', 'Demo Partner']);
    const text = textOf(page)
      .replaceAll(/<[^>]+>/g, ' ')
      .replaceAll(/\s+/g, ' ');
    expect(text).toContain('Since June 1, 2026 at 12:01 PM UTC');
    expect(text).toContain('Until August 30, 2026 at 12:00 PM UTC');
    expect(text).toContain('Last asked for access June 1, 2026 at 12:00 PM UTC');
    expect(text).toContain('It is being copied now: 1,240 entries so far.');
    expect(text).toContain('A copy is ready. The app can download it until June 2, 2026 at 1:01 PM UTC.');
    expect(text).toContain('Claims and what they cost');
    expect(text).toContain('You are signed in on this page until June 1, 2026 at 1:11 PM UTC');
  });

  it("shows nothing of another member's or another payer's", async () => {
    const other = await two.signIn('patient-2');
    expect(appsIn(await two.get(other))).toEqual([]);
    // The same browser at another plan is not signed in there.
    const elsewhere = await two.get(two.session, '', 'demo-health-plan');
    expect(elsewhere.body).toContain('Sign in at Demo Health Plan');
    expect(appsIn(elsewhere)).toEqual([]);
  });

  it("asks to sign in if another member's session was put under this one's key", async () => {
    const other = await two.signIn('patient-2');
    const items = two.dynamo.items('LoginAttempts');
    const [mine, theirs] = [...items].filter(([key]) => key.startsWith('session.'));
    items.set(theirs![0], { ...mine![1], stateHash: { S: theirs![0] } });
    const page = await two.get(other);
    expect([page.statusCode, appsIn(page)]).toEqual([200, []]);
    expect(page.body).toContain('Sign in at Northwind Health');
  });

  it('shows of a link only what can be true', async () => {
    const shown = async (notice: string, session: Headers) => noticeIn(await two.get(session, { notice })) !== 'none';
    for (const notice of ['signedOut', 'again', 'gone', 'left', 'denied']) {
      const isOfSession = ['gone', 'left'].includes(notice);
      const isOfAny = notice === 'denied';
      expect([notice, await shown(notice, two.session)]).toEqual([notice, isOfSession || isOfAny]);
      expect([notice, await shown(notice, {})]).toEqual([notice, !isOfSession]);
    }
    await two.press(two.session, stopAll);
    expect(await shown('left', two.session)).toBe(false);
  });

  it('does not claim that no app may read, since a grant made by 0.1 has no index', async () => {
    for (const item of two.dynamo.items('Grants').values()) delete item['memberIndex'];
    const page = await two.get(two.session);
    expect([appsIn(page), two.living()]).toEqual([[], 2]);
    expect(page.body).toContain('We found no app that may read your record at Northwind Health through us.');
    expect(page.body).toContain('An app that was connected before this page existed may be missing.');
    expect(page.body).not.toContain('No app may read');
  });

  it('reads every hit of the index again by its key, so that one of another patient does not count', async () => {
    const [item] = two.dynamo.items('Grants').values();
    if (item !== undefined) item['patient'] = { S: 'patient-2' };
    expect(appsIn(await two.get(two.session))).toEqual(['Pocket Record']);
    await two.press(two.session, 'Stop Pocket Record');
    expect(two.living()).toBe(1);
  });

  it('ends one app at once, gives a receipt that a reload repeats, and leaves the other', async () => {
    const answer = await two.press(two.session, 'Stop Demo Partner');
    expect(answer.statusCode).toBe(302);
    expect(bodyOf(await two.refresh(two.first.refresh_token)).error).toBe('invalid_grant');
    for (let times = 0; times < 2; times += 1) {
      const page = await two.follow(answer, two.session);
      expect(appsIn(page)).toEqual(['Pocket Record']);
      const [, ended] = /[?&]ended=([0-9a-f-]+)/.exec(answer.headers['Location'] ?? '') ?? [];
      expect(page.body).toContain('<strong>Demo Partner</strong> was stopped on <time');
      expect(page.body).toContain(`Reference: <strong>${ended}</strong>`);
    }
    const [item] = two.dynamo.items('Grants').values();
    expect(item?.['lastEvent']?.M).toMatchObject({ type: { S: 'revoked' }, reason: { S: 'byMember' } });
    expect(item).not.toHaveProperty('sealedPayerTokens');
    expect(two.lines.join()).not.toContain('patient-1');
  });

  it('shows an app that is connected twice as one, ends both, and says only what is true when it is connected again', async () => {
    const again = await two.connect();
    const page = await two.get(two.session);
    expect([appsIn(page), textOf(page).match(/Since</g)?.length]).toEqual([['Demo Partner', 'Pocket Record'], 3]);
    const answer = await two.press(two.session, 'Stop Demo Partner');
    for (const { refresh_token: token } of [two.first, again]) {
      expect(bodyOf(await two.refresh(token)).error).toBe('invalid_grant');
    }
    const receipts = textOf(await two.follow(answer, two.session)).match(/Demo Partner<\/strong> was stopped on /g);
    expect([two.living(), receipts?.length]).toEqual([1, 1]);
    await two.connect();
    const after = await two.get(two.session);
    expect(appsIn(after)).toEqual(['Demo Partner', 'Pocket Record']);
    expect(after.body).toContain('<strong>Demo Partner</strong> was stopped on <time');
    expect(after.body).not.toContain('can no longer read');
  });

  it('ends, and waits for, nothing in a session whose index was made up, or once nothing is left', async () => {
    const now = () => two.deps.clock.now();
    const from = now();
    const secret = 'A'.repeat(43);
    const made = { secret, now: from / 1000, iv: two.deps.randomBytes(12) };
    const member = { payer, patient: 'patient-1', memberIndex: 'x'.repeat(43) };
    await putMemberSession(two.deps.loginAttempts, member, made);
    const forged = { Cookie: `__Host-p2p-member=${secret}`, 'Sec-Fetch-Site': 'same-origin' };
    const [grant = ''] = two.dynamo.items('Grants').keys();
    for (const act of ['end', 'end-all']) {
      const form = { ...(await formWith('Sign out', forged)), act, app: app.client_id, grant };
      expect(noticeIn(await sent(form, forged))).toBe(gone);
    }
    expect([two.living(), now() - from]).toEqual([2, 0]);
    const rest = await formWith(stopAll);
    await two.post(rest, two.session);
    await two.post({ ...rest, ...(await formWith('Sign out')), act: 'end-all' }, two.session);
    expect([two.living(), now() - from]).toEqual([0, 2000]);
  });

  it.each([undefined, '', 'x'.repeat(3000)])('does nothing for a form without a known app (%#)', async (named) => {
    const { app: one = '', ...form } = await formWith('Stop Demo Partner');
    const answer = await two.post({ ...form, ...(named === undefined ? {} : { app: named }) }, two.session);
    expect([noticeIn(await two.follow(answer, two.session)), two.living()]).toEqual([gone, 2]);
    // What names none at all does not use the form up.
    await two.post({ ...form, app: one }, two.session);
    expect(two.living()).toBe(named ? 2 : 1);
  });

  it('says that nothing was changed if the app had ended in the meantime', async () => {
    const form = await formWith('Stop Demo Partner');
    await two.revoke({ token: two.first.refresh_token });
    const page = await sent(form);
    expect([noticeIn(page), appsIn(page)]).toEqual([gone, ['Pocket Record']]);
  });

  it('ends all, also one that was made while the member looked', async () => {
    const form = await formWith(stopAll);
    await two.connect();
    const page = await sent(form);
    expect([two.living(), appsIn(page), textOf(page).match(/ was stopped on /g)?.length]).toEqual([0, [], 2]);
  });

  it('ends all, also one that the index shows a moment late', async () => {
    const form = await formWith(stopAll);
    const late = [...two.dynamo.items('Grants').values()][1];
    const hidden = late?.['memberIndex'];
    delete late?.['memberIndex'];
    two.dynamo.standIn('UpdateItem', ({ TableName }) => {
      if (TableName === 'Grants' && late !== undefined && hidden !== undefined && late['revokedAt'] === undefined)
        late['memberIndex'] = hidden;
      return undefined;
    });
    await two.post(form, two.session);
    expect(two.living()).toBe(0);
  });

  it('says which apps could not be stopped, and stops the others', async () => {
    const form = await formWith(stopAll);
    let writes = 0;
    two.dynamo.standIn('UpdateItem', ({ TableName }) =>
      TableName === 'Grants' && (writes += 1) === 1 ? Promise.reject(throttled()) : undefined,
    );
    const page = await sent(form);
    expect(noticeIn(page)).toContain('Not every app could be stopped.');
    expect([two.living(), appsIn(page).length]).toEqual([1, 1]);
  });

  const sentBefore = async () => {
    const form = await formWith('Stop Demo Partner');
    await two.post({ ...form, app: 'nothing' }, two.session);
    return two.post(form, two.session);
  };
  const withoutToken = async () => {
    const { form_token: _, ...form } = await formWith(stopAll);
    return two.post(form, two.session);
  };
  const ofAnotherMember = async () => {
    const other = await two.signIn('patient-2');
    const { app: id = '' } = await formWith('Stop Demo Partner');
    const end = async (one: string) =>
      two.post({ ...(await formWith('Sign out', other)), act: 'end', app: one }, other);
    const answer = await end(id);
    expect((await end('unknown')).headers['Location']).toBe(answer.headers['Location']);
    return answer;
  };
  it.each<[string, () => Promise<ApiResponse>]>([
    ['was sent before', sentBefore],
    ...['cross-site', 'same-site', 'none'].map((site): [string, () => Promise<ApiResponse>] => [
      `a page of another origin sends (${site})`,
      async () => two.post(await formWith(stopAll), { ...two.session, 'Sec-Fetch-Site': site }),
    ]),
    ['has no token', withoutToken],
    [
      'is of another session of the same member',
      async () => two.post(await formWith(stopAll, await two.signIn()), two.session),
    ],
    ["names another member's app", ofAnotherMember],
    ['asks for what is not known', () => two.post({ act: 'erase' }, two.session)],
  ])('does nothing for a form that %s', async (_, send) => {
    const page = await two.follow(await send(), two.session);
    expect([noticeIn(page), two.living(), appsIn(page).length]).toEqual([gone, 2, 2]);
  });

  it.each<[string, () => unknown]>([
    ['ten minutes', () => two.passSeconds(600)],
    ['the member signs out', () => two.press(two.session, 'Sign out')],
  ])('is over after %s, for forms too', async (_, end) => {
    const form = await formWith(stopAll);
    await end();
    const page = await sent(form);
    expect(noticeIn(page)).toBe('You are not signed in here, or no longer. Please sign in again. Nothing was changed.');
    expect([appsIn(page), two.living()]).toEqual([[], 2]);
  });

  it('speaks the language that the sign-in began in', async () => {
    const start = await two.post({ act: 'sign-in', ui_locales: 'es' });
    const back = await two.callback(two.fromPayer(sentBack(start)['state'] ?? ''), { cookie: cookiesOf(start) });
    expect(back.headers['Location']).toBe(`${pageUrl}?ui_locales=es`);
    const page = await two.follow(back, two.session);
    expect(page.body).toContain('<html lang="es">');
    expect(page.body).toContain('Detener las 2 aplicaciones');
  });
});
