import { TagResourceCommand } from '@aws-sdk/client-secrets-manager';
import { secretValue } from '../../bin/payers/secret-value.ts';
import { putSecret, readVersions, restorePrevious } from '../../bin/shared/put-secret.ts';
import { stageSecretsClient } from '../../bin/shared/secrets-manager.ts';
import { localStage } from '../../config/local.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { es384Jwk } from '../support/login.ts';
import { fakeSecrets } from './fake-secrets.ts';
import { plan as keyed, keys } from './payer-deps.ts';

const name = 'p2p/demo/payers/plan';
const made = {
  config: { stage: 'demo', tags: { 'cost-center': '4711' } },
  description: 'How the gateway authenticates at Plan',
};
let secrets: Awaited<ReturnType<typeof fakeSecrets>>;
let closeAll = async (): Promise<void> => {};
let place: Parameters<typeof readVersions>[0];

const open = async (names: readonly string[]): Promise<void> => {
  secrets = await fakeSecrets(names);
  place = { name, client: stageSecretsClient({ ...localStage(), stage: 'demo' }, secrets.env) };
  closeAll = async () => {
    place.client.destroy();
    await secrets.close();
    closeAll = async () => {};
  };
};
afterEach(() => closeAll());
const operations = (): string[] => secrets.sent().map(({ operation }) => operation);
const put = async (text: string): Promise<string | undefined> =>
  putSecret(place, text, await readVersions(place), made);

describe('a value', () => {
  it('a value of a secret that does not exist makes it: under the key of the stage, described, and with its tags', async () => {
    await open([]);
    await put('first');

    expect(secrets.current(name)).toBe('first');
    expect(secrets.sent().at(-1)).toMatchObject({
      operation: 'CreateSecret',
      input: { Name: name, KmsKeyId: 'alias/p2p-demo-data', Description: made.description },
    });
    expect((await secrets.describe(name)).tags).toEqual({
      'cost-center': '4711',
      project: 'p2p-gateway',
      stage: 'demo',
    });
    expect(operations()).not.toContain('TagResource');
  });

  it('a value of a secret that lacks a tag of the stage, or has another value there, adds it; other tags stay', async () => {
    await open([name]);
    const client = place.client;
    const old = { 'cost-center': '0815', owner: 'pharmacy' };
    await client.send(
      new TagResourceCommand({ SecretId: name, Tags: Object.entries(old).map(([Key, Value]) => ({ Key, Value })) }),
    );

    expect(await put('first')).toBeUndefined();
    const all = { 'cost-center': '4711', owner: 'pharmacy', project: 'p2p-gateway', stage: 'demo' };
    expect((await secrets.describe(name)).tags).toEqual(all);

    const before = secrets.sent().length;
    await put('second');
    expect(operations().slice(before)).not.toContain('TagResource');
  });

  it('is in place although the secret cannot be tagged, and the line says how to do it by hand', async () => {
    await open([name]);
    secrets.failWith('TagResource', { __type: 'AccessDeniedException' });

    expect(await put('first')).toBe(
      `${name} did not get its tags cost-center, project, stage (AccessDeniedException). Its value is in place. With ` +
        `secretsmanager:TagResource: aws secretsmanager tag-resource --secret-id ${name} --tags ` +
        `'[{"Key":"cost-center","Value":"4711"},{"Key":"project","Value":"p2p-gateway"},{"Key":"stage","Value":"demo"}]'`,
    );
    expect(secrets.current(name)).toBe('first');
  });

  it('fills a secret that was made without one, as a process leaves it that died half-way', async () => {
    await open([name]);
    await put('first');

    expect(secrets.current(name)).toBe('first');
    expect(operations()).toEqual(['DescribeSecret', 'DescribeSecret', 'PutSecretValue', 'TagResource']);
  });

  it('is not put over one that someone else put there while it was being checked', async () => {
    await open([name]);
    await put('first');
    const seen = await readVersions(place);
    await put('of someone else');

    await expect(putSecret(place, 'mine', seen, made)).rejects.toThrow(
      `${name} was changed by someone else in the meantime. Nothing was changed; run again.`,
    );
    expect(secrets.current(name)).toBe('of someone else');
  });

  it('goes back to the previous one, and a second time to the newer', async () => {
    await open([name]);
    for (const text of ['first', 'second']) await put(text);

    await restorePrevious(place, { dryRun: false });
    expect(secrets.current(name)).toBe('first');
    await restorePrevious(place, { dryRun: false });
    expect(secrets.current(name)).toBe('second');
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
      await open([name]);
      await put('first');
      secrets.failWith(operation, error);

      await expect(put('second')).rejects.toThrow(message);
      expect(secrets.current(name)).toBe('first');
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

    await expect(put('first')).rejects.toThrow(message);
    expect(secrets.current(name)).toBeUndefined();
  });

  it('Secrets Manager that is about to delete the secret is told to keep it', async () => {
    await open([name]);
    const deleted = {
      ...place,
      client: { send: async () => ({ DeletedDate: new Date() }) },
    } as unknown as typeof place;

    await expect(readVersions(deleted)).rejects.toThrow(`aws secretsmanager restore-secret --secret-id ${name}`);
  });
});

describe('what a person gives as a secret', () => {
  const withSecret: Payer = { ...keyed, clientAuthentication: 'client_secret_post', publicKeys: [] };
  const withHeader: Payer = { ...withSecret, quirks: { ...withSecret.quirks, secretHeaders: ['X-Key'] } };
  const withBoth: Payer = {
    ...withSecret,
    publicKeys: keyed.publicKeys,
    identitySignIn: {
      issuers: ['https://csp.example.org'],
      assertionAlgorithm: 'ES384',
      scopes: ['patient/*.rs'],
      noMatch: [],
    },
  };
  const { privateJwk } = keys;
  const publicOnly = Object.fromEntries(Object.entries(privateJwk).filter(([member]) => member !== 'd'));

  it.each<[string, string, Payer, string]>([
    ['nothing', '', withSecret, 'is empty'],
    ['two lines', 'a\nb', withSecret, 'contains a line break'],
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
