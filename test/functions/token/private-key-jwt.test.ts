import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { startMs } from '../../support/gateway.ts';
import { bodyOf, gateway, throttled, withPartner } from '../../support/login.ts';

const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const nowSeconds = startMs / 1000;
const es384 = await generateKeyPair('ES384');
const rs384 = await generateKeyPair('RS384');
const stranger = await generateKeyPair('ES384');
const jwks = [
  { ...(await exportJWK(es384.publicKey)), kid: 'es', kty: 'EC' },
  { ...(await exportJWK(rs384.publicKey)), kid: 'rs', kty: 'RSA' },
];

let assertions = 0;
const claims = (change: JWTPayload = {}): JWTPayload => ({
  iss: 'demo-partner',
  sub: 'demo-partner',
  aud: 'http://localhost:3000/oauth2/token',
  jti: `jti-${(assertions += 1)}`,
  exp: nowSeconds + 300,
  ...change,
});
const signed = (payload: JWTPayload, { alg = 'ES384', kid = 'es', key = es384.privateKey } = {}): Promise<string> =>
  new SignJWT(payload).setProtectedHeader({ alg, kid }).sign(key);

/** Introspection needs only a client, so its status says who was authenticated. */
const start = () => {
  const test = gateway();
  const over = test.reconfigured(withPartner('demo-partner', { clientAuthentication: ['private_key_jwt'], jwks }));
  return {
    ...test,
    ask: (assertion: string, form: Record<string, string> = {}) =>
      over.introspect({ token: 'x', client_assertion: assertion, client_assertion_type: type, ...form }, {}),
  };
};

describe('private_key_jwt', () => {
  it('is accepted with ES384 and RS384, with one write', async () => {
    const { ask, dynamo } = start();

    const responses = [
      await ask(await signed(claims())),
      await ask(await signed(claims(), { alg: 'RS384', kid: 'rs', key: rs384.privateKey })),
    ];

    expect(responses.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    expect(dynamo.calls()).toEqual(['PutItem', 'PutItem']);
  });

  it('may be meant for the token endpoint, for the issuer of a payer’s facade, or for several of these', async () => {
    const { ask } = start();
    const issuer = 'http://localhost:3000/r4/northwind';

    for (const aud of [issuer, [issuer], ['http://localhost:3000/oauth2/token', issuer, issuer]]) {
      expect((await ask(await signed(claims({ aud })))).statusCode).toBe(200);
    }
  });

  it('may come with the same client_id in the form, but with no other', async () => {
    const { ask } = start();

    expect((await ask(await signed(claims()), { client_id: 'demo-partner' })).statusCode).toBe(200);
    expect(bodyOf(await ask(await signed(claims()), { client_id: 'demo-app' })).error).toBe('invalid_request');
  });

  it.each([
    ['a clock 120 s behind', { iat: nowSeconds - 120, nbf: nowSeconds - 120, exp: nowSeconds - 120 + 300 }],
    ['a clock 120 s ahead', { iat: nowSeconds + 120, nbf: nowSeconds + 120, exp: nowSeconds + 120 + 300 }],
    ['a clock 119 s behind and no lifetime', { exp: nowSeconds - 119 }],
  ])('works from a partner with %s', async (_, times) => {
    const { ask } = start();

    expect((await ask(await signed(claims(times)))).statusCode).toBe(200);
  });

  const foreign = 'The client assertion: aud must be http://localhost:3000/oauth2/token.';
  const ours = 'http://localhost:3000/oauth2/token';
  const shared = 'The client assertion: aud names another server too, which could present it here; make one for each.';
  const badJti = 'The client assertion: jti must be text of up to 1000 characters.';
  const noSubject = 'The client assertion: sub is missing or not text; iss and sub must be your client_id.';
  const otherIssuer = 'The client assertion: iss differs from sub; both must be your client_id.';
  it.each<[string, JWTPayload, string]>([
    ['that expired', { exp: nowSeconds - 120 }, 'The client assertion: exp has passed.'],
    ['that lives too long', { exp: nowSeconds + 421 }, 'The client assertion: exp is more than five minutes ahead.'],
    ['for another audience', { aud: 'https://evil.example/oauth2/token' }, foreign],
    ['for a host that begins like ours', { aud: 'http://localhost:3000.evil.example/r4/x' }, foreign],
    ['for an audience that is not a string', { aud: [5] as unknown as string[] }, foreign],
    ['for an audience that is null', { aud: null as unknown as string }, foreign],
    ['for another audience beside ours', { aud: [ours, 'https://other.example/oauth2/token'] }, shared],
    ['for another audience before ours', { aud: ['https://other.example/oauth2/token', ours] }, shared],
    ['for an audience beside ours that is not a string', { aud: [ours, { a: 1 }] as unknown as string[] }, shared],
    ['for no audience of a list', { aud: [] }, foreign],
    ['without an audience', { aud: undefined }, 'The client assertion: aud is missing.'],
    ['without a jti', { jti: undefined }, 'The client assertion: jti is missing.'],
    ['with an empty jti', { jti: '' }, badJti],
    ['with a huge jti', { jti: 'x'.repeat(1001) }, badJti],
    ['whose jti is an object', { jti: { toString: 'not a function' } as unknown as string }, badJti],
    ['whose jti is a number', { jti: 7 as unknown as string }, badJti],
    ['without an end', { exp: undefined }, 'The client assertion: exp is missing.'],
    ['whose end is text', { exp: '9' as unknown as number }, 'The client assertion: exp must be a number of seconds.'],
    ['of later', { nbf: nowSeconds + 121 }, 'The client assertion: nbf has not come yet.'],
    ['without an issuer', { iss: undefined }, 'The client assertion: iss is missing; both must be your client_id.'],
    ['of another issuer', { iss: 'demo-app' }, otherIssuer],
    ['about another client', { sub: 'demo-app' }, otherIssuer],
    ['about nobody', { sub: undefined }, noSubject],
    ['about a number', { sub: 7 as unknown as string }, noSubject],
  ])('is refused when it is one %s, and the log says why', async (_, change, description) => {
    const { ask, dynamo, lines } = start();

    const response = await ask(await signed(claims(change)));

    expect(response.statusCode).toBe(401);
    expect(bodyOf(response)).toEqual({ error: 'invalid_client', error_description: description });
    expect(JSON.parse(lines.join())).toMatchObject({ detail: description });
    expect(dynamo.calls()).toEqual([]);
  });

  const unproven =
    'Unknown client, or client authentication failed. Check that sub is your client_id, that you are registered for ' +
    'private_key_jwt, and that your key of this kid made the signature.';
  const otherAlgorithm = 'The client assertion: alg must be RS384 or ES384.';
  const notJwt = 'The client assertion: it is not a JWT.';
  const extended = 'The client assertion: crit is there, but no extension is known here.';
  const notEncoded = 'The client assertion: b64 must not be there, or be true.';
  const byHmac = (payload: JWTPayload) =>
    new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32));
  const headed = async (header: string, payload: JWTPayload) =>
    `${Buffer.from(header).toString('base64url')}.${(await byHmac(payload)).split('.')[1]}.`;
  it.each<[string, string, (payload: JWTPayload) => Promise<string> | string]>([
    ['signed by another key', unproven, (payload) => signed(payload, { key: stranger.privateKey })],
    ['with the kid of no key', unproven, (payload) => signed(payload, { kid: 'rotated' })],
    [
      'without a kid, by one of two',
      `${unproven} The header has no kid.`,
      (payload) => new SignJWT(payload).setProtectedHeader({ alg: 'ES384' }).sign(stranger.privateKey),
    ],
    ['an HMAC', otherAlgorithm, byHmac],
    ['with alg none', otherAlgorithm, (payload) => headed('{"alg":"none"}', payload)],
    ['with an extension', extended, (payload) => headed('{"alg":"ES384","crit":["b64"],"b64":true}', payload)],
    ['whose payload is not encoded', notEncoded, (payload) => headed('{"alg":"ES384","b64":false}', payload)],
    ['whose header is a list', notJwt, (payload) => headed('[]', payload)],
    ['whose header is no JSON', notJwt, (payload) => headed('x', payload)],
    ['whose issuer is another', otherIssuer, (payload) => signed({ ...payload, iss: 'x' })],
    ['no JWT', notJwt, () => 'no.jwt'],
    ['one word', notJwt, () => 'x'],
  ])('is refused when it is %s, and the answer does not tell whether there is such a client', async (_, says, make) => {
    const { ask } = start();

    // One that is registered so, one registered otherwise, and one that is not here.
    for (const id of ['demo-partner', 'demo-app', 'nobody']) {
      const response = await ask(await make(claims({ iss: id, sub: id })));
      expect([response.statusCode, bodyOf(response)]).toEqual([
        401,
        { error: 'invalid_client', error_description: says },
      ]);
      const named = await ask(await make(claims({ iss: id, sub: id })), { client_id: id });
      expect(bodyOf(named)).toEqual(bodyOf(response));
    }
  });

  it('that nothing is wrong with tells nobody else whether there is such a client', async () => {
    const { ask } = start();

    for (const id of ['demo-app', 'nobody']) {
      expect(bodyOf(await ask(await signed(claims({ iss: id, sub: id })))).error_description).toBe(unproven);
    }
  });

  it('works once: a replayed jti is refused, even after its expiry within the clock tolerance', async () => {
    const { ask, passSeconds } = start();
    const assertion = await signed(claims());

    const first = await ask(assertion);
    const replay = await ask(assertion);
    passSeconds(419);
    const late = await ask(assertion);
    passSeconds(1);
    const expired = await ask(assertion);

    expect([first, replay, late, expired].map(({ statusCode }) => statusCode)).toEqual([200, 401, 401, 401]);
    expect(bodyOf(replay).error_description).toContain('used before');
    expect(bodyOf(late).error_description).toContain('used before');
    expect(bodyOf(expired).error_description).toContain('exp has passed');
  });

  it('is not accepted while its jti cannot be written: 503', async () => {
    const { ask, dynamo } = start();
    dynamo.failNext('PutItem', throttled());

    const response = await ask(await signed(claims()));

    expect(response.statusCode).toBe(503);
    expect(response.headers['Retry-After']).toBe('5');
  });

  it('leaves only a hash of its jti in the table, under a key that no grant can have', async () => {
    const { ask, dynamo } = start();

    await ask(await signed(claims({ jti: 'canary-jti' })));

    const [[key, item] = []] = [...dynamo.items('Grants')];
    expect(key).toMatch(/^jti\.[\w-]{43}$/);
    expect(JSON.stringify(item)).not.toContain('canary-jti');
    expect(item?.['expiresAt']).toEqual({ N: String(nowSeconds + 300 + 121) });
  });

  it('needs its client_assertion_type, and the type needs an assertion', async () => {
    const { ask } = start();

    const responses = [
      await ask(await signed(claims()), { client_assertion_type: 'other' }),
      await ask(await signed(claims()), { client_assertion_type: '' }),
      await ask(''),
    ];

    for (const response of responses) {
      expect(response.statusCode).toBe(400);
      expect(bodyOf(response)).toEqual({
        error: 'invalid_request',
        error_description: `client_assertion needs client_assertion_type=${type}.`,
      });
    }
  });
});
