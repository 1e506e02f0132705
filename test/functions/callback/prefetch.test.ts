import { gateway, pkce, sentBack } from '../../support/login.ts';

const ahead: [string, Record<string, string>][] = [
  ['Sec-Purpose: prefetch', { 'Sec-Purpose': 'prefetch' }],
  ['Sec-Purpose: prefetch;prerender', { 'sec-purpose': 'prefetch;prerender' }],
  ['Sec-Purpose: prefetch;anonymous-client-ip', { 'Sec-Purpose': 'prefetch;anonymous-client-ip' }],
  ['Purpose: prefetch', { Purpose: 'prefetch' }],
  ['Purpose: Prerender', { purpose: 'Prerender' }],
  ['X-Purpose: preview', { 'X-Purpose': 'preview' }],
  ['X-Moz: prefetch', { 'X-moz': 'prefetch' }],
];

describe('a browser’s speculative request', () => {
  it.each(ahead)('consumes no login attempt at the callback (%s): the person’s own visit works', async (_, headers) => {
    const test = gateway();
    const { state, cookie } = await test.start();
    test.dynamo.calls();

    const answer = await test.callback(test.fromPayer(state), { cookie, headers });

    expect(answer.statusCode).toBe(403);
    expect(answer.headers['Cache-Control']).toBe('no-store');
    expect(answer.multiValueHeaders).toBeUndefined();
    expect(answer.body).toContain('Please open it again.');
    expect([test.dynamo.calls(), test.payer.requests]).toEqual([[], []]);
    expect(sentBack(await test.callback(test.fromPayer(state), { cookie }))['code']).toMatch(/^p2pc_/);
  });

  it.each(ahead)('begins no login at authorize (%s), and is sent to no payer', async (_, headers) => {
    const test = gateway();

    const answer = await test.authorize({}, { headers });

    expect(answer.statusCode).toBe(403);
    expect(answer.headers).not.toHaveProperty('Location');
    expect(answer.headers['Cache-Control']).toBe('no-store');
    expect(test.dynamo.calls()).toEqual([]);
  });

  it.each(['iframe', 'frame', 'object', 'embed', 'image', 'empty', ''])(
    'that another page makes consumes no login attempt at the callback (Sec-Fetch-Dest: %s), and begins none',
    async (destination) => {
      const test = gateway();
      const { state, cookie } = await test.start();
      test.dynamo.calls();
      const headers = { 'Sec-Fetch-Dest': destination };

      const answers = [
        await test.callback(test.fromPayer(state), { cookie, headers }),
        await test.authorize({}, { headers }),
      ];

      expect(answers.map(({ statusCode }) => statusCode)).toEqual([403, 403]);
      expect(answers.map(({ multiValueHeaders }) => multiValueHeaders)).toEqual([undefined, undefined]);
      expect(answers.map(({ headers: { Location } }) => Location)).toEqual([undefined, undefined]);
      expect([test.dynamo.calls(), test.payer.requests]).toEqual([[], []]);
      expect(sentBack(await test.callback(test.fromPayer(state), { cookie }))['code']).toMatch(/^p2pc_/);
    },
  );

  it('is told apart from a visit, which browsers mark as a document', async () => {
    const test = gateway();
    const headers = { 'sec-fetch-dest': 'document' };
    const { state, cookie } = await test.start({}, { headers });

    const answer = await test.callback(test.fromPayer(state), { cookie, headers });

    expect(sentBack(answer)['code']).toMatch(/^p2pc_/);
  });

  it('is not shown the consent page, nor given its cookie', async () => {
    const consent = {
      client_id: 'third-party-app',
      redirect_uri: 'http://localhost:3002/third-party/callback',
      ...pkce,
    };

    const answer = await gateway().authorize(consent, { headers: { 'Sec-Purpose': 'prefetch' } });

    expect([answer.statusCode, answer.multiValueHeaders]).toEqual([403, undefined]);
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
