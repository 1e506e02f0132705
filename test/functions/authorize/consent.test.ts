import { apiEvent, call, cookiesOf } from '../../support/gateway.ts';
import { gateway, pkce, sentBack, withPartner, withPayer } from '../../support/login.ts';

const request = {
  client_id: 'third-party-app',
  redirect_uri: 'http://localhost:3002/third-party/callback',
  state: 'partner-state',
  ...pkce,
};

/** The fields of the page's form. */
const fieldsOf = (html: string): Record<string, string> =>
  Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'),
    ]),
  );

const open = async (query: Record<string, string> = request, Cookie = '') => {
  const test = gateway();
  const page = await test.authorize(query, { headers: { Cookie } });
  const submit = (form: Record<string, string>, cookie = cookiesOf(page), headers: Record<string, string> = {}) =>
    call(
      test.handlers.authorize,
      apiEvent('/oauth2/authorize/{payer}', {
        method: 'POST',
        path: { payer: 'northwind' },
        form,
        // Under no-referrer a form's origin is null.
        headers: { Cookie: cookie, Origin: 'null', ...headers },
      }),
    );
  return { ...test, page, submit, fields: fieldsOf(page.body) };
};

describe('the consent page', () => {
  it('is made of the request alone, and writes nothing', async () => {
    const { page, dynamo } = await open();

    expect(page.statusCode).toBe(200);
    expect(page.body).toContain(
      '<form class="actions" method="post" action="http://localhost:3000/oauth2/authorize/northwind">',
    );
    expect(dynamo.calls()).toEqual([]);
  });

  it('runs no script, and has styles, images and a form of its own only', async () => {
    const { page } = await open();

    expect(page.headers['Content-Security-Policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]+=' 'sha256-[\w+/]+='; img-src data:; form-action [^;]+; base-uri 'none'; frame-ancestors 'none'$/,
    );
  });

  it('lets the form go to the payer, its sign-in and the partner, and nowhere else', async () => {
    const test = gateway();
    const quirks = {
      ...(await test.deps.registry.payer('northwind'))!.quirks,
      signInOrigins: ['https://login.example'],
    };

    const page = await test.reconfigured(withPayer('northwind', { quirks })).authorize(request);

    expect(page.headers['Content-Security-Policy']).toContain(
      "form-action 'self' http://127.0.0.1:3003 http://localhost:3002 https://login.example;",
    );
  });

  it.each(['org.example.app', 'org.example.https'])('lets a native app’s own scheme through: %s', async (scheme) => {
    const uri = `${scheme}:/callback`;
    const { authorize } = gateway().reconfigured(withPartner('third-party-app', { redirectUris: [uri] }));

    const page = await authorize({ ...request, redirect_uri: uri });

    expect(page.headers['Content-Security-Policy']).toContain(`'self' http://127.0.0.1:3003 ${scheme}:;`);
    expect(page.body).toContain('Then you return to Trend Journal.');
  });

  it('escapes all text of the request and the configuration', async () => {
    const state = `"><script>alert('x')</script>&amp;`;
    const { authorize } = gateway().reconfigured(withPartner('third-party-app', { name: '<i>App</i>' }));

    const page = await authorize({ ...request, state });

    expect(page.body).not.toContain('<script');
    expect(page.body).not.toContain('<i>');
    expect(page.body).toContain('&lt;i&gt;App&lt;/i&gt;');
    expect(page.body).toContain('&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)');
  });

  it('puts its token into a __Host- cookie that scripts cannot read, and the same token into the form', async () => {
    const { page, fields } = await open();

    const [cookie, ...others] = page.multiValueHeaders?.['Set-Cookie'] ?? [];

    expect(others).toEqual([]);
    expect(cookie).toBe(
      `__Host-p2p-consent=${fields['consent_token']}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=1800`,
    );
  });

  it('keeps the token of another tab', async () => {
    const token = 'A'.repeat(43);

    const { fields } = await open(request, `__Host-p2p-consent=${token}`);

    expect(fields['consent_token']).toBe(token);
  });

  it.each([
    ['short', 'short'],
    ['too long', 'A'.repeat(44)],
    ['with something before it', `!${'A'.repeat(43)}`],
    ['with something after it', `${'A'.repeat(43)}!`],
  ])('replaces a malformed token: %s', async (_, token) => {
    const { fields } = await open(request, `__Host-p2p-consent=${token}`);

    expect(fields['consent_token']).toMatch(/^[\w-]{43}$/);
    expect(token).not.toContain(fields['consent_token']);
  });

  it('has the request in its form, and no decision or token that came with it', async () => {
    const { page, submit, fields } = await open({ ...request, decision: 'deny', consent_token: 'planted' });

    const names = [...page.body.matchAll(/<input type="hidden" name="([^"]*)"/g)].map(([, name]) => name);
    const response = await submit({ ...fields, decision: 'allow' });

    expect(names).toEqual([...Object.keys(request), 'ui_locales', 'consent_token', 'consent_shown']);
    expect(fields).toEqual({
      ...request,
      ui_locales: 'en',
      consent_token: expect.stringMatching(/^[\w-]{43}$/),
      consent_shown: expect.stringMatching(/^\d+\.[\w-]{43}$/),
    });
    expect(response.headers['Location']).toContain('127.0.0.1:3003/oauth2/authorize');
  });

  it('is shown for a request sent as a form without a decision', async () => {
    const { submit, page } = await open();

    const response = await submit(request);

    expect(response.statusCode).toBe(200);
    expect(fieldsOf(response.body)).toEqual(fieldsOf(page.body));
  });
});

describe('the member’s decision', () => {
  const other = 'B'.repeat(43);
  it.each<[string, Record<string, string>, string | undefined, Record<string, string>]>([
    ['no cookie', {}, '', {}],
    ['another token', { consent_token: other }, undefined, {}],
    ['no token', { consent_token: '' }, undefined, {}],
    // A sibling domain put a token inside a cookie of its own.
    ...['shared=1,', 'shared=1, ', 'shared,'].map(
      (before): [string, Record<string, string>, string, Record<string, string>] => [
        `a token that was smuggled behind ${before}`,
        { consent_token: other },
        `${before}__Host-p2p-consent=${other}`,
        {},
      ],
    ),
    // The browser says that the form came from elsewhere.
    ['Sec-Fetch-Site: same-site', {}, undefined, { 'Sec-Fetch-Site': 'same-site' }],
    ['Sec-Fetch-Site: cross-site', {}, undefined, { 'Sec-Fetch-Site': 'cross-site' }],
    ['Sec-Fetch-Site: none', {}, undefined, { 'Sec-Fetch-Site': 'none' }],
    ['an empty Sec-Fetch-Site', {}, undefined, { 'Sec-Fetch-Site': '' }],
  ])('has no effect with %s', async (_, change, cookie, headers) => {
    const { submit, fields, dynamo } = await open();

    const response = await submit({ ...fields, decision: 'allow', ...change }, cookie, headers);

    expect(sentBack(response)).toMatchObject({
      error: 'invalid_request',
      error_description: 'The consent page was out of date. Please start again.',
    });
    expect(dynamo.calls()).toEqual([]);
  });

  it('counts if the browser says that the form came from the page itself', async () => {
    const { submit, fields } = await open();

    const response = await submit({ ...fields, decision: 'allow' }, undefined, { 'sec-fetch-site': 'same-origin' });

    expect(response.headers['Location']).toContain('127.0.0.1:3003/oauth2/authorize');
  });

  it('is asked for if a page of the partner posts the request, as SMART App Launch allows', async () => {
    const { submit, dynamo } = await open();
    const fromPartner = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'document', 'Sec-Fetch-Mode': 'navigate' };

    // A browser sends no Lax cookie with another site's form.
    const response = await submit(request, '', fromPartner);

    expect(response.statusCode).toBe(200);
    expect(fieldsOf(response.body)).toMatchObject(request);
    expect(dynamo.calls()).toEqual([]);
  });

  const narrow = { scopes: ['patient/Patient.rs'] };
  it.each<[string, object, Parameters<ReturnType<typeof gateway>['reconfigured']>[0] | undefined, number]>([
    ['the partner is registered for more', narrow, withPartner('third-party-app', { scopes: ['patient/*.rs'] }), 0],
    [
      'the partner may refresh',
      narrow,
      withPartner('third-party-app', { scopes: [...narrow.scopes, 'offline_access'] }),
      0,
    ],
    ['the partner has another name', {}, withPartner('third-party-app', { name: 'Other' }), 0],
    ['the payer has another name', {}, withPayer('northwind', { displayName: 'Other' }), 0],
    ['a grant of the payer lives shorter', {}, withPayer('northwind', { consentLifetime: 86_400 }), 0],
    ['the page is older than it may be, whatever another tab did', {}, undefined, 1801],
  ])('is asked for again, with a sentence that something changed, if %s', async (_, before, change, seconds) => {
    const test = gateway();
    const first = test.reconfigured(withPartner('third-party-app', before));
    const page = await first.authorize(request);
    const form = { ...fieldsOf(page.body), decision: 'allow' };
    const post = ({ handlers }: Pick<typeof first, 'handlers'>) =>
      call(
        handlers.authorize,
        apiEvent('/oauth2/authorize/{payer}', {
          method: 'POST',
          path: { payer: 'northwind' },
          form,
          headers: { Cookie: cookiesOf(page), Origin: 'null' },
        }),
      );
    expect((await post(first)).headers['Location']).toContain('127.0.0.1:3003/oauth2/authorize');
    test.passSeconds(seconds);
    const again = await post(change === undefined ? first : test.reconfigured(change));

    expect(again.statusCode).toBe(200);
    expect(again.body).toContain('Something has changed since you opened this page.');
    expect(fieldsOf(again.body)).toMatchObject(request);
  });

  it('cannot come in a link', async () => {
    const { authorize, fields, page } = await open();

    const response = await authorize({ ...fields, decision: 'allow' }, { headers: { Cookie: cookiesOf(page) } });

    expect(response.statusCode).toBe(200);
    expect(response.body).toContain('<form');
  });

  it('may be sent twice: each is a separate login', async () => {
    const { submit, fields } = await open();

    const [first, second] = [
      await submit({ ...fields, decision: 'allow' }),
      await submit({ ...fields, decision: 'allow' }),
    ];

    expect(sentBack(first)['state']).toBeDefined();
    expect(sentBack(first)['state']).not.toBe(sentBack(second)['state']);
  });
});
