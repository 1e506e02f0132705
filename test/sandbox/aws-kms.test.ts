import { randomBytes } from 'node:crypto';
import {
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateMacCommand,
  KMSClient,
  ListKeysCommand,
} from '@aws-sdk/client-kms';
import { openInJob, sealForJob } from '../../functions/shared/exports/job-box.ts';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';

const arnOf = (name: string): string => `arn:aws:kms:us-east-1:000000000000:key/${name}`;
const KeyId = arnOf('exports');
const EncryptionContext = { export: 'a', also: 'b' };
let aws: LocalAws;
let kms: KMSClient;

beforeAll(async () => {
  aws = await startAws(0);
  aws.kms.createKey(KeyId, ['alias/p2p-local-exports']);
  aws.kms.createKey(arnOf('other'));
  kms = new KMSClient({
    endpoint: aws.url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'fetch', secretAccessKey: 'local' },
  });
});
afterAll(async () => {
  kms.destroy();
  await aws.close();
});
afterEach(() => aws.kms.enable(KeyId));

const dataKey = () => kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext }));
const decrypt = (CiphertextBlob: Uint8Array | undefined, more: object = {}) =>
  kms.send(new DecryptCommand({ CiphertextBlob, KeyId, EncryptionContext, ...more }));

describe('a KMS key', () => {
  it('makes data keys of 32 bytes, each a new one, and opens them again', async () => {
    const [one, two] = [await dataKey(), await dataKey()];
    expect(one.Plaintext).toHaveLength(32);
    expect(one.Plaintext).not.toEqual(two.Plaintext);
    expect(one.KeyId).toBe(KeyId);
    expect((await decrypt(one.CiphertextBlob)).Plaintext).toEqual(one.Plaintext);
  });

  it('opens with the pairs of the context in any order', async () => {
    const { CiphertextBlob, Plaintext } = await dataKey();
    const opened = await decrypt(CiphertextBlob, { EncryptionContext: { also: 'b', export: 'a' } });
    expect(opened.Plaintext).toEqual(Plaintext);
  });

  it.each([
    ['another context', { EncryptionContext: { export: 'x', also: 'b' } }],
    ['part of the context', { EncryptionContext: { export: 'a' } }],
    ['no context', { EncryptionContext: undefined }],
  ])('does not open with %s', async (_what, more) => {
    const { CiphertextBlob } = await dataKey();
    await expect(decrypt(CiphertextBlob, more)).rejects.toMatchObject({ name: 'InvalidCiphertextException' });
  });

  it('does not open a damaged ciphertext', async () => {
    const { CiphertextBlob = new Uint8Array() } = await dataKey();
    const damaged = Buffer.from(CiphertextBlob);
    damaged.writeUInt8((damaged.at(-1) ?? 0) ^ 1, damaged.length - 1);
    await expect(decrypt(damaged)).rejects.toMatchObject({ name: 'InvalidCiphertextException' });
    await expect(decrypt(randomBytes(40), { KeyId: undefined })).rejects.toMatchObject({
      name: 'InvalidCiphertextException',
    });
  });

  it('does not open what another key sealed', async () => {
    const { CiphertextBlob } = await dataKey();
    await expect(decrypt(CiphertextBlob, { KeyId: arnOf('other') })).rejects.toMatchObject({
      name: 'IncorrectKeyException',
    });
  });

  it('encrypts up to 4,096 bytes, by its alias too', async () => {
    const Plaintext = randomBytes(4096);
    const byAlias = { KeyId: 'alias/p2p-local-exports', EncryptionContext };
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ ...byAlias, Plaintext }));
    expect((await decrypt(CiphertextBlob, { KeyId: undefined })).Plaintext).toEqual(new Uint8Array(Plaintext));
    const tooMuch = new EncryptCommand({ ...byAlias, Plaintext: randomBytes(4097) });
    await expect(kms.send(tooMuch)).rejects.toMatchObject({ name: 'ValidationException' });
  });

  it('that is disabled neither seals nor opens, until it is enabled', async () => {
    const { CiphertextBlob, Plaintext } = await dataKey();
    aws.kms.disable(KeyId);
    const disabled = { name: 'DisabledException', $metadata: { httpStatusCode: 400 } };
    await expect(dataKey()).rejects.toMatchObject(disabled);
    await expect(decrypt(CiphertextBlob)).rejects.toMatchObject(disabled);
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
    expect(KeyMetadata).toMatchObject({ Arn: KeyId, KeyId: 'exports', KeyState: 'Disabled' });
    aws.kms.enable(KeyId);
    expect((await decrypt(CiphertextBlob)).Plaintext).toEqual(Plaintext);
  });

  it('is not made up', async () => {
    const unknown = new GenerateDataKeyCommand({ KeyId: arnOf('none'), KeySpec: 'AES_256' });
    await expect(kms.send(unknown)).rejects.toMatchObject({ name: 'NotFoundException' });
    expect(() => aws.kms.disable(arnOf('none'))).toThrow('no KMS key');
  });

  it('refuses what a data key cannot be, and what is not supported', async () => {
    await expect(kms.send(new GenerateDataKeyCommand({ KeyId }))).rejects.toMatchObject({
      name: 'ValidationException',
    });
    await expect(kms.send(new ListKeysCommand({}))).rejects.toThrow();
  });
});

describe('an HMAC key', () => {
  const hmac = arnOf('member-index');
  const Message = Buffer.from('a message');
  const mac = (more: object = {}) =>
    kms.send(new GenerateMacCommand({ KeyId: hmac, MacAlgorithm: 'HMAC_SHA_256', Message, ...more }));
  beforeAll(() => aws.kms.createKey(hmac, ['alias/p2p-local-member-index'], 'HMAC_256'));
  afterEach(() => aws.kms.enable(hmac));

  it('makes the same MAC of the same message, by its alias too, and another of another', async () => {
    const { Mac, KeyId: key, MacAlgorithm } = await mac();
    expect([Mac?.length, key, MacAlgorithm]).toEqual([32, hmac, 'HMAC_SHA_256']);
    expect((await mac({ KeyId: 'alias/p2p-local-member-index' })).Mac).toEqual(Mac);
    expect((await mac({ Message: Buffer.from('another') })).Mac).not.toEqual(Mac);
  });

  it('says what it is', async () => {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: hmac }));
    expect(KeyMetadata).toMatchObject({
      KeyUsage: 'GENERATE_VERIFY_MAC',
      KeySpec: 'HMAC_256',
      MacAlgorithms: ['HMAC_SHA_256'],
    });
  });

  it.each([
    ['an empty message', { Message: new Uint8Array() }, 'ValidationException'],
    ['more than 4,096 bytes', { Message: randomBytes(4097) }, 'ValidationException'],
    ['an algorithm of a longer key', { MacAlgorithm: 'HMAC_SHA_512' }, 'InvalidKeyUsageException'],
    ['a key that encrypts', { KeyId }, 'InvalidKeyUsageException'],
    ['a key that is not there', { KeyId: arnOf('none') }, 'NotFoundException'],
  ])('makes none of %s', async (_what, change, name) => {
    await expect(mac(change)).rejects.toMatchObject({ name });
  });

  it('encrypts nothing, and makes none while it is disabled', async () => {
    const encrypt = new EncryptCommand({ KeyId: hmac, Plaintext: Message });
    await expect(kms.send(encrypt)).rejects.toMatchObject({ name: 'InvalidKeyUsageException' });
    aws.kms.disable(hmac);
    await expect(mac()).rejects.toMatchObject({ name: 'DisabledException' });
  });
});

it('what the kick-off seals opens in the job of that export only, and calls are recorded with their context', async () => {
  aws.log.clear();
  const box = await sealForJob(kms, KeyId, randomBytes)('an-export', 'payer token', Buffer.from('token'));
  const open = openInJob(kms, KeyId);
  expect(String(await open('an-export', 'payer token', box))).toBe('token');
  await expect(open('another', 'payer token', box)).rejects.toMatchObject({ code: 'temporarily_unavailable' });
  const context = { export: 'an-export' };
  expect(aws.log.calls().slice(0, 2)).toEqual([
    { function: 'fetch', action: 'kms:GenerateDataKey', resource: KeyId, context },
    { function: 'fetch', action: 'kms:Decrypt', resource: KeyId, context },
  ]);
});
