import type { ApiResponse } from '../../../functions/shared/http/api.ts';
import { gateway, pkce, sentBack } from '../../support/login.ts';

describe('every answer to a browser', () => {
  const consent = { client_id: 'third-party-app', redirect_uri: 'http://localhost:3002/third-party/callback', ...pkce };

  const answers: [string, number, (test: ReturnType<typeof gateway>) => Promise<ApiResponse>][] = [
    ['the redirect to the payer', 302, ({ authorize }) => authorize()],
    ['the error redirect to the partner', 302, ({ authorize }) => authorize({ response_type: 'token' })],
    ['the consent page', 200, ({ authorize }) => authorize(consent)],
    ['an error page', 400, ({ authorize }) => authorize({ client_id: 'nobody' })],
    ['a 405 of authorize', 405, ({ authorize }) => authorize({}, { method: 'PUT' })],
    ['an error page of the callback', 400, ({ callback }) => callback({ state: 'x' })],
    ['a 405 of the callback', 405, ({ callback }) => callback({ state: 'x' }, { method: 'POST' })],
    [
      'the redirect with a code',
      302,
      async ({ start, callback, fromPayer }) => {
        const { state, cookie } = await start();
        return callback(fromPayer(state), { cookie });
      },
    ],
    [
      'the redirect with the payer’s error',
      302,
      async ({ start, callback, fromPayer }) => {
        const { state, cookie } = await start();
        return callback({ ...fromPayer(state), error: 'access_denied' }, { cookie });
      },
    ],
  ];

  it.each(answers)(
    '%s keeps browsers to https on all names below a domain of the stage’s own',
    async (_, status, answer) => {
      const { statusCode, headers } = await answer(gateway({ ownDomain: true }));

      expect(statusCode).toBe(status);
      expect(headers['Strict-Transport-Security']).toBe('max-age=31536000; includeSubDomains');
    },
  );
});

const consent = { client_id: 'third-party-app', redirect_uri: 'http://localhost:3002/third-party/callback', ...pkce };

describe('a browser’s speculative request', () => {
  it.each<[name: string, value: string]>([
    ['Sec-Purpose', 'prefetch'],
    ['sec-purpose', 'prefetch;prerender'],
    ['Sec-Purpose', 'prefetch;anonymous-client-ip'],
    ['Purpose', 'prefetch'],
    ['purpose', 'Prerender'],
    ['X-Purpose', 'preview'],
    ['X-moz', 'prefetch'],
    // Of another page.
    ...['iframe', 'frame', 'object', 'embed', 'image', 'empty', ''].map((to): [string, string] => [
      'Sec-Fetch-Dest',
      to,
    ]),
  ])('(%s: %s) consumes no login attempt and begins none, and the person’s own visit works', async (name, value) => {
    const test = gateway();
    const { state, cookie } = await test.start();
    test.dynamo.calls();
    const headers = { [name]: value };

    const answers = [
      await test.callback(test.fromPayer(state), { cookie, headers }),
      await test.authorize({}, { headers }),
      await test.authorize(consent, { headers }),
    ];

    for (const answer of answers) {
      expect([answer.statusCode, answer.headers['Cache-Control']]).toEqual([403, 'no-store']);
      expect(answer.headers).not.toHaveProperty('Location');
      expect(answer.multiValueHeaders).toBeUndefined();
      if (name !== 'Sec-Fetch-Dest') expect(answer.body).toContain('Please open it again.');
    }
    expect([test.dynamo.calls(), test.payer.requests]).toEqual([[], []]);
    expect(sentBack(await test.callback(test.fromPayer(state), { cookie }))['code']).toMatch(/^p2pc_/);
  });

  it('is told apart from a visit, which browsers mark as a document', async () => {
    const test = gateway();
    const headers = { 'sec-fetch-dest': 'document' };
    const { state, cookie } = await test.start({}, { headers });

    const answer = await test.callback(test.fromPayer(state), { cookie, headers });

    expect(sentBack(answer)['code']).toMatch(/^p2pc_/);
  });

  it('is recognized by its words only: a header with another word changes nothing', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();

    const answer = await test.callback(test.fromPayer(state), { cookie, headers: { Purpose: 'navigate' } });

    expect(sentBack(answer)['code']).toMatch(/^p2pc_/);
  });

  it('may also be a HEAD, as from link checkers: 405 at both, and nothing is consumed or written', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    test.dynamo.calls();

    const answers = [
      await test.callback(test.fromPayer(state), { cookie, method: 'HEAD' }),
      await test.authorize({}, { method: 'HEAD' }),
    ];

    expect(answers.map(({ statusCode }) => statusCode)).toEqual([405, 405]);
    expect(test.dynamo.calls()).toEqual([]);
    expect(sentBack(await test.callback(test.fromPayer(state), { cookie }))['code']).toMatch(/^p2pc_/);
  });
});
