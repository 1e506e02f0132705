import { createHmac } from 'node:crypto';
import { CompactSign, exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey } from 'jose';
import { verifyIdToken } from '../../../functions/callback/verify-id-token.ts';
import { keyReader } from '../../../functions/shared/payer/key-reader.ts';
import type { Payer } from '../../../functions/shared/registry/types.ts';
import { localData, startMs, testDeps } from '../../support/gateway.ts';

const now = startMs / 1000;
const nonce = 'nonce-of-this-sign-in';
const payer: Payer = {
  ...localData().payers[1]!,
  clientId: 'gateway-7',
  issuer: 'https://id.plan.example',
  patientFrom: 'id_token',
  jwksUri: 'https://id.plan.example/keys',
};

const algorithms = ['RS256', 'PS256', 'ES256', 'ES384'] as const;
type Algorithm = (typeof algorithms)[number];
let pairs: Readonly<Record<Algorithm, { privateKey: CryptoKey; publicKey: CryptoKey }>>;
/** Another's key of the same kind. */
let foreign: CryptoKey;

beforeAll(async () => {
  const made = await Promise.all(algorithms.map((alg) => generateKeyPair(alg, { extractable: true })));
  pairs = Object.fromEntries(algorithms.map((alg, at) => [alg, made[at]])) as typeof pairs;
  foreign = (await generateKeyPair('RS256')).privateKey;
});

const jwkOf = async (alg: Algorithm, kid: string = alg): Promise<Record<string, unknown>> => ({
  ...(await exportJWK(pairs[alg].publicKey)),
  kid,
  alg,
});
const allKeys = async (): Promise<unknown> => ({ keys: await Promise.all(algorithms.map((alg) => jwkOf(alg))) });

const usual = () => ({
  iss: 'https://id.plan.example',
  aud: 'gateway-7',
  sub: 'login-1',
  iat: now - 5,
  exp: now + 300,
  nonce,
  fhirUser: 'https://fhir.plan.example/r4/Patient/7',
});

const sign = (
  claims: Record<string, unknown> = {},
  { alg = 'RS256', kid = alg, key }: { alg?: Algorithm; kid?: string; key?: CryptoKey } = {},
): Promise<string> =>
  new SignJWT(JSON.parse(JSON.stringify({ ...usual(), ...claims })) as Record<string, unknown>)
    .setProtectedHeader({ alg, kid })
    .sign(key ?? pairs[alg].privateKey);

/** A callback function that verifies tokens against what the payer answers at its `jwksUri`. */
const verifier = (answer: () => unknown = allKeys) => {
  const test = testDeps();
  test.payer.http = async () => {
    const said = await answer();
    return said instanceof Response ? said : Response.json(said);
  };
  const readKeys = keyReader(test.deps);
  return {
    ...test,
    verify: (token: unknown, at: Payer = payer) => verifyIdToken(readKeys, at, token, { nonce, now }),
  };
};

const refusal = (detail: string) => ({ failure: 'nonsense', detail: `id_token: ${detail}` });

describe('an id_token is believed', () => {
  it.each(algorithms)('if a key of the payer signed it with %s', async (alg) => {
    expect(await verifier().verify(await sign({}, { alg }))).toMatchObject({ sub: 'login-1', nonce });
  });

  it('if it was issued to several audiences, and to the gateway as the one that asked', async () => {
    const token = await sign({ aud: ['gateway-7', 'another'], azp: 'gateway-7' });

    expect(await verifier().verify(token)).toMatchObject({ azp: 'gateway-7' });
  });

  it('if its only audience, the gateway, stands in a list', async () => {
    expect(await verifier().verify(await sign({ aud: ['gateway-7'] }))).toMatchObject({ aud: ['gateway-7'] });
  });

  it('up to two minutes after its end, since clocks differ', async () => {
    expect(await verifier().verify(await sign({ exp: now - 119 }))).toMatchObject({ exp: now - 119 });
  });
});

describe('an id_token is refused', () => {
  const unsigned = 'ERR_JWT_CLAIM_VALIDATION_FAILED';
  it.each<[string, Record<string, unknown>, string]>([
    ['of another issuer', { iss: 'https://id.other.example' }, unsigned],
    ['of an issuer spelled otherwise', { iss: 'https://id.plan.example/' }, unsigned],
    ['without an issuer', { iss: undefined }, unsigned],
    ['for another client', { aud: 'gateway-8' }, unsigned],
    ['for the FHIR server, such as an access token', { aud: 'https://fhir.plan.example/r4' }, unsigned],
    ['without an audience', { aud: undefined }, unsigned],
    ['that another client asked for', { azp: 'another' }, 'it was issued to another client'],
    ['for several clients, without the one that asked', { aud: ['gateway-7', 'x'] }, 'it was issued to another client'],
    ['that has expired', { exp: now - 121 }, 'ERR_JWT_EXPIRED'],
    ['that never expires', { exp: undefined }, unsigned],
    ['that is not valid yet', { nbf: now + 600 }, unsigned],
    ['without a subject', { sub: undefined }, unsigned],
    ['of another sign-in', { nonce: 'nonce-of-another' }, 'it belongs to another sign-in'],
    ['without a nonce', { nonce: undefined }, 'it belongs to another sign-in'],
  ])('%s', async (_, claims, detail) => {
    await expect(verifier().verify(await sign(claims))).rejects.toMatchObject(refusal(detail));
  });

  it.each<[string, unknown, string]>([
    ['that is missing', undefined, 'the token answer has none'],
    ['that is an object', { iss: 'x' }, 'the token answer has none'],
    ['that is not a JWT', 'x.y', 'ERR_JWS_INVALID'],
    ['of 65,536 characters for its form only', 'x'.repeat(65_536), 'ERR_JWS_INVALID'],
    ['over 65,536 characters', 'x'.repeat(65_537), 'it is over 65536 characters'],
  ])('%s', async (_, token, detail) => {
    await expect(verifier().verify(token)).rejects.toMatchObject(refusal(detail));
  });

  it('without a signature (alg none)', async () => {
    const token = new UnsecuredJWT(usual()).encode();

    await expect(verifier().verify(token)).rejects.toMatchObject({ failure: 'nonsense' });
  });

  it('that a stranger signed with the public key as a shared secret (HS256)', async () => {
    const signed = [{ alg: 'HS256', kid: 'RS256' }, usual()]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const secret = await exportSPKI(pairs.RS256.publicKey);
    const token = `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;

    await expect(verifier().verify(token)).rejects.toMatchObject(refusal('ERR_JOSE_ALG_NOT_ALLOWED'));
  });

  it("that another's key signed under a known name, and its own key in the header changes nothing", async () => {
    const jwk = await exportJWK(pairs.ES256.publicKey);
    const named = await sign({}, { key: foreign });
    const brought = await new SignJWT(usual())
      .setProtectedHeader({ alg: 'ES256', kid: 'brought', jwk, jku: 'https://evil.example/keys' })
      .sign(pairs.ES256.privateKey);
    const onlyRsa = async () => ({ keys: [await jwkOf('RS256')] });
    const { verify, payer: asked } = verifier(onlyRsa);

    await expect(verify(named)).rejects.toMatchObject(refusal('ERR_JWS_SIGNATURE_VERIFICATION_FAILED'));
    await expect(verify(brought)).rejects.toMatchObject(refusal('ERR_JWKS_NO_MATCHING_KEY'));
    expect(new Set(asked.requests.map(({ url }) => url))).toEqual(new Set(['https://id.plan.example/keys']));
  });

  // RFC 7519 §4: names are unique, and readers may take the last of two.
  it.each(['"fhirUser":"Patient/8"', '"act":{"sub":"a","sub":"b"}'])('with a claim twice, as %s', async (claim) => {
    const text = JSON.stringify({ act: {}, ...usual() }).replace('"act":{}', claim);
    const token = await new CompactSign(Buffer.from(text))
      .setProtectedHeader({ alg: 'RS256', kid: 'RS256' })
      .sign(pairs.RS256.privateKey);

    await expect(verifier().verify(token)).rejects.toMatchObject(refusal('an object in it has the same member twice'));
  });

  it('whose claims were changed after it was signed', async () => {
    const [head, , signature] = (await sign()).split('.');
    const claims = Buffer.from(JSON.stringify({ ...usual(), sub: 'login-2' })).toString('base64url');

    await expect(verifier().verify(`${head}.${claims}.${signature}`)).rejects.toMatchObject(
      refusal('ERR_JWS_SIGNATURE_VERIFICATION_FAILED'),
    );
  });

  it('if the profile has no issuer, although the configuration would not allow that', async () => {
    const { issuer: _, ...without } = payer;

    await expect(verifier().verify(await sign(), without)).rejects.toMatchObject(refusal('the profile has no issuer'));
  });

  it('with an RSA key under 2048 bits', async () => {
    const { privateKey, publicKey } = await crypto.subtle.generateKey(
      { name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
      true,
      ['sign', 'verify'],
    );
    const [head, claims] = (await sign({}, { kid: 'short' })).split('.');
    const bytes = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', privateKey, Buffer.from(`${head}.${claims}`));
    const token = `${head}.${claims}.${Buffer.from(bytes).toString('base64url')}`;
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'short', alg: 'RS256' }] };

    await expect(verifier(() => keys).verify(token)).rejects.toMatchObject(refusal('it cannot be verified'));
  });
});

describe("a payer's keys", () => {
  it('are read once for many sign-ins, and again after ten minutes', async () => {
    const { verify, payer: asked, passSeconds } = verifier();
    const token = await sign();

    await verify(token);
    await verify(token);
    passSeconds(599);
    await verify(token);
    expect(asked.requests).toHaveLength(1);
    passSeconds(1);
    await verify(token);

    expect(asked.requests).toHaveLength(2);
  });

  it('are not read again for a token that a known key signed, whatever else is wrong with it', async () => {
    const { verify, payer: asked, passSeconds } = verifier();
    const token = await sign({ aud: 'gateway-8' });

    await expect(verify(token)).rejects.toMatchObject(refusal('ERR_JWT_CLAIM_VALIDATION_FAILED'));
    passSeconds(61);
    await expect(verify(token)).rejects.toMatchObject(refusal('ERR_JWT_CLAIM_VALIDATION_FAILED'));

    expect(asked.requests).toHaveLength(1);
  });

  it('are believed if there are fifty', async () => {
    const keys = async () => ({ keys: [await jwkOf('RS256'), ...Array.from({ length: 49 }, () => ({}))] });

    expect(await verifier(keys).verify(await sign())).toMatchObject({ nonce });
  });

  it('are each tried if two have one name', async () => {
    const keys = async () => ({
      keys: [{ ...(await jwkOf('PS256', 'RS256')), alg: 'RS256' }, await jwkOf('RS256')],
    });
    const { verify } = verifier(keys);
    expect(await verify(await sign())).toMatchObject({ nonce });
    const [head, claims, signature = ''] = (await sign()).split('.');
    const forged = `${head}.${claims}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    await expect(verify(forged)).rejects.toMatchObject(refusal('ERR_JWS_SIGNATURE_VERIFICATION_FAILED'));
  });

  it.each([
    ['has another name', 'ES256', 'ES256'],
    ['replaced one of the same name', 'RS256', 'old'],
  ] as const)('are read again for a token whose key %s, and it is believed', async (_, alg, kid) => {
    const old = await jwkOf('PS256', 'old');
    let keys: unknown[] = [{ ...old, alg: 'RS256' }];
    const { verify, payer: asked, passSeconds } = verifier(() => ({ keys }));
    await expect(verify(await sign({}, { kid: 'old' }))).rejects.toMatchObject({ failure: 'nonsense' });
    passSeconds(60);
    keys = [await jwkOf(alg, kid)];

    expect(await verify(await sign({}, { alg, kid }))).toMatchObject({ nonce });
    expect(asked.requests).toHaveLength(2);
  });

  it('are not read again within a minute, however many tokens name a key that there is not', async () => {
    const { verify, payer: asked } = verifier();
    const token = await sign({}, { kid: 'made-up' });

    for (let times = 0; times < 5; times += 1) {
      await expect(verify(token)).rejects.toMatchObject(refusal('ERR_JWKS_NO_MATCHING_KEY'));
    }

    expect(asked.requests).toHaveLength(1);
  });

  it.each<[string, () => unknown, string, string]>([
    ['a page', () => new Response('<html>'), 'nonsense', 'JWKS answered without a set of keys'],
    ['keys that are no list', () => ({ keys: { kid: 'x' } }), 'nonsense', 'JWKS answered without a set of keys'],
    ['keys that are no objects', () => ({ keys: ['x'] }), 'nonsense', 'JWKS answered without a set of keys'],
    ['a key that is no object', () => ({ keys: [{}, 'x'] }), 'nonsense', 'JWKS answered without a set of keys'],
    [
      '51 keys',
      () => ({ keys: Array.from({ length: 51 }, () => ({})) }),
      'nonsense',
      'JWKS answered without a set of keys',
    ],
    ['over 128 KB', () => new Response('x'.repeat(131_073)), 'nonsense', 'JWKS: answer over 131072 bytes'],
    ['503', () => new Response('', { status: 503 }), 'unavailable', 'JWKS answered 503'],
    [
      'a redirect',
      () => new Response(null, { status: 302, headers: { Location: 'http://169.254.169.254' } }),
      'unavailable',
      'JWKS answered 302',
    ],
    ['nothing in time', () => Promise.reject(new DOMException('x', 'TimeoutError')), 'timeout', 'JWKS: TimeoutError'],
  ])('end the sign-in if the payer answers %s', async (_, answer, failure, detail) => {
    await expect(verifier(answer).verify(await sign())).rejects.toMatchObject({ failure, detail });
  });

  it('are asked for at no address if the profile has none, although the configuration would not allow that', async () => {
    const { jwksUri: _, ...without } = payer;
    const { verify, payer: asked } = verifier();
    await verify(await sign(), without);

    expect(asked.requests.map(({ url }) => url)).toEqual(['']);
  });

  it('are asked for as JSON, without a token or following redirects, and within a time limit', async () => {
    const { verify, payer: asked } = verifier();
    await verify(await sign());

    expect(asked.requests[0]?.init).toEqual({
      headers: { Accept: 'application/json' },
      redirect: 'manual',
      signal: expect.any(AbortSignal),
    });
  });

  it('that are shared secrets verify nothing', async () => {
    const keys = { keys: [{ kty: 'oct', kid: 'RS256', k: Buffer.from('secret').toString('base64url') }] };

    await expect(verifier(() => keys).verify(await sign())).rejects.toMatchObject(refusal('ERR_JWKS_NO_MATCHING_KEY'));
  });
});
