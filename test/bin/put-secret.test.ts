import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TagResourceCommand } from '@aws-sdk/client-secrets-manager';
import { decodeJwt } from 'jose';
import { asFormerPlan, checkExchangeSecret, tryExchangeSecret } from '../../bin/payers/exchange.ts';
import { makeKeyPair } from '../../bin/payers/key.ts';
import { secretValue } from '../../bin/payers/secret-value.ts';
import { readSecretWith } from '../../bin/payers/secret.ts';
import { trySecret, type Tried } from '../../bin/payers/try-secret.ts';
import { putSecret, readVersions, restorePrevious } from '../../bin/shared/put-secret.ts';
import { runningStack } from '../../bin/shared/running-stack.ts';
import { awsEndpoint, stageSecretsClient } from '../../bin/shared/secrets-manager.ts';
import { localStage } from '../../config/local.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { parsePayerSecret, type PayerSecret } from '../../functions/shared/payer/secrets.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { es384Jwk } from '../support/login.ts';
import { fakeSecrets } from './fake-secrets.ts';
import { plan as keyed, keys } from './payer-deps.ts';
import { secretIn } from './payer-with-client.ts';

const secretName = 'p2p/demo/payers/plan';
const made = {
  config: { stage: 'demo', tags: { 'cost-center': '4711' } },
  description: 'How the gateway authenticates at Plan',
};
let secrets: Awaited<ReturnType<typeof fakeSecrets>>;
let closeAll = async (): Promise<void> => {};
let place: Parameters<typeof readVersions>[0];

const open = async (names: readonly string[]): Promise<void> => {
  secrets = await fakeSecrets(names);
  place = { name: secretName, client: stageSecretsClient({ ...localStage(), stage: 'demo' }, secrets.env) };
  closeAll = async () => {
    place.client.destroy();
    await secrets.close();
    closeAll = async () => {};
  };
};
afterEach(() => closeAll());
const operations = (): string[] => secrets.sent().map(({ operation }) => operation);
const putNew = async (text: string): Promise<string | undefined> =>
  putSecret(place, text, await readVersions(place), made);

describe('a value', () => {
  it('a value of a secret that does not exist makes it: under the key of the stage, described, and with its tags', async () => {
    await open([]);
    await putNew('first');

    expect(secrets.current(secretName)).toBe('first');
    expect(secrets.sent().at(-1)).toMatchObject({
      operation: 'CreateSecret',
      input: { Name: secretName, KmsKeyId: 'alias/p2p-demo-data', Description: made.description },
    });
    expect((await secrets.describe(secretName)).tags).toEqual({
      'cost-center': '4711',
      project: 'p2p-gateway',
      stage: 'demo',
    });
    expect(operations()).not.toContain('TagResource');
  });

  it('a value of a secret that lacks a tag of the stage, or has another value there, adds it; other tags stay', async () => {
    await open([secretName]);
    const client = place.client;
    const old = { 'cost-center': '0815', owner: 'pharmacy' };
    await client.send(
      new TagResourceCommand({
        SecretId: secretName,
        Tags: Object.entries(old).map(([Key, Value]) => ({ Key, Value })),
      }),
    );

    expect(await putNew('first')).toBeUndefined();
    const all = { 'cost-center': '4711', owner: 'pharmacy', project: 'p2p-gateway', stage: 'demo' };
    expect((await secrets.describe(secretName)).tags).toEqual(all);

    const before = secrets.sent().length;
    await putNew('second');
    expect(operations().slice(before)).not.toContain('TagResource');
  });

  it('is in place although the secret cannot be tagged, and the line says how to do it by hand', async () => {
    await open([secretName]);
    secrets.failWith('TagResource', { __type: 'AccessDeniedException' });

    expect(await putNew('first')).toBe(
      `${secretName} did not get its tags cost-center, project, stage (AccessDeniedException). Its value is in place. With ` +
        `secretsmanager:TagResource: aws secretsmanager tag-resource --secret-id ${secretName} --tags ` +
        `'[{"Key":"cost-center","Value":"4711"},{"Key":"project","Value":"p2p-gateway"},{"Key":"stage","Value":"demo"}]'`,
    );
    expect(secrets.current(secretName)).toBe('first');
  });

  it('fills a secret that was made without one, as a process leaves it that died half-way', async () => {
    await open([secretName]);
    await putNew('first');

    expect(secrets.current(secretName)).toBe('first');
    expect(operations()).toEqual(['DescribeSecret', 'DescribeSecret', 'PutSecretValue', 'TagResource']);
  });

  it('is not put over one that someone else put there while it was being checked', async () => {
    await open([secretName]);
    await putNew('first');
    const seen = await readVersions(place);
    await putNew('of someone else');

    await expect(putSecret(place, 'mine', seen, made)).rejects.toThrow(
      `${secretName} was changed by someone else in the meantime. Nothing was changed; run again.`,
    );
    expect(secrets.current(secretName)).toBe('of someone else');
  });

  it('goes back to the previous one, and a second time to the newer', async () => {
    await open([secretName]);
    for (const text of ['first', 'second']) await putNew(text);

    await restorePrevious(place, { dryRun: false });
    expect(secrets.current(secretName)).toBe('first');
    await restorePrevious(place, { dryRun: false });
    expect(secrets.current(secretName)).toBe('second');
  });
});

const writeRights =
  'may not be written with these credentials; use a role with secretsmanager:DescribeSecret, CreateSecret, ' +
  'PutSecretValue, UpdateSecretVersionStage and TagResource on the secret, and kms:GenerateDataKey and kms:Decrypt ' +
  "with the stage's key";

describe('Secrets Manager', () => {
  it.each([
    [
      'DescribeSecret',
      { __type: 'ThrottlingException', Message: 'Rate exceeded' },
      'Secrets Manager takes no more calls at the moment; run again in a minute',
    ],
    [
      'PutSecretValue',
      { __type: 'ThrottlingException', Message: 'Rate exceeded' },
      'Secrets Manager takes no more calls at the moment; run again in a minute',
    ],
    ['PutSecretValue', { __type: 'EncryptionFailure' }, "cannot be encrypted with the stage's key; deploy the stage"],
    ['DescribeSecret', { __type: 'AccessDeniedException' }, writeRights],
    ['PutSecretValue', { __type: 'AccessDeniedException' }, writeRights],
  ])(
    'Secrets Manager that refuses %s with %j changes nothing, and the tool says what to do',
    async (operation, error, message) => {
      await open([secretName]);
      await putNew('first');
      secrets.failWith(operation, error);

      await expect(putNew('second')).rejects.toThrow(message);
      expect(secrets.current(secretName)).toBe('first');
    },
  );

  it.each([
    [{ __type: 'ResourceExistsException' }, 'was made by someone else just now; run again'],
    [
      { __type: 'InvalidRequestException', Message: 'The KMS key alias/p2p-demo-data does not exist' },
      "cannot be encrypted with the stage's key; deploy the stage, which makes the key",
    ],
  ])('Secrets Manager that does not make a secret (%j) says why', async (error, message) => {
    await open([]);
    secrets.failWith('CreateSecret', error);

    await expect(putNew('first')).rejects.toThrow(message);
    expect(secrets.current(secretName)).toBeUndefined();
  });

  it('Secrets Manager that is about to delete the secret is told to keep it', async () => {
    await open([secretName]);
    const deleted = {
      ...place,
      client: { send: async () => ({ DeletedDate: new Date() }) },
    } as unknown as typeof place;

    await expect(readVersions(deleted)).rejects.toThrow(`aws secretsmanager restore-secret --secret-id ${secretName}`);
  });
});

/** What makes a payer need a key beside its client secret. */
const withIdentity: Pick<Payer, 'publicKeys' | 'identitySignIn'> = {
  publicKeys: keyed.publicKeys,
  identitySignIn: {
    issuers: ['https://csp.example.org'],
    assertionAlgorithm: 'ES384',
    scopes: ['patient/*.rs'],
    noMatch: [],
  },
};

describe('what a person gives as a secret', () => {
  const withSecret: Payer = { ...keyed, clientAuthentication: 'client_secret_post', publicKeys: [] };
  const withHeader: Payer = { ...withSecret, quirks: { ...withSecret.quirks, secretHeaders: ['X-Key'] } };
  const withBoth: Payer = { ...withSecret, ...withIdentity };
  const { privateJwk } = keys;
  const publicOnly = Object.fromEntries(Object.entries(privateJwk).filter(([member]) => member !== 'd'));

  it.each<[string, string, Payer, string]>([
    ['nothing', '', withSecret, 'is empty'],
    ...['can\nary', 'canary\n\n', '\ncanary'].map((given): [string, string, Payer, string] => [
      'two lines',
      given,
      withSecret,
      'contains a line break',
    ]),
    ['after a space', ' canary', withSecret, 'begins or ends with white space'],
    ['JSON', '{"client_secret":"canary"}', withSecret, 'was given as JSON'],
    ['JSON of another spelling', '{"clientSecret":"canary"}', withSecret, 'was given as JSON'],
    ['in quotes', '"canary"', withSecret, 'is in quotes'],
    ['a placeholder', '<canary>', withSecret, 'is a placeholder'],
    [
      'a key for a secret',
      JSON.stringify(privateJwk),
      withSecret,
      'What was given is a key, but the gateway has a client',
    ],
    ['a key in its wrapper', JSON.stringify({ private_key_jwk: privateJwk }), withSecret, 'What was given is a key'],
    ['a secret for a key', 'canary', keyed, 'is not a JSON object; give what "payers -- key" printed'],
    ['a secret as JSON for a key', '{"client_secret":"canary"}', keyed, 'private_key_jwk is not a private key'],
    ['plain where headers are needed', 'canary', withHeader, 'give {"client_secret": …, "headers": {"X-Key": "…"}}'],
    ['without its header', '{"client_secret":"canary-secret"}', withHeader, 'has no header X-Key'],
    ['short beside its header', '{"client_secret":"","headers":{"x-key":"canary"}}', withHeader, 'client_secret'],
    ['plain where a key is needed too', 'canary', withBoth, 'give {"client_secret": …, "private_key_jwk": …}'],
    [
      'without that key',
      '{"client_secret":"canary-secret"}',
      withBoth,
      'has no private_key_jwk, which identitySignIn needs',
    ],
    ['no JWK', '{"private_key_jwk":"canary"}', keyed, 'private_key_jwk is not a private key'],
    ['a public key', JSON.stringify(publicOnly), keyed, 'private_key_jwk is not a private key'],
    ['another alg', JSON.stringify({ ...privateJwk, alg: 'ES256' }), keyed, 'has an alg other than ES384'],
    [
      'a key that is not in publicKeys',
      JSON.stringify(es384Jwk('plan-1').privateJwk),
      keyed,
      "does not match any of the profile's publicKeys (plan-1)",
    ],
  ])('is refused if it is %s, in words that do not quote it', (_what, given, payer, message) => {
    const value = (): unknown => secretValue(given, payer);

    expect(value).toThrow(message);
    expect(value).not.toThrow('canary');
    if ('d' in privateJwk) expect(value).not.toThrow(String(privateJwk['d']));
  });
});

const plan: Payer = { ...keyed, clientAuthentication: 'client_secret_basic', publicKeys: [] };
const good = { client_secret: 'canary/good secret' };
const answered = (status: number, error: string): Response => Response.json({ error }, { status });
const invalidClient = (): Response => answered(401, 'invalid_client');
const invalidGrant = (): Response => answered(400, 'invalid_grant');

interface Sent {
  readonly url: string;
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
  readonly apiKey: string | undefined;
}

/** Tries a secret at a payer that answers like this. */
const tried = async (
  answer: (sent: Sent, nth: number) => Response | Promise<Response>,
  { payer = plan, secret = good }: { readonly payer?: Payer; readonly secret?: PayerSecret } = {},
): Promise<{ result: Tried; sent: Sent[] }> => {
  const sent: Sent[] = [];
  const http: PayerHttp = async (url, init) => {
    const form = new URLSearchParams(init?.body);
    const headers = new Headers(init?.headers);
    const [authorization, apiKey] = ['authorization', 'x-api-key'].map((name) => headers.get(name) ?? undefined);
    const one = { url: String(url), form, authorization, apiKey };
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
      'gives an answer that says nothing about it: token endpoint answered 400 with an OAuth error (invalid_request)',
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

  it.each<[string, object, Partial<Payer>]>([
    ['a client secret', good, { clientAuthentication: 'client_secret_basic', publicKeys: [] }],
    ['a key', { private_key_jwk: keys.privateJwk }, {}],
    ['a client secret and a key', { ...good, private_key_jwk: keys.privateJwk }, { ...plan, ...withIdentity }],
    ['no credential', {}, { clientAuthentication: 'none', publicKeys: [] }],
  ])(
    'goes with its headers as the documents write them, and is stored as it was tried, with %s',
    async (_, secret, change) => {
      const payer: Payer = { ...keyed, ...change, quirks: { ...keyed.quirks, secretHeaders: ['X-Api-Key'] } };
      const given = { ...secret, headers: { 'X-Api-Key': 'canary-header' } };
      const { secret: stored } = secretValue(JSON.stringify(given), payer);
      const { result, sent } = await tried((_sent, nth) => (nth === 1 ? invalidGrant() : invalidClient()), {
        payer,
        secret: stored,
      });

      expect(result).toEqual({ result: 'accepted' });
      expect(sent[0]?.apiKey).toBe('canary-header');
      expect(sent[1]?.apiKey).toEqual(expect.any(String));
      expect(parsePayerSecret(JSON.stringify(stored))).toEqual(stored);
      expect(stored).toEqual({ ...secret, headers: { 'x-api-key': 'canary-header' } });
    },
  );

  it('is not tried if the request cannot be made, and the tool says why in a sentence', async () => {
    const lacksHeader: Payer = { ...plan, quirks: { ...plan.quirks, secretHeaders: ['X-Api-Key'] } };

    await expect(tried(invalidGrant, { payer: lacksHeader })).rejects.toThrow(
      /^The secret cannot be tried at .+: the secret of payer plan has no usable header X-Api-Key\. Nothing was changed\./,
    );
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

interface Asked {
  readonly authorization: string | undefined;
  readonly body: string;
}

/** Reads a secret from a stand-in for AWS that gives this answer. */
const readFrom = async (status: number, answer: object) => {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      asked.push({ authorization: request.headers.authorization, body });
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const AWS_ENDPOINT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const client = stageSecretsClient(localStage(), { AWS_ENDPOINT_URL });
    return { reading: await readSecretWith(client)('p2p/local/payers/northwind'), asked };
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

const noValue = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";

describe("a payer's secret", () => {
  it('is read by its name, with made-up credentials if a stand-in answers', async () => {
    const { reading, asked } = await readFrom(200, { SecretString: '{"client_secret":"x"}' });

    expect(reading).toEqual({ text: '{"client_secret":"x"}' });
    expect(asked[0]?.body).toContain('"SecretId":"p2p/local/payers/northwind"');
    expect(asked[0]?.authorization).toContain('Credential=payers/');
  });

  it.each([
    [{ __type: 'ResourceNotFoundException', Message: noValue }, 'has no value yet'],
    [{ __type: 'ResourceNotFoundException', Message: "Can't find the specified secret." }, 'does not exist'],
    [{ __type: 'AccessDeniedException', Message: 'canary' }, 'may not be read with these credentials'],
    [{ __type: 'ExpiredTokenException', Message: 'canary' }, 'was not read: AWS does not accept these credentials'],
    [{ __type: 'SomethingNew', Message: 'canary' }, 'was not read: Secrets Manager answers SomethingNew'],
  ])("a payer's secret that cannot be read says why and what to do: %j", async (answer, problem) => {
    const { reading } = await readFrom(400, answer);

    expect(reading).toEqual({ problem, todo: expect.stringMatching(/\w/) });
    expect(JSON.stringify(reading)).not.toContain('canary');
  });

  it("a payer's secret of a stage without a region says that no region is set", async () => {
    const client = stageSecretsClient({ ...localStage(), stage: 'demo' }, {});
    client.config.region = () => Promise.reject(new Error('Region is missing'));

    expect(await readSecretWith(client)('x')).toMatchObject({ problem: 'was not read: no region is set' });
  });
});

describe('the endpoint in place of AWS', () => {
  it('is the one in the environment, else for stage local the one of the stack that runs, else AWS', () => {
    const env = { AWS_ENDPOINT_URL: 'http://a', AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://b' };

    expect(awsEndpoint('demo', env)).toBe('http://b');
    expect(awsEndpoint('demo', { AWS_ENDPOINT_URL: 'http://a' })).toBe('http://a');
    expect(awsEndpoint('local', {})).toBe(`http://127.0.0.1:${runningStack({})?.ports.aws ?? 3004}`);
    expect(awsEndpoint('demo', {})).toBeUndefined();
  });
});
