import * as fc from 'fast-check';
import { apiEvent, call } from '../support/gateway.ts';
import { gateway } from '../support/login.ts';
import { words } from '../support/words.ts';
import { people, type WireRequest } from './fhir-requests.ts';
import { recordingPayer } from './recording-payer.ts';
import { holds, textOf } from './seeded.ts';
import { expectSound, markup } from './sound-answer.ts';

const names = [
  // Headers of the connection (RFC 9110 §7.6.1), of framing, and those that smuggle requests.
  ...'Connection Keep-Alive Proxy-Connection TE Trailer Transfer-Encoding Upgrade Content-Length Host Expect Via Proxy-Authorization'.split(
    ' ',
  ),
  // Headers that the gateway forwards or reads.
  ...'Accept Accept-Language If-None-Match If-Modified-Since Prefer Origin Content-Type Cookie Range Accept-Encoding'.split(
    ' ',
  ),
  // Headers that proxies and payers might trust.
  ...'X-Forwarded-For X-Forwarded-Host X-Original-URL X-Rewrite-URL X-Real-IP Forwarded X-Amzn-RequestId X-Api-Key X-Auth-Token X-Consent X-Provenance Referer User-Agent X-HTTP-Method-Override X-HTTP-Method X-Method-Override X_HTTP_METHOD'.split(
    ' ',
  ),
  '__proto__',
  'constructor',
  '',
  ' ',
  'a b',
  'accept\r\nx',
  'AUTHORIZATION ',
  'ACCEPT',
  'prefer',
  'é',
];
const values = textOf(
  [
    ...words(`
      application/fhir+json */* text/html en-US W/"1" return=minimal respond-async Respond-Async RESPOND-ASYNC;x close
      chunked authorization evil.example PUT
    `),
    '\r\nX-Injected: 1',
    '\n',
    '\r',
    '\0',
    '\t',
    ' ',
    ...words(', ; " é ÿ ☃'),
    '\u{1f600}',
    '\ud800',
    '',
    '0',
    'x'.repeat(9000),
    markup,
    'http://localhost:3002',
    `Patient/${people.other}`,
  ],
  3,
);
const lines = fc.array(fc.tuple(fc.constantFrom(...names), values), { maxLength: 5 });
const read: fc.Arbitrary<WireRequest> = fc.constantFrom(
  { method: 'GET', path: 'Observation', query: `patient=${people.member}` },
  { method: 'GET', path: `Patient/${people.member}`, query: '' },
  { method: 'GET', path: 'Binary/1', query: '' },
  { method: 'POST', path: 'Observation/_search', query: '', form: `patient=${people.member}` },
);

describe('headers of the FHIR route', () => {
  it('reach the payer only if an allow-list has them, whatever the caller sends (RFC 9110 §7.6.1, CWE-444, CWE-113)', async () => {
    const payer = await recordingPayer();

    await holds(
      fc.tuple(read, lines),
      async ([request, sent]) => {
        const { answer } = await payer.judge(request, [['Authorization', `Bearer ${payer.grant.token}`], ...sent]);
        const allowed = answer.headers['Access-Control-Allow-Origin'];
        if (allowed !== undefined && allowed !== 'http://localhost:3002') throw new Error(`CORS for ${allowed}`);
      },
      15_000,
    );

    expect(payer.tally.forwarded).toBeGreaterThan(5000);
  });

  it('never make a payer seem down: a header that cannot be sent is left out', async () => {
    const payer = await recordingPayer();

    await holds(
      fc.tuple(read, lines),
      async ([request, sent]) => {
        await payer.judge(request, [['Authorization', `Bearer ${payer.grant.token}`], ...sent]);
        const [line = ''] = payer.gateway.lines;
        if (line.includes('payerDown')) throw new Error(line);
      },
      3000,
    );
  });

  it('authorize no one with a different Authorization (RFC 6750 §2.1)', async () => {
    const payer = await recordingPayer();
    const { token } = payer.grant;
    const authorization = fc.oneof(
      fc.constantFrom(
        token,
        `Bearer${token}`,
        `Bearer  `,
        `Bearer ${token} x`,
        `Bearer ${token},Bearer ${token}`,
        `Basic ${token}`,
        `Bearer "${token}"`,
        `Bearer\t${token}`,
        `Bearer ${token}\0`,
        `Bearer ${token}%00`,
        `Bearer %70${token.slice(1)}`,
        `DPoP ${token}`,
        `Bearer ${token.toUpperCase()}`,
        `Bearer ${token}=`,
        `Bearer ${token.slice(0, -1)}`,
        `Bearer ${token}\u200b`,
        'Bearer undefined',
        'Bearer null',
        'Bearer payer-access-1',
      ),
      values.map((value) => `Bearer ${value}`),
      values,
    );

    await holds(
      fc.tuple(read, authorization),
      async ([request, value]) => {
        const { answer, sent } = await payer.judge(request, [['Authorization', value]]);
        if (answer.statusCode !== 401 || sent.length > 0) throw new Error(`${answer.statusCode} for ${value}`);
      },
      3000,
    );
  });
});

describe('cookies', () => {
  const login = gateway();
  const cookieNames = [
    ...words(`
      __Host-p2p-login- __Host-p2p-consent p2p-login- __Secure-p2p-login- __proto__ constructor
    `),
    '',
    ' ',
  ];
  const cookie = (suffix: string) =>
    textOf(
      [
        ...cookieNames,
        suffix,
        suffix,
        '=',
        '=',
        ';',
        '; ',
        ',',
        '"',
        '%3D',
        '\t',
        '\0',
        '\r\n',
        '\u{1f600}',
        'a'.repeat(43),
        'x'.repeat(4000),
        markup,
      ],
      12,
    );

  it('let no one finish a login that another browser began, and do not consume it (RFC 9700 §4.7)', async () => {
    const { state, cookie: own } = await login.start();
    const [name = '', value = ''] = own.split('=');
    const suffix = name.replace('__Host-p2p-login-', '');
    login.dynamo.calls();

    await holds(
      fc.oneof(
        cookie(suffix),
        fc.constantFrom(
          ...words(`
            ${name}=${value}x ${name}=${value.slice(1)} ${name.toLowerCase()}=${value} x${name}=${value}
            ${name}="${value}"
          `),
          `${name}=x; ${name}=${value}`,
          `${name}%3D${value}`,
          `${name} =${value}`,
          `${name}==${value}`,
        ),
      ),
      async (sent) => {
        const answer = await login.callback(login.fromPayer(state), { cookie: sent });
        expectSound(answer);
        if (answer.statusCode !== 400 || login.payer.requests.length > 0) throw new Error(`${answer.statusCode}`);
      },
      4000,
    );

    const answer = await login.callback(login.fromPayer(state), { cookie: own });
    expect(answer.statusCode).toBe(302);
  });

  it('admit only the consent form that the page gave this browser', async () => {
    const app = {
      client_id: 'third-party-app',
      redirect_uri: 'http://localhost:3002/third-party/callback',
      state: 's',
    };
    const challenge = { code_challenge: 'A'.repeat(43), code_challenge_method: 'S256' };
    const name = '__Host-p2p-consent';
    const own = 'a'.repeat(43);
    const send = (Cookie: string, more: Record<string, string>) =>
      call(
        login.handlers.authorize,
        apiEvent('/oauth2/authorize/{payer}', {
          method: 'POST',
          path: { payer: 'northwind' },
          form: { ...app, ...challenge, state: `s${markup}`, ...more, [markup]: markup },
          headers: { Cookie },
        }),
      );
    const page = await send(`${name}=${own}`, {});
    const shown = /name="consent_shown" value="([^"]*)"/.exec(String(page.body))?.[1] ?? '';
    const done = { admitted: 0, refused: 0 };
    login.dynamo.calls();

    await holds(
      fc.tuple(
        fc.oneof(
          cookie('='),
          fc.constantFrom(`${name}=${own}`, `${name}=${own}x`, `x${name}=${own}`, `${name.toLowerCase()}=${own}`),
        ),
        fc.oneof(fc.constant(own), textOf([own, '', 'x', '"', markup, '\0', '__proto__'], 2)),
        fc.constantFrom('allow', 'deny', markup, 'ALLOW'),
      ),
      async ([sent, token, decision]) => {
        const answer = await send(sent, { consent_token: token, consent_shown: shown, decision });
        expectSound(answer);
        const isOurs = sent.includes(`${name}=${token}`) && /^[A-Za-z0-9_-]{43}$/.test(token);
        const isWritten = login.dynamo.calls().length > 0;
        if (!(isOurs && decision === 'allow') && isWritten) throw new Error('a login attempt was written');
        if (isWritten) done.admitted++;
        else if (!isOurs && String(answer.headers['Location']).includes('error=invalid_request')) done.refused++;
      },
      3000,
    );

    // The same form, from the browser that has the cookie and from those that have not.
    expect(done.admitted).toBeGreaterThan(20);
    expect(done.refused).toBeGreaterThan(300);
  });
});

describe('parameters of authorize and callback', () => {
  const login = gateway();
  const texts = textOf(
    [
      ...words('code S256 northwind openid patient/*.rs patient/*.cruds launch/patient'),
      ' ',
      '\t',
      '\0',
      '\r\nX: y',
      '%0d%0a',
      '☃',
      '\ud800',
      markup,
      '__proto__',
      'a'.repeat(43),
      'x'.repeat(3000),
      ...words('http://localhost:3000/r4/northwind https://evil.example/ {} [] null'),
    ],
    3,
  );
  const named = (all: readonly string[]) => fc.array(fc.tuple(fc.constantFrom(...all), texts), { maxLength: 6 });

  it('are never shown unescaped, and never lead anywhere but to the partner or the payer (RFC 9700 §4.11)', async () => {
    const all =
      'client_id redirect_uri state scope aud resource response_type response_mode code_challenge code_challenge_method request request_uri nonce prompt login_hint consent_token decision __proto__ constructor'.split(
        ' ',
      );
    const app = fc.constantFrom(
      [
        ['client_id', 'demo-partner'],
        ['redirect_uri', 'http://localhost:3002/callback'],
      ],
      [
        ['client_id', 'third-party-app'],
        ['redirect_uri', 'http://localhost:3002/third-party/callback'],
        ['code_challenge', 'A'.repeat(43)],
        ['code_challenge_method', 'S256'],
      ],
      [],
    );

    await holds(
      fc.tuple(
        app,
        named(all),
        fc.constantFrom('GET', 'POST', 'PUT'),
        fc.constantFrom('northwind', 'demo-health-plan', 'none', '__proto__', markup, '\ud800', ''),
      ),
      async ([known, more, method, payer]) => {
        const pairs = [...known, ...more] as [string, string][];
        const answer = await call(
          login.handlers.authorize,
          apiEvent('/oauth2/authorize/{payer}', {
            method,
            path: { payer },
            ...(method === 'POST' ? { form: String(new URLSearchParams(pairs)) } : { query: pairs }),
          }),
        );
        expectSound(answer);
        const { Location: to = '' } = answer.headers;
        if (to !== '' && !/^http:\/\/(?:localhost:3002|127\.0\.0\.1:300[13])\//.test(to))
          throw new Error(`sent to ${to}`);
      },
      8000,
    );
  });

  it('parameters of the callback consume nothing and lead nowhere without a login attempt (RFC 6749 §10.12)', async () => {
    const all = 'state code iss error error_description error_uri session_state __proto__ constructor x'.split(' ');

    await holds(
      fc.tuple(
        named(all),
        fc.constantFrom('GET', 'POST'),
        fc.constantFrom('northwind', 'demo-health-plan', 'none', markup, '\ud800'),
      ),
      async ([pairs, method, payer]) => {
        const answer = await login.callback(pairs, { method, payer, cookie: '__Host-p2p-login-x=y' });
        expectSound(answer);
        if (answer.headers['Location'] !== undefined || login.payer.requests.length > 0) throw new Error('led on');
      },
      5000,
    );
  });
});
