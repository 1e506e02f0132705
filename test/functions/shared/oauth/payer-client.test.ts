import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, jwtVerify } from 'jose';
import { localStage } from '../../../../config/local.ts';
import type { Payer } from '../../../../config/stage.ts';
import { exchangeCode, refreshAtPayer, revokeAtPayer } from '../../../../functions/shared/oauth/payer-client.ts';
import { startMs, testDeps } from '../../../support/gateway.ts';
import { es384Jwk, formOf, northwindTokens } from '../../../support/login.ts';

const [oneUp, northwind] = localStage().payers as [Payer, Payer];
const key = es384Jwk('northwind-local-1');
const nowSeconds = startMs / 1000;
const grant = { code: 'payer-code', redirectUri: 'http://localhost:3000/oauth2/callback/x', verifier: 'v'.repeat(43) };

const start = (answer: () => Response = () => Response.json(northwindTokens)) => {
  const test = testDeps();
  test.secrets['northwind'] = { private_key_jwk: key.privateJwk };
  test.payer.http = async () => answer();
  const form = (index = 0) => formOf(test.payer.requests[index]?.init);
  const headers = (index = 0) => new Headers(test.payer.requests[index]?.init?.headers);
  return { ...test, form, headers };
};

describe('what a payer may leave out or spell its own way', () => {
  it.each<[string, object, object]>([
    ['no token_type', { token_type: undefined }, {}],
    ['token_type null', { token_type: null }, {}],
    ['token_type bearer', { token_type: 'bearer' }, {}],
    ['expires_in as a string', { expires_in: '300' }, {}],
    ['expires_in with a fraction', { expires_in: 300.9 }, {}],
    ['no expires_in', { expires_in: undefined }, { expiresAt: undefined }],
    ['expires_in null', { expires_in: null }, { expiresAt: undefined }],
    ['no refresh_token', { refresh_token: undefined }, { refreshToken: undefined }],
    ['refresh_token null', { refresh_token: null }, { refreshToken: undefined }],
    ['an id_token of another issuer', { id_token: 'eyJhbGciOiJub25lIn0.e30.' }, {}],
    ['an id_token that is none', { id_token: 5 }, {}],
  ])('%s is taken', async (_, change, expected) => {
    const { deps } = start(() => Response.json({ ...northwindTokens, ...change }));

    const { tokens } = await exchangeCode(deps, northwind, grant);

    const all = {
      accessToken: 'payer-access-token',
      refreshToken: 'payer-refresh-token',
      expiresAt: nowSeconds + 300,
      ...expected,
    };
    expect(tokens).toEqual(JSON.parse(JSON.stringify(all)));
  });

  it.each([[5], [''], [null], [{ id: 'x' }]])('a patient %j is no patient', async (patient) => {
    const { deps } = start(() => Response.json({ ...northwindTokens, patient }));

    expect((await exchangeCode(deps, northwind, grant)).patient).toBeUndefined();
  });

  it('the content type of JSON, in words', async () => {
    const { deps } = start(
      () => new Response(JSON.stringify(northwindTokens), { headers: { 'Content-Type': 'text/plain' } }),
    );

    expect((await exchangeCode(deps, northwind, grant)).patient).toBe('patient-1');
  });

  it('a new refresh token: the old one is kept', async () => {
    const { deps } = start(() => Response.json({ access_token: 'new', expires_in: 60 }));

    expect(await refreshAtPayer(deps, northwind, 'old-refresh-token')).toEqual({
      accessToken: 'new',
      refreshToken: 'old-refresh-token',
      expiresAt: nowSeconds + 60,
    });
  });
});

describe('the gateway as a payer’s client', () => {
  it('signs with its key, for the token endpoint, so that a payer’s clock may be off by 120 s', async () => {
    const { deps, form } = start();

    await exchangeCode(deps, northwind, grant);

    const assertion = form().get('client_assertion') ?? '';
    expect(decodeProtectedHeader(assertion)).toMatchObject({ alg: 'ES384', kid: 'northwind-local-1' });
    expect(decodeJwt(assertion)).toMatchObject({
      iss: 'gateway-at-northwind',
      sub: 'gateway-at-northwind',
      aud: northwind.tokenEndpoint,
      jti: expect.any(String),
    });
    const publicKey = await importJWK(key.publicJwk, 'ES384');
    for (const offSeconds of [-120, 120]) {
      const currentDate = new Date(startMs + offSeconds * 1000);
      await expect(
        jwtVerify(assertion, publicKey, { currentDate, clockTolerance: 0, maxTokenAge: 300 }),
      ).resolves.toBeDefined();
    }
  });

  it('signs with an RS384 key too, and without a kid where there is none', async () => {
    const { deps, form, secrets } = start();
    const { privateKey } = await generateKeyPair('RS384', { extractable: true });
    secrets['northwind'] = { private_key_jwk: { ...(await exportJWK(privateKey)), alg: 'RS384' } };

    await exchangeCode(deps, northwind, grant);

    const header = decodeProtectedHeader(form().get('client_assertion') ?? '');
    expect(header.alg).toBe('RS384');
    expect(header.kid).toBeUndefined();
  });

  it('takes an EC key that does not name its algorithm', async () => {
    const { deps, secrets } = start();
    const { alg: _alg, ...jwk } = key.privateJwk;
    secrets['northwind'] = { private_key_jwk: jwk };

    await expect(exchangeCode(deps, northwind, grant)).resolves.toBeDefined();
  });

  it('form-encodes its secret within Basic', async () => {
    const { deps, headers, form, secrets } = start();
    secrets['demo-health-plan'] = { client_secret: 'a secret/with:all' };

    await exchangeCode(deps, { ...oneUp, clientAuthentication: 'client_secret_basic' }, grant);

    const pair = Buffer.from(headers().get('authorization')?.slice(6) ?? '', 'base64').toString('utf8');
    expect(pair).toBe('gateway%2Dat%2Ddemo%2Dhealth%2Dplan:a+secret%2Fwith%3Aall');
    expect(form().has('client_secret')).toBe(false);
  });

  it.each([
    ['a secret where a key is wanted', { client_secret: 'canary' }, northwind],
    ['a key where a secret is wanted', { private_key_jwk: key.privateJwk }, { ...oneUp, id: 'northwind' }],
    ['a key that is none', { private_key_jwk: { kty: 'EC', crv: 'P-384', d: 'canary' } }, northwind],
    ['a symmetric key', { private_key_jwk: { kty: 'oct', k: 'Y2FuYXJ5', alg: 'HS256' } }, northwind],
  ])('sends nothing with %s', async (_, secret, payer) => {
    const { deps, secrets, payer: asked } = start();
    secrets['northwind'] = secret;

    const exchanging = exchangeCode(deps, payer, grant);

    await expect(exchanging).rejects.toMatchObject({
      failure: 'invalid_client',
      detail: expect.not.stringContaining('canary'),
    });
    expect(asked.requests).toEqual([]);
  });
});

describe('a payer’s refusal', () => {
  it.each([
    ['invalid_grant', 400, { error: 'invalid_grant', error_description: 'canary' }, 'invalid_grant', 1],
    ['invalid_client', 401, { error: 'invalid_client' }, 'invalid_client', 2],
    ['invalid_request', 400, { error: 'invalid_request' }, 'nonsense', 1],
    ['an error without a code', 400, { message: 'canary' }, 'nonsense', 1],
    ['an error code that is no string', 400, { error: { code: 1 } }, 'nonsense', 1],
  ])('%s is kept apart from the others', async (_, status, body, failure, calls) => {
    const { deps, payer } = start(() => Response.json(body, { status }));

    const exchanging = exchangeCode(deps, northwind, grant);

    await expect(exchanging).rejects.toMatchObject({ failure, detail: expect.not.stringContaining('canary') });
    expect(payer.requests).toHaveLength(calls);
  });

  it('401 without JSON, with a challenge or not, is about the client', async () => {
    const { deps, payer } = start(() => new Response('', { status: 401, headers: { 'WWW-Authenticate': 'Basic' } }));

    await expect(exchangeCode(deps, northwind, grant)).rejects.toMatchObject({ failure: 'invalid_client' });
    expect(payer.requests).toHaveLength(2);
  });

  it('408 is a payer that is not available', async () => {
    const { deps } = start(() => new Response('', { status: 408 }));

    await expect(exchangeCode(deps, northwind, grant)).rejects.toMatchObject({ failure: 'unavailable' });
  });
});

describe('revoking at a payer', () => {
  const tokens = { accessToken: 'a' };

  it('says whether the payer took it, and never throws', async () => {
    const took = start(() => new Response(null, { status: 200 }));
    const tookWithJson = start(() => Response.json({}));
    const refused = start(() => Response.json({ error: 'unsupported_token_type' }, { status: 400 }));
    const down = start(() => new Response('', { status: 503 }));

    expect(await revokeAtPayer(took.deps, northwind, tokens)).toBe(true);
    expect(await revokeAtPayer(tookWithJson.deps, northwind, tokens)).toBe(true);
    expect(await revokeAtPayer(refused.deps, northwind, tokens)).toBe(false);
    expect(await revokeAtPayer(down.deps, northwind, tokens)).toBe(false);
    expect(await revokeAtPayer(down.deps, oneUp, tokens)).toBe(false);
    expect(took.form().get('token')).toBe('a');
  });
});
