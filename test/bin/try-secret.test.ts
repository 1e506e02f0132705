import { decodeJwt } from 'jose';
import { asFormerPlan, checkExchangeSecret, tryExchangeSecret } from '../../bin/payers/exchange.ts';
import { makeKeyPair } from '../../bin/payers/key.ts';
import { secretValue } from '../../bin/payers/secret-value.ts';
import { trySecret, type Tried } from '../../bin/payers/try-secret.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import type { PayerSecret } from '../../functions/shared/payer/secrets.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { es384Jwk } from '../support/login.ts';
import { plan as keyed, keys } from './payer-deps.ts';
import { secretIn } from './payer-with-client.ts';

const plan: Payer = { ...keyed, clientAuthentication: 'client_secret_basic', publicKeys: [] };
const good = { client_secret: 'canary/good secret' };
const answered = (status: number, error: string): Response => Response.json({ error }, { status });
const invalidClient = (): Response => answered(401, 'invalid_client');
const invalidGrant = (): Response => answered(400, 'invalid_grant');

interface Sent {
  readonly url: string;
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
}

/** Tries a secret at a payer that answers like this. */
const tried = async (
  answer: (sent: Sent, nth: number) => Response | Promise<Response>,
  { payer = plan, secret = good }: { readonly payer?: Payer; readonly secret?: PayerSecret } = {},
): Promise<{ result: Tried; sent: Sent[] }> => {
  const sent: Sent[] = [];
  const http: PayerHttp = async (url, init) => {
    const form = new URLSearchParams(init?.body);
    const one = { url: String(url), form, authorization: new Headers(init?.headers).get('authorization') ?? undefined };
    sent.push(one);
    return answer(one, sent.length);
  };
  const clock = { now: Date.now, monotonic: () => performance.now() };
  return { result: await trySecret({ http, clock }, payer, secret, 'https://gateway.test'), sent };
};

describe('a secret, before it becomes current,', () => {
  it('is accepted if the payer refuses only the made-up code, and refuses a made-up secret', async () => {
    const { result, sent } = await tried(({ authorization }) =>
      secretIn(authorization) === good.client_secret ? invalidGrant() : invalidClient(),
    );

    expect(result).toEqual({ result: 'accepted' });
    expect(sent.map(({ url }) => url)).toEqual(['https://plan.test/token', 'https://plan.test/token']);
    expect(sent[0]?.form.get('grant_type')).toBe('authorization_code');
    expect(sent[0]?.form.get('redirect_uri')).toBe('https://gateway.test/oauth2/callback/plan');
    expect(secretIn(sent[1]?.authorization)).not.toBe(good.client_secret);
  });

  it('is refused if the payer refuses the client, and is sent once', async () => {
    const { result, sent } = await tried(invalidClient);

    expect(result).toEqual({ result: 'refused', detail: 'refuses it (invalid_client)' });
    expect(sent).toHaveLength(1);
  });

  it.each<[string, (nth: number) => Response, string]>([
    ['that looks at the code first', invalidGrant, 'refuses a made-up code before it looks at the secret'],
    ['that is down', () => answered(503, 'x'), 'cannot be asked: token endpoint answered 503'],
    [
      'with another error',
      () => answered(400, 'invalid_request'),
      'gives an answer that says nothing about it: token endpoint answered 400 with an OAuth error (nonsense)',
    ],
    [
      'that gives tokens to anyone',
      () => Response.json({ access_token: 'x' }),
      'gives tokens for a code that it never gave',
    ],
    [
      'that fails after the first answer',
      (nth) => (nth === 1 ? invalidGrant() : answered(500, 'x')),
      'answered a made-up secret otherwise: token endpoint answered 500',
    ],
  ])('a secret, before it becomes current, at a payer %s is unknown, and says why', async (_what, answer, detail) => {
    const { result } = await tried((_sent, nth) => answer(nth));

    expect(result).toEqual({ result: 'unknown', detail });
  });

  it('a secret, before it becomes current, at a payer that hangs, or refuses connections, is unknown', async () => {
    const failing = (error: Error) =>
      tried(() => {
        throw error;
      });
    const timeout = await failing(new DOMException('x', 'TimeoutError'));
    const refused = await failing(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }));

    expect(timeout.result).toMatchObject({
      result: 'unknown',
      detail: expect.stringContaining('does not answer in time'),
    });
    expect(refused.result).toMatchObject({ result: 'unknown', detail: expect.stringContaining('ECONNREFUSED') });
  });

  it('is not sent before the payer has registered the gateway', async () => {
    const { result, sent } = await tried(invalidGrant, { payer: { ...plan, clientId: 'pending-registration' } });

    expect(result).toMatchObject({ result: 'unknown', detail: expect.stringContaining('no client id yet') });
    expect(sent).toEqual([]);
  });

  it.each(['ES384', 'RS384'])(
    'a secret, before it becomes current, if it is a key, is tried against a made-up key of its kind: %s',
    async (alg) => {
      const pair = await makeKeyPair({ rsa: alg === 'RS384' });
      const { result, sent } = await tried((_sent, nth) => (nth === 1 ? invalidGrant() : invalidClient()), {
        payer: { ...keyed, publicKeys: [pair.publicKey] },
        secret: JSON.parse(pair.secret) as PayerSecret,
      });

      expect(result).toEqual({ result: 'accepted' });
      const heads = sent.map(({ form }) => {
        const [head = ''] = (form.get('client_assertion') ?? '').split('.');
        return JSON.parse(Buffer.from(head, 'base64url').toString()) as { alg: string; kid: string };
      });
      expect(heads[0]).toMatchObject({ alg });
      expect(heads[1]).toEqual(heads[0]);
    },
  );

  it.each([
    [false, { kty: 'EC', crv: 'P-384', alg: 'ES384', use: 'sig' }],
    [true, { kty: 'RSA', e: 'AQAB', alg: 'RS384', use: 'sig' }],
  ])('if the tool makes it, is a key of the algorithms of SMART with its private half (RSA: %s)', async (rsa, half) => {
    const { publicKey, secret } = await makeKeyPair({ rsa });
    const { private_key_jwk: privateKey } = JSON.parse(secret) as { private_key_jwk: Record<string, string> };

    expect(publicKey).toMatchObject(half);
    expect(publicKey).not.toHaveProperty('d');
    expect(privateKey).toMatchObject({ ...publicKey, d: expect.any(String) });
    // NIST SP 800-57 gives 3072 bits the strength of 128.
    const modulus = Buffer.from(privateKey['n'] ?? '', 'base64url').toString('hex');
    if (rsa) expect(BigInt(`0x${modulus}`).toString(2)).toHaveLength(3072);
  });

  it('leaves no trace in what is said', async () => {
    const results = await Promise.all([
      tried(invalidClient),
      tried(invalidGrant),
      tried(() => answered(503, 'canary')),
    ]);

    expect(JSON.stringify(results.map(({ result }) => result))).not.toContain('canary');
  });
});

describe('the key with which the gateway asks a former plan', () => {
  const own = es384Jwk('exchange-1');
  const asked = {
    ...keyed,
    exchange: {
      clientId: 'gateway-as-a-plan',
      assertionAlgorithm: 'ES384',
      publicKeys: [own.publicJwk],
      scopes: ['system/Group.rs'],
      identifiers: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' }],
      tokenEndpoint: 'https://plan.example.org/backend/token',
    },
  } as const;
  const secret = { private_key_jwk: own.privateJwk };

  it("is its own, and never the sign-in's", () => {
    const put = (jwk: object) => secretValue(JSON.stringify({ private_key_jwk: jwk }), asFormerPlan(asked));

    expect(put(own.privateJwk).what).toBe('a private key, which matches exchange-1 in publicKeys');
    expect(() => put(keys.privateJwk)).toThrow("does not match any of the profile's publicKeys (exchange-1)");
  });

  it.each<[result: string, status: number, body: object]>([
    ['accepted', 200, { access_token: 'a', token_type: 'Bearer', expires_in: 300, scope: 'system/Group.rs' }],
    ['refused', 401, { error: 'invalid_client' }],
    ['unknown', 400, { error: 'invalid_scope' }],
    ['unknown', 503, {}],
  ])('is %s if the payer answers %d to a request for a token of its own client', async (result, status, body) => {
    const seen: [string, URLSearchParams][] = [];
    const http: PayerHttp = async (input, init) => {
      seen.push([String(input), new URLSearchParams(init?.body)]);
      return Response.json(body, { status });
    };
    const clock = { now: Date.now, monotonic: () => performance.now() };

    const answer = await tryExchangeSecret({ http, clock }, asked, secret);

    expect(answer.result).toBe(result);
    const [url, form] = seen[0]!;
    expect([url, form.get('grant_type'), form.get('scope')]).toEqual([
      'https://plan.example.org/backend/token',
      'client_credentials',
      'system/Group.rs',
    ]);
    expect(decodeJwt(form.get('client_assertion')!)).toMatchObject({ iss: 'gateway-as-a-plan', aud: url });
  });

  it('is looked for by the check, beside the secret of sign-ins', async () => {
    const read: string[] = [];
    const readSecret = async (name: string) => {
      read.push(name);
      return { text: JSON.stringify(secret) };
    };

    expect(await checkExchangeSecret(readSecret, 'demo', asked)).toMatchObject([{ check: 'secret' }]);
    expect(await checkExchangeSecret(readSecret, 'demo', keyed)).toEqual([]);
    expect(read).toEqual(['p2p/demo/exchanges/plan']);
  });
});
