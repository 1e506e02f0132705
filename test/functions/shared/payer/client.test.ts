import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, jwtVerify } from 'jose';
import { localStage } from '../../../../config/local.ts';
import {
  payerHttpFailure,
  redeemAtPayer,
  refreshAtPayer,
  revokeAtPayer,
} from '../../../../functions/shared/payer/client.ts';
import { UnusableAnswer } from '../../../../functions/shared/payer/decode-body.ts';
import { PayerError, type PayerFailure } from '../../../../functions/shared/payer/errors.ts';
import type { Payer } from '../../../../functions/shared/registry/types.ts';
import { writeScopes } from '../../../../functions/shared/scopes/scopes.ts';
import { startMs, testDeps } from '../../../support/gateway.ts';
import { es384Jwk, formOf, northwindTokens } from '../../../support/login.ts';

const [oneUp, northwind] = localStage().payers as [Payer, Payer];
const key = es384Jwk('northwind-local-1');
const nowSeconds = startMs / 1000;
const grant = { code: 'payer-code', redirectUri: 'http://localhost:3000/oauth2/callback/x', verifier: 'v'.repeat(43) };

const old = { accessToken: 'old-access-token', refreshToken: 'old-refresh-token', expiresAt: nowSeconds + 9 };

const start = (answer: () => Response = () => Response.json(northwindTokens)) => {
  const test = testDeps();
  test.secrets['northwind'] = { private_key_jwk: key.privateJwk };
  test.payer.http = async () => answer();
  const form = (index = 0) => formOf(test.payer.requests[index]?.init);
  const headers = (index = 0) => new Headers(test.payer.requests[index]?.init?.headers);
  return { ...test, form, headers };
};

/** A changed token answer, and how the stored result differs. */
const shapes: readonly (readonly [what: string, change: object, expected: object])[] = [
  ['no token_type', { token_type: undefined }, {}],
  ['token_type null', { token_type: null }, {}],
  ['token_type bearer', { token_type: 'bearer' }, {}],
  ['token_type BearerToken', { token_type: 'BearerToken' }, {}],
  ['a token_type that is a number', { token_type: 5 }, {}],
  ['a token_type that is empty', { token_type: '' }, {}],
  ['expires_in as a string', { expires_in: '300' }, {}],
  ['expires_in with a fraction', { expires_in: 300.9 }, {}],
  ['expires_in of 366 days', { expires_in: 366 * 86_400 }, { expiresAt: nowSeconds + 366 * 86_400 }],
  ['expires_in of 1', { expires_in: 1 }, { expiresAt: nowSeconds + 1 }],
  ['no expires_in', { expires_in: undefined }, { expiresAt: undefined }],
  ...[null, -1, 0, 0.5, 1e99, 366 * 86_400 + 1, 'never', '', '-1', '1e3', ' ', {}, [300], true].map(
    (life) => [`expires_in ${JSON.stringify(life)}`, { expires_in: life }, { expiresAt: undefined }] as const,
  ),
  ...[undefined, null, '', ' ', 5, {}, ['x'], true].map(
    (token) =>
      [`refresh_token ${JSON.stringify(token)}`, { refresh_token: token }, { refreshToken: undefined }] as const,
  ),
  ['an id_token of another issuer', { id_token: 'eyJhbGciOiJub25lIn0.e30.' }, {}],
  ['a malformed id_token', { id_token: 5 }, {}],
  ['an id_token that is empty', { id_token: '' }, {}],
  ['an error beside the tokens', { error: 'canary', error_description: 5 }, {}],
  ['malformed authorization_details', { authorization_details: 'x' }, {}],
];

describe('what a payer may omit or spell differently', () => {
  it.each(shapes)('%s is accepted, at a refresh too, where the old refresh token is kept', async (...shape) => {
    const [, change, expected] = shape;
    const { deps } = start(() => Response.json({ ...northwindTokens, ...change }));

    const exchanged = await redeemAtPayer(deps, northwind, grant);
    const refreshed = await refreshAtPayer(deps, northwind, old);

    const usual = {
      accessToken: 'payer-access-token',
      refreshToken: 'payer-refresh-token',
      expiresAt: nowSeconds + 300,
    };
    const whole: { refreshToken?: string } = { ...usual, ...expected };
    const defined = (value: object): unknown => JSON.parse(JSON.stringify(value));
    expect(exchanged.tokens).toEqual(defined(whole));
    expect(refreshed.tokens).toEqual(defined({ ...whole, refreshToken: whole.refreshToken ?? 'old-refresh-token' }));
    expect(refreshed.problem).toBeUndefined();
  });

  it.each<[unknown, string | undefined]>([
    ['patient/*.rs openid', 'patient/*.rs openid'],
    [['patient/*.rs', 'openid'], 'patient/*.rs openid'],
    [['patient/*.rs', 5, null], 'patient/*.rs not a text'],
    [[], ''],
    [[5], 'not a text'],
    // As payers are known to answer, Centene first.
    ['Patient/*.read launch/patient offline_access', 'patient/*.read launch/patient offline_access'],
    ['patient/patient.read USER/EXPLANATIONOFBENEFIT.RS', 'patient/Patient.read user/ExplanationOfBenefit.rs'],
    ['openid,patient/*.read, patient/Claim.r', 'openid patient/*.read patient/Claim.r'],
    ['patient%2F*.read+launch%2fpatient', 'patient/*.read launch/patient'],
    ['patient%2F%ZZ.read', 'patient%2F%ZZ.read'],
    ['my-patient/Observation.RS', 'my-patient/Observation.RS'],
    ['Patient.read Patient.search Claim.Read', 'patient/Patient.r patient/Patient.s patient/Claim.r'],
    ['patient.read Claims.read Claim.write Claim.reads', 'patient.read Claims.read Claim.write Claim.reads'],
    // What follows a comma in a filter is the filter's: read as a scope, it could grant more than the payer did.
    ['patient/Claim.rs?status=a,patient/Claim.rs', 'patient/Claim.rs?status=a,patient/Claim.rs'],
    ['?status=a,patient/Claim.rs', '?status=a,patient/Claim.rs'],
    ['patient/Claim.r,patient/Goal.rs?a=b,c', 'patient/Claim.r patient/Goal.rs?a=b,c'],
    [
      'openid, patient/Goal.rs?a=b, Patient/claim.r,user/Goal.r?c=d,',
      'openid patient/Goal.rs?a=b patient/Claim.r user/Goal.r?c=d',
    ],
    [',patient/Goal.rs?a=b,c?d', 'patient/Goal.rs?a=b,c?d'],
    ['patient%2FClaim.r%2Cpatient%2FGoal.rs%3Fa=b', 'patient/Claim.r patient/Goal.rs?a=b'],
    ['patient/Claim.rs?status=a%2Cb', 'patient/Claim.rs?status=a%2Cb'],
    [['patient/Claim.r,Patient/claim.r'], 'patient/Claim.r'],
    ['', ''],
    [' ', ''],
    [null, undefined],
    [5, 'not a text'],
    [{ 'patient/*.rs': true }, 'not a text'],
    [['openid', { resource: 'Observation' }, ['patient/Claim.r'], null], 'openid not a text'],
    [[], ''],
    [undefined, undefined],
  ])('a scope %j is read as %j', async (scope, expected) => {
    const { deps } = start(() => Response.json({ ...northwindTokens, scope }));

    const { scope: read } = await redeemAtPayer(deps, northwind, grant);
    expect(read && writeScopes(read)).toBe(expected);
  });

  it.each([
    [{ scp: ['patient/Claim.r', 'openid'] }, 'patient/Claim.r openid'],
    [{ scopes: 'patient/Claim.r' }, 'patient/Claim.r'],
    [{ scope: null, scp: 'patient/Claim.r' }, 'patient/Claim.r'],
    [{ scope: '', scp: 'patient/Claim.r' }, 'scp:patient/Claim.r'],
    [
      { scope: 'openid', scp: ['openid', 'patient/Claim.r'], scopes: [5] },
      'openid scp:patient/Claim.r scopes:not a text',
    ],
    [{ scope: 'openid', scp: ['openid'], scopes: null }, 'openid'],
    [{ scope: 'patient/*.rs', scopes: 'patient/Claim.r' }, 'patient/*.rs scopes:patient/Claim.r'],
    [{ scp: null, scopes: [] }, ''],
  ])('a scope in %j is read as %j', async (members, expected) => {
    const { scope: _, ...tokens } = northwindTokens;
    const { deps } = start(() => Response.json({ ...tokens, ...members }));

    expect(writeScopes((await redeemAtPayer(deps, northwind, grant)).scope ?? [])).toBe(expected);
  });

  it('a line break at the end of a token is no part of it (RFC 6749 §A.12, §A.17)', async () => {
    const { deps } = start(() =>
      Response.json({ ...northwindTokens, access_token: 'access\r\n', refresh_token: '\trefresh\n' }),
    );
    const expected = { accessToken: 'access', refreshToken: 'refresh' };

    expect((await redeemAtPayer(deps, northwind, grant)).tokens).toMatchObject(expected);
    expect(await refreshAtPayer(deps, northwind, old)).toMatchObject({ tokens: expected, problem: undefined });
  });

  it('120,000 line breaks in a token, which may be all of it, take no time', async () => {
    const breaks = '\n'.repeat(60_000);
    for (const [access_token, refresh_token] of [
      ['access', `a${breaks}${breaks}b`],
      [`${breaks}access${breaks}`, 'refresh'],
      [breaks + breaks, 'refresh'],
    ]) {
      const { deps } = start(() => Response.json({ ...northwindTokens, access_token, refresh_token }));
      const before = process.cpuUsage();

      await redeemAtPayer(deps, northwind, grant).catch((error: unknown) => error);

      const { user } = process.cpuUsage(before);
      expect(user / 1e6).toBeLessThan(1);
    }
  });

  const text = JSON.stringify(northwindTokens);
  it.each<[string, () => Response]>([
    ['another content type', () => new Response(text, { headers: { 'Content-Type': 'text/plain' } })],
    ['no content type', () => new Response(Buffer.from(text))],
    ['a byte order mark', () => new Response(`\uFEFF${text}`)],
    ['status 201', () => new Response(text, { status: 201 })],
    ['blanks around', () => new Response(`\r\n ${text}\n`)],
    [
      'a member twice that decides nothing',
      () => new Response(text.replace('{', '{"expires_in":5,"more":{},"more":[],')),
    ],
    ['names of JavaScript’s own', () => new Response(text.replace('{', '{"__proto__":{"patient":"x"},"toString":1,'))],
    [
      'more depth than a stack has',
      () => new Response(text.replace('{', `{"x":${'['.repeat(90_000)}${']'.repeat(90_000)},`)),
    ],
    [
      'the form of a form',
      () => new Response(new URLSearchParams(northwindTokens as unknown as Record<string, string>).toString()),
    ],
  ])('an answer with %s is read', async (_, answer) => {
    const { deps } = start(answer);

    const { tokens, patient } = await redeemAtPayer(deps, northwind, grant);

    expect([tokens.accessToken, tokens.refreshToken, patient]).toEqual([
      'payer-access-token',
      'payer-refresh-token',
      'patient-1',
    ]);
  });

  it('an answer of 256 KiB, and no more', async () => {
    const answer = JSON.stringify({ ...northwindTokens, more: '' });
    const { deps } = start(() => new Response(answer.replace('""', `"${'x'.repeat(256 * 1024 - answer.length)}"`)));

    expect((await redeemAtPayer(deps, northwind, grant)).patient).toBe('patient-1');
  });

  it('a new refresh token: the old one, which was sent, is kept', async () => {
    const { deps, form } = start(() => Response.json({ access_token: 'new', expires_in: 60 }));

    expect((await refreshAtPayer(deps, northwind, old)).tokens).toEqual({
      accessToken: 'new',
      refreshToken: 'old-refresh-token',
      expiresAt: nowSeconds + 60,
    });
    expect([form().get('grant_type'), form().get('refresh_token')]).toEqual(['refresh_token', 'old-refresh-token']);
  });
});

describe('an access token that cannot be used', () => {
  const missing = 'the token answer has no access_token';
  const unsendable = 'the access_token has characters that no header can carry';
  const bound = 'the token answer has a token_type that needs more than the token';
  const unusable: readonly (readonly [what: string, change: object, detail: string])[] = [
    ['that is missing', { access_token: undefined }, missing],
    ['that is empty', { access_token: '' }, missing],
    ['that is a number', { access_token: 5 }, missing],
    ['that is an object', { access_token: { value: 'x' } }, missing],
    ['with a blank', { access_token: 'a b' }, unsendable],
    ['with a line break', { access_token: 'a\r\nX: y' }, unsendable],
    ['with a letter beyond ASCII', { access_token: 'é' }, unsendable],
    ['with a null', { access_token: 'a\0' }, unsendable],
    ['of 32,769 characters', { access_token: 'a'.repeat(32_769) }, 'the access_token is over 32768 characters'],
    ['of type DPoP', { token_type: 'DPoP' }, bound],
    ['of type mac', { token_type: 'mac ' }, bound],
    ['of type pop', { token_type: 'PoP' }, bound],
  ];

  it.each(unusable)('%s ends a login, and the refresh token beside it is revoked', async (_, change, detail) => {
    const { deps, payer, form } = start(() => Response.json({ ...northwindTokens, ...change }));

    await expect(redeemAtPayer(deps, northwind, grant)).rejects.toMatchObject({ failure: 'nonsense', detail });
    expect(payer.requests.map(({ url }) => url)).toEqual([northwind.tokenEndpoint, northwind.revocationEndpoint]);
    expect(form(1).get('token')).toBe('payer-refresh-token');
  });

  it.each(unusable)('%s still gives a refreshed grant the new refresh token, or fails', async (_, change, detail) => {
    const test = start(() => Response.json({ ...northwindTokens, ...change }));
    const without = start(() => Response.json({ ...northwindTokens, refresh_token: '', ...change }));

    const { tokens, problem } = await refreshAtPayer(test.deps, northwind, old);

    // The old one may be spent.
    expect(tokens).toEqual({ ...old, refreshToken: 'payer-refresh-token' });
    expect(problem).toMatchObject({ failure: 'nonsense', detail });
    await expect(refreshAtPayer(without.deps, northwind, old)).rejects.toMatchObject({ failure: 'nonsense', detail });
    expect(without.payer.requests).toHaveLength(1);
  });

  it('without a refresh token beside it leaves nothing to revoke', async () => {
    const { deps, payer } = start(() => Response.json({ ...northwindTokens, refresh_token: '', access_token: '' }));

    await expect(redeemAtPayer(deps, northwind, grant)).rejects.toMatchObject({ failure: 'nonsense', detail: missing });
    expect(payer.requests.map(({ url }) => url)).toEqual([northwind.tokenEndpoint]);
  });

  it('does not include one of 32,768 characters, and a refresh token may be as long', async () => {
    const longest = '~'.repeat(32_768);
    const { deps } = start(() => Response.json({ ...northwindTokens, access_token: longest, refresh_token: longest }));

    expect((await redeemAtPayer(deps, northwind, grant)).tokens).toMatchObject({
      accessToken: longest,
      refreshToken: longest,
    });
  });
});

describe('a refresh token that is too long to keep', () => {
  const tooLong = '~'.repeat(32_769);
  const detail = 'the refresh_token is over 32768 characters';
  const answers = () => Response.json({ ...northwindTokens, refresh_token: tooLong });

  it('ends a login, and is revoked', async () => {
    const { deps, form } = start(answers);

    await expect(redeemAtPayer(deps, northwind, grant)).rejects.toMatchObject({ failure: 'nonsense', detail });
    expect(form(1).get('token')).toBe(tooLong);
  });

  it('fails a refresh, which changes nothing', async () => {
    const { deps, payer } = start(answers);

    await expect(refreshAtPayer(deps, northwind, old)).rejects.toMatchObject({ failure: 'nonsense', detail });
    expect(payer.requests).toHaveLength(1);
  });
});

describe('the gateway as a payer’s client', () => {
  it('signs with its key, for the token endpoint, so that a payer’s clock may be off by 120 s', async () => {
    const { deps, form } = start();

    await redeemAtPayer(deps, northwind, grant);

    const assertion = form().get('client_assertion') ?? '';
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'ES384', kid: 'northwind-local-1', typ: 'JWT' });
    expect(decodeJwt(assertion)).toMatchObject({
      iss: 'gateway-at-northwind',
      sub: 'gateway-at-northwind',
      aud: northwind.tokenEndpoint,
      jti: expect.any(String),
    });
    const publicKey = await importJWK(key.publicJwk, 'ES384');
    for (const offSeconds of [-120, 120]) {
      const currentDate = new Date(startMs + offSeconds * 1000);
      const { payload } = await jwtVerify(assertion, publicKey, { currentDate, clockTolerance: 0, maxTokenAge: 300 });
      expect(payload.exp).toBeLessThanOrEqual(currentDate.getTime() / 1000 + 300);
    }
  });

  it('signs with an RS384 key too, and without a kid if it has none', async () => {
    const { deps, form, secrets } = start();
    const { privateKey } = await generateKeyPair('RS384', { extractable: true });
    secrets['northwind'] = { private_key_jwk: { ...(await exportJWK(privateKey)), alg: 'RS384' } };

    await redeemAtPayer(deps, northwind, grant);

    const header = decodeProtectedHeader(form().get('client_assertion') ?? '');
    expect(header.alg).toBe('RS384');
    expect(header.kid).toBeUndefined();
  });

  it('accepts an EC key that does not name its algorithm', async () => {
    const { deps, secrets } = start();
    const { alg: _alg, ...jwk } = key.privateJwk;
    secrets['northwind'] = { private_key_jwk: jwk };

    await expect(redeemAtPayer(deps, northwind, grant)).resolves.toBeDefined();
  });

  it('writes its requests as one JSON object where the profile says so', async () => {
    const { deps, payer, headers, secrets } = start();
    secrets['demo-health-plan'] = { client_secret: 'a secret' };
    const tokens = { accessToken: 'payer-access-token', refreshToken: 'payer-refresh-token' };
    const revocationEndpoint = `${oneUp.tokenEndpoint}/revoke`;
    const takesJson: Payer = { ...oneUp, revocationEndpoint, quirks: { ...oneUp.quirks, tokenRequest: 'json' } };

    await redeemAtPayer(deps, takesJson, grant);
    await revokeAtPayer(deps, takesJson, tokens);

    const bodies = payer.requests.map(({ init }) => JSON.parse(init?.body as string) as unknown);
    const client = { client_id: oneUp.clientId, client_secret: 'a secret' };
    expect(bodies).toEqual([
      { grant_type: 'authorization_code', code: 'payer-code', ...client },
      { token: 'payer-refresh-token', ...client },
    ]);
    expect([headers(0), headers(1)].map((sent) => sent.get('content-type'))).toEqual(Array(2).fill('application/json'));
    // The HTTP client's own stays.
    expect([headers(0), headers(1)].map((sent) => sent.get('user-agent'))).toEqual([null, null]);
  });

  it('form-encodes its secret within Basic', async () => {
    const { deps, headers, form, secrets } = start();
    secrets['demo-health-plan'] = { client_secret: 'a secret/with:all' };

    await redeemAtPayer(deps, { ...oneUp, clientAuthentication: 'client_secret_basic' }, grant);

    const pair = Buffer.from(headers().get('authorization')?.slice(6) ?? '', 'base64').toString('utf8');
    expect(pair).toBe('gateway%2Dat%2Ddemo%2Dhealth%2Dplan:a+secret%2Fwith%3Aall');
    expect(form().has('client_secret')).toBe(false);
  });

  const unfit = 'the secret does not fit the client authentication of the profile';
  it.each([
    ['a secret instead of a key', { client_secret: 'canary' }, northwind, unfit],
    ['a key instead of a secret', { private_key_jwk: key.privateJwk }, { ...oneUp, id: 'northwind' }, unfit],
    [
      'a malformed key',
      { private_key_jwk: { kty: 'EC', crv: 'P-384', d: 'canary' } },
      northwind,
      'the private key cannot be used: DataError',
    ],
    [
      'a symmetric key',
      { private_key_jwk: { kty: 'oct', k: 'Y2FuYXJ5', alg: 'HS256' } },
      northwind,
      'the private key is a symmetric one',
    ],
  ])('sends nothing with %s, and the log says why', async (_, secret, payer, detail) => {
    const { deps, secrets, payer: asked } = start();
    secrets['northwind'] = secret;

    const exchanging = redeemAtPayer(deps, payer, grant);

    await expect(exchanging).rejects.toMatchObject({ failure: 'invalid_client', detail });
    expect(asked.requests).toEqual([]);
  });
});

describe('a payer’s failure', () => {
  const json = (status: number, body: unknown) => () => Response.json(body, { status });
  const text = (status: number, body: string | null) => () => new Response(body, { status });
  const challenge = () => new Response('', { status: 401, headers: { 'WWW-Authenticate': 'Basic' } });
  const thrown = (error: Error) => () => {
    throw error;
  };
  const toWait = () => Response.json({ error: 'invalid_client' }, { status: 403, headers: { 'Retry-After': '5' } });
  const slow = Object.assign(new Error('canary'), { name: 'ConnectTimeoutError', code: 'UND_ERR_CONNECT_TIMEOUT' });
  const oauthError = (status: number, failure: string) =>
    `token endpoint answered ${status} with an OAuth error (${failure})`;
  const noObject = (status: number) => `token endpoint answered ${status} without a JSON object`;
  const noError = (status: number) => `token endpoint answered ${status} without an OAuth error`;

  const unlike = noError(400);
  const withWords = json(400, { error: 'canary', error_description: 'canary' });
  const tooLong = text(200, 'x'.repeat(256 * 1024 + 1));
  const late = 'token endpoint: TypeError < ConnectTimeoutError:UND_ERR_CONNECT_TIMEOUT';
  it.each<[string, () => Response, PayerFailure, string]>([
    ['invalid_grant', json(400, { error: 'invalid_grant' }), 'invalid_grant', oauthError(400, 'invalid_grant')],
    ['invalid_client', json(401, { error: 'invalid_client' }), 'invalid_client', oauthError(401, 'invalid_client')],
    ['another code and words', withWords, 'refused', oauthError(400, 'unknown')],
    ['an error without a code', json(400, { message: 'canary' }), 'nonsense', unlike],
    ['an error code that is not a string', json(400, { error: { code: 1 } }), 'nonsense', unlike],
    ...(
      [
        ['unauthorized_client', 'invalid_client'],
        ['unsupported_grant_type', 'nonsense'],
        ['invalid_request', 'refused'],
        ['invalid_scope', 'invalid_scope'],
        ['temporarily_unavailable', 'unavailable'],
        ['server_error', 'unavailable'],
      ] as const
    ).map(([code, failure]): [string, () => Response, PayerFailure, string] => [
      code,
      json(400, { error: code, error_description: 'canary' }),
      failure,
      oauthError(400, code),
    ]),
    // As API gateways and servers that are not OAuth's own write them.
    ...[
      { error: 'INVALID_GRANT' },
      { error: { code: 'invalid_grant', message: 'canary' } },
      { error: { error: 'invalid_grant' } },
      { errors: [{ code: 'invalid_grant' }] },
      { errors: ['invalid_grant'] },
      { error_code: 'invalid_grant' },
      { errorCode: 'invalid_grant' },
      { ErrorCode: 'invalid_grant', Error: 'canary' },
      { error: 'canary', errorCode: 'invalid_grant' },
      { fault: { faultstring: 'canary', detail: { errorcode: 'invalid_grant' } } },
    ].map((body): [string, () => Response, PayerFailure, string] => [
      JSON.stringify(body),
      json(400, body),
      'invalid_grant',
      oauthError(400, 'invalid_grant'),
    ]),
    ['two codes', json(400, { errors: ['invalid_grant', 'server_error'] }), 'nonsense', unlike],
    ['a code that words mention', json(400, { message: 'invalid_grant', fault: 'canary' }), 'nonsense', unlike],
    [
      '200 with an error in another shape',
      json(200, { error: { code: 'server_error' } }),
      'unavailable',
      oauthError(200, 'server_error'),
    ],
    ['401 with a challenge', challenge, 'invalid_client', noObject(401)],
    ['401 with null', text(401, 'null'), 'invalid_client', noObject(401)],
    ['401 with a list', text(401, '[]'), 'invalid_client', noObject(401)],
    ['401 with a number', text(401, '5'), 'invalid_client', noObject(401)],
    ['401 of an API gateway', json(401, { message: 'canary' }), 'invalid_client', noError(401)],
    [
      '401 of an API gateway about the grant',
      json(401, { errorCode: 'invalid_grant' }),
      'invalid_grant',
      oauthError(401, 'invalid_grant'),
    ],
    ['an error as a form', text(400, 'error=invalid_grant'), 'invalid_grant', oauthError(400, 'invalid_grant')],
    ['a form with a member twice', text(200, 'access_token=a&access_token=b'), 'nonsense', noObject(200)],
    ...['access_token', 'patient', 'scope', 'id_token'].map((name): [string, () => Response, PayerFailure, string] => [
      `${name} twice`,
      text(200, `{"access_token":"a",${JSON.stringify(name)}:"b","patient":"c","scope":"","id_token":""}`),
      'nonsense',
      'token endpoint answered 200 with a repeated member',
    ]),
    [
      'an error twice',
      text(400, '{"error":"invalid_request","error":"invalid_grant"}'),
      'nonsense',
      'token endpoint answered 400 with a repeated member',
    ],
    ['a form without a token', text(200, 'a=b'), 'nonsense', noObject(200)],
    ['403 with a time to wait', toWait, 'unavailable', 'token endpoint answered 403'],
    ['200 with HTML', text(200, '<p>canary</p>'), 'nonsense', noObject(200)],
    ['200 with nothing', text(200, null), 'nonsense', noObject(200)],
    ['400 with nothing', text(400, null), 'nonsense', noObject(400)],
    ['a byte over 256 KiB', tooLong, 'nonsense', 'token endpoint: answer over 262144 bytes'],
    ['408', text(408, null), 'unavailable', 'token endpoint answered 408'],
    ['a time-out', thrown(new DOMException('canary', 'TimeoutError')), 'timeout', 'token endpoint: TimeoutError'],
    ['a connection that is not accepted', thrown(new TypeError('canary', { cause: slow })), 'unavailable', late],
  ])(
    '%s is distinguished and named for the log, and retried only if it is about the client',
    async (_, answer, failure, detail) => {
      const { deps, payer } = start(answer);

      await expect(redeemAtPayer(deps, northwind, grant)).rejects.toMatchObject({ failure, detail });
      expect(payer.requests).toHaveLength(failure === 'invalid_client' ? 2 : 1);
    },
  );
});

describe('a call that fails without an HTTP status', () => {
  const named = (name: string, code?: string): Error =>
    Object.assign(new Error('canary'), { name, ...(code === undefined ? {} : { code }) });
  const wrapped = (cause: Error): Error => new TypeError('canary', { cause });

  it.each<[string, Error, PayerFailure, string]>([
    ['in time', new DOMException('canary', 'TimeoutError'), 'timeout', 'TimeoutError'],
    ['because it was given up', new DOMException('canary', 'AbortError'), 'timeout', 'AbortError'],
    ['in a wrapper, in time', wrapped(named('TimeoutError')), 'unavailable', 'TypeError < TimeoutError'],
    ['at a connection that is late', named('Error', 'ETIMEDOUT'), 'unavailable', 'Error:ETIMEDOUT'],
    ['at an address', named('Error', 'ENOTFOUND'), 'unavailable', 'Error:ENOTFOUND'],
    ['at a cut', named('Error', 'ECONNRESET'), 'unavailable', 'Error:ECONNRESET'],
    ['at an error of our own', named('Error', 'ERR_INVALID_ARG_TYPE'), 'unavailable', 'Error:ERR_INVALID_ARG_TYPE'],
    ['at its head', named('Error', 'HPE_INVALID_CONSTANT'), 'nonsense', 'Error:HPE_INVALID_CONSTANT'],
    ['at its head, wrapped', wrapped(named('Error', 'HPE_X')), 'nonsense', 'TypeError < Error:HPE_X'],
    ['at a rule of ours', new UnusableAnswer('UPGRADE'), 'nonsense', 'UnusableAnswer:UPGRADE'],
    ['at its gzip', named('Error', 'Z_DATA_ERROR'), 'nonsense', 'Error:Z_DATA_ERROR'],
    // Node has changed how it names the errors of brotli.
    ['at its br', named('Error', 'ERR__ERROR_FORMAT_CL_SPACE'), 'nonsense', 'Error:ERR__ERROR_FORMAT_CL_SPACE'],
    ['at its br, named fully', named('Error', 'ERR_BROTLI__ERROR_X'), 'nonsense', 'Error:ERR_BROTLI__ERROR_X'],
    ['at its br, named shortly', named('Error', 'ERR_ERROR_X'), 'nonsense', 'Error:ERR_ERROR_X'],
  ])('%s', (_, error, failure, cause) => {
    expect(payerHttpFailure(error, 'FHIR API')).toMatchObject({ failure, detail: `FHIR API: ${cause}` });
  });

  it('keeps what is known of a payer’s failure', () => {
    const known = new PayerError('invalid_grant', 'detail');

    expect(payerHttpFailure(known, 'JWKS')).toBe(known);
  });
});

describe('revoking at a payer', () => {
  const tokens = { accessToken: 'a' };

  it('returns whether the payer accepted it, and never throws', async () => {
    const took = start(() => new Response(null, { status: 200 }));
    const tookWithJson = start(() => Response.json({}));
    const refused = start(() => Response.json({ error: 'unsupported_token_type' }, { status: 400 }));
    const down = start(() => new Response('', { status: 503 }));

    expect(await revokeAtPayer(took.deps, northwind, tokens)).toBe(true);
    expect(await revokeAtPayer(tookWithJson.deps, northwind, tokens)).toBe(true);
    expect(await revokeAtPayer(refused.deps, northwind, tokens)).toBe(false);
    expect(await revokeAtPayer(down.deps, northwind, tokens)).toBe(false);
    expect(took.form().get('token')).toBe('a');
  });

  it('calls nothing and reads no secret if the payer has no revocation endpoint', async () => {
    const { deps, payer } = start();
    const reads: string[] = [];
    const readPayerSecret = (id: string) => {
      reads.push(id);
      return deps.readPayerSecret(id);
    };

    expect(await revokeAtPayer({ ...deps, readPayerSecret }, oneUp, tokens)).toBe(false);
    expect([reads, payer.requests]).toEqual([[], []]);
  });
});
