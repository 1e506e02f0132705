import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { localStage } from '../../../../config/local.ts';
import { redeemAtPayer } from '../../../../functions/shared/payer/client.ts';
import { payerSecretReader, secretsClient, secretsLimits } from '../../../../functions/shared/payer/secrets.ts';
import type { Payer } from '../../../../functions/shared/registry/types.ts';
import { testDeps } from '../../../support/gateway.ts';
import {
  bodyOf,
  formOf,
  gateway,
  northwindTokens,
  pkce,
  sentBack,
  throttled,
  verifier,
} from '../../../support/login.ts';

const [oneUp] = localStage().payers as [Payer];
const grant = { code: 'payer-code', redirectUri: 'http://localhost:3000/x', verifier: 'v'.repeat(43) };

const start = (secret: string | undefined = '{"client_secret":"old"}') => {
  const client = new SecretsManagerClient({ region: 'eu-central-1' });
  const mock = mockClient(client);
  const set = (value: string | undefined) =>
    mock.on(GetSecretValueCommand).resolves(value === undefined ? {} : { SecretString: value });
  set(secret);
  const test = testDeps();
  const read = payerSecretReader(client, 'gateway/payers/', test.deps.clock);
  const reads = () => mock.commandCalls(GetSecretValueCommand).map(({ args }) => args[0].input);
  return { ...test, deps: { ...test.deps, readPayerSecret: read }, mock, set, read, reads };
};

const named = (name: string): Error => Object.assign(new Error('canary'), { name });

describe('payers’ secrets', () => {
  it('are read once, and again after five minutes', async () => {
    const { read, reads, passSeconds } = start();

    await read('x');
    passSeconds(299);
    await read('x');
    const early = reads().length;
    passSeconds(1);
    await read('x');

    expect([early, reads().length]).toEqual([1, 2]);
    expect(reads()[0]).toEqual({ SecretId: 'gateway/payers/x', VersionStage: 'AWSCURRENT' });
  });

  it('are the same ones when read afresh until they change, so that a key is imported once', async () => {
    const { read, set } = start();
    const first = await read('x');

    expect(await read('x', { fresh: true })).toBe(first);
    set('{"client_secret":"new"}');
    expect(await read('x', { fresh: true })).toEqual({ client_secret: 'new' });
  });

  it('may be a key', async () => {
    const { read } = start('{"private_key_jwk":{"kty":"EC"}}');

    expect(await read('x')).toEqual({ private_key_jwk: { kty: 'EC' } });
  });

  it.each([
    [
      'a client secret',
      '{"client_secret":"old","headers":{"X-Key":"canary"}}',
      'client_secret_post',
      ['old', 'canary'],
    ],
    ['none', '{"headers":{"x-key":"canary"}}', 'none', [null, 'canary']],
  ] as const)('may have headers beside %s, which are sent with each request', async (_, value, method, sent) => {
    const { deps, payer } = start(value);
    payer.http = async () => Response.json(northwindTokens);
    const quirks = { ...oneUp.quirks, secretHeaders: ['X-KEY'] };

    await redeemAtPayer(deps, { ...oneUp, clientAuthentication: method, quirks }, grant);

    const { init } = payer.requests[0]!;
    expect([formOf(init).get('client_secret'), new Headers(init?.headers).get('x-key')]).toEqual(sent);
  });

  it.each([
    '{"client_secret":"old"}',
    '{"client_secret":"old","headers":{"x-key":5}}',
    '{"client_secret":"old","headers":{"x-key":"a\\nb"}}',
  ])(
    'that lacks a header of the profile, as %s does, stops the request, and the log names the header',
    async (value) => {
      const { deps, payer } = start(value);
      const secretHeaders = ['X-Key'];

      await expect(
        redeemAtPayer(deps, { ...oneUp, quirks: { ...oneUp.quirks, secretHeaders } }, grant),
      ).rejects.toMatchObject({
        code: 'temporarily_unavailable',
        detail: `the secret of payer ${oneUp.id} has no usable header X-Key`,
        signal: 'secretMissing',
      });
      expect(payer.requests).toEqual([]);
    },
  );

  it.each([
    [undefined],
    [''],
    ['canary'],
    ['"canary"'],
    ['null'],
    ['{"client_secret":""}'],
    ['{"client_secret":5}'],
    ['{"private_key_jwk":null}'],
    ['{"private_key_jwk":"canary"}'],
  ])('in the form %j count as missing: 503 for this payer, and the log does not have their value', async (secret) => {
    const { read, set } = start();
    set(secret);

    await expect(read('x')).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      publicMessage: 'This health plan is not available at the moment.',
      status: 503,
      retryAfterSeconds: 60,
      detail: 'the secret of payer x is missing or not in its form',
      signal: 'secretMissing',
    });
  });

  it('that have not been filled in yet are missing, too', async () => {
    const { read, mock } = start();
    mock.on(GetSecretValueCommand).rejects(named('ResourceNotFoundException'));

    await expect(read('x')).rejects.toMatchObject({
      status: 503,
      detail: expect.stringContaining('payer x is missing'),
      signal: 'secretMissing',
    });
  });

  it('cannot be read while Secrets Manager fails: 503, and the next call asks again', async () => {
    const { read, mock, set } = start();
    mock.on(GetSecretValueCommand).rejects(named('InternalServiceError'));

    await expect(read('x')).rejects.toMatchObject({
      status: 503,
      retryAfterSeconds: 5,
      detail: 'secretsmanager: InternalServiceError',
      signal: 'secretMissing',
    });
    set('{"client_secret":"new"}');
    expect(await read('x')).toEqual({ client_secret: 'new' });
  });
});

describe('a rotated secret', () => {
  const accepts = (secret: string, test: ReturnType<typeof start>) => {
    test.payer.http = async (_, init) =>
      formOf(init).get('client_secret') === secret
        ? Response.json(northwindTokens)
        : Response.json({ error: 'invalid_client' }, { status: 401 });
  };

  it('is found after invalid_client by one forced read and one retry', async () => {
    const test = start();
    await test.read(oneUp.id);
    test.set('{"client_secret":"new"}');
    accepts('new', test);

    const { tokens } = await redeemAtPayer(test.deps, oneUp, grant);

    expect(tokens.accessToken).toBe('payer-access-token');
    expect(test.reads()).toHaveLength(2);
    expect(test.payer.requests).toHaveLength(2);
  });

  it('that is still wrong is not tried a third time', async () => {
    const test = start();
    accepts('never', test);

    await expect(redeemAtPayer(test.deps, oneUp, grant)).rejects.toMatchObject({ failure: 'invalid_client' });
    expect(test.payer.requests).toHaveLength(2);
  });
});

it('a Secrets Manager that does not answer is given up on within five seconds, and a busy one is asked twice', async () => {
  const client = secretsClient();
  const { connectionTimeout, requestTimeout, throwOnRequestTimeout } = secretsLimits.requestHandler;

  expect(await client.config.maxAttempts()).toBe(2);
  expect(secretsLimits.maxAttempts * requestTimeout).toBeLessThan(5000);
  expect([connectionTimeout, throwOnRequestTimeout]).toEqual([1000, true]);
});

/** Runs every flow once, with and without faults, and collects each secret that passed through. */
const runAll = async () => {
  const test = gateway();
  const secrets = ['canary', 'demo-partner-secret', verifier, 'payer-code', 'partner-state'];
  const key = test.secrets['northwind'];
  if (key && 'private_key_jwk' in key) secrets.push(String(key.private_key_jwk?.['d']));
  secrets.push(northwindTokens.access_token, northwindTokens.refresh_token, northwindTokens.patient);
  const started = await test.start({ ...pkce, state: 'canary-partner-state' });
  secrets.push(started.state, started.cookie.split('=')[1]!);
  await test.callback(test.fromPayer(started.state));
  const { code = '' } = sentBack(await test.callback(test.fromPayer(started.state), { cookie: started.cookie }));
  secrets.push(code);
  await test.callback(test.fromPayer(started.state), { cookie: started.cookie });
  await test.redeem(code, { code_verifier: 'canary-verifier' });
  const first = bodyOf(await test.redeem(code, { code_verifier: verifier }));
  const second = bodyOf(await test.refresh(first.refresh_token));
  secrets.push(first.access_token, first.refresh_token, second.access_token, second.refresh_token);
  const tables = () => [...test.dynamo.items('LoginAttempts').values(), ...test.dynamo.items('Grants').values()];
  const atTheirBest = structuredClone(tables());
  await test.introspect({ token: second.access_token });
  await test.refresh(second.refresh_token, { scope: 'canary' });
  test.dynamo.failNext('UpdateItem', throttled());
  await test.refresh(second.refresh_token);
  await test.revoke({ token: second.access_token });
  await test.refresh(second.refresh_token);
  await test.authorize({ client_id: 'canary', redirect_uri: 'canary', state: 'canary' });
  await test.authorize({ scope: 'canary', aud: 'canary', response_type: 'canary' });
  await test.authorize({}, { payer: 'canary' });
  await test.token({ grant_type: 'canary', code: 'canary' }, { Authorization: `Basic ${btoa('canary:canary')}` });
  const failed = await test.start();
  test.payer.http = async () => Response.json({ error: 'canary', error_description: 'canary' }, { status: 400 });
  await test.callback({ ...test.fromPayer(failed.state), code: 'canary' }, { cookie: failed.cookie });
  const thrown = await test.start();
  test.payer.http = () => Promise.reject(new TypeError('canary', { cause: new Error('canary') }));
  await test.callback({ ...test.fromPayer(thrown.state), code: 'canary' }, { cookie: thrown.cookie });
  return {
    lines: test.lines,
    items: [...atTheirBest, ...tables()],
    secrets: secrets.filter((secret) => secret !== ''),
  };
};

describe('secrets of every flow', () => {
  it('are in no log line', async () => {
    const { lines, secrets } = await runAll();

    expect(lines.length).toBeGreaterThan(15);
    for (const line of lines) {
      for (const secret of secrets) expect(line).not.toContain(secret);
    }
  });

  it('are in no item of a table, in no spelling, but for the patient’s id', async () => {
    const { items, secrets } = await runAll();
    const spellings = (secret: string) => [secret, Buffer.from(secret).toString('base64').replaceAll('=', '')];

    expect(items.length).toBeGreaterThan(3);
    for (const item of items) {
      const text =
        JSON.stringify(item) +
        Object.values(item)
          .map(({ B }) => Buffer.from(B ?? []).toString('latin1'))
          .join();
      for (const secret of secrets.filter((one) => one !== northwindTokens.patient)) {
        for (const spelling of spellings(secret)) expect(text).not.toContain(spelling);
      }
    }
  });
});
