import { randomBytes } from 'node:crypto';
import {
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateMacCommand,
  type DecryptCommandInput,
  type GenerateDataKeyCommandInput,
  type GenerateMacCommandInput,
  type KMSClient,
} from '@aws-sdk/client-kms';
import { casesFrom, type Case } from './contract.ts';

/** A KMS in which keys can be made, disabled and enabled. */
export interface Kms {
  readonly client: KMSClient;
  /** Makes a key with an alias. */
  readonly makeKey: (alias: string, kind: 'SYMMETRIC_DEFAULT' | 'HMAC_256') => Promise<string>;
  readonly setEnabled: (arn: string, isEnabled: boolean) => Promise<void>;
}

const reference = 'https://docs.aws.amazon.com/kms/latest/APIReference';
const dataKeys = casesFrom<Kms>(`${reference}/API_GenerateDataKey.html`);
const decrypting = casesFrom<Kms>(`${reference}/API_Decrypt.html`);
const encrypting = casesFrom<Kms>(`${reference}/API_Encrypt.html`);
const macs = casesFrom<Kms>(`${reference}/API_GenerateMac.html`);
const describing = casesFrom<Kms>(`${reference}/API_DescribeKey.html`);
const states = casesFrom<Kms>('https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html');

const EncryptionContext = { export: 'a', also: 'b' };
const unknownKey = 'arn:aws:kms:us-east-1:000000000000:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';

let made = 0;
/** Makes a key that no other case knows. */
const freshKey = async ({ makeKey }: Kms, kind: 'SYMMETRIC_DEFAULT' | 'HMAC_256' = 'SYMMETRIC_DEFAULT') => {
  const alias = `alias/p2p-contract-${(made += 1)}`;
  return { arn: await makeKey(alias, kind), alias };
};
const dataKey = ({ client }: Kms, KeyId: string, more: Partial<GenerateDataKeyCommandInput> = { KeySpec: 'AES_256' }) =>
  client.send(new GenerateDataKeyCommand({ KeyId, EncryptionContext, ...more }));
const open = ({ client }: Kms, CiphertextBlob: Uint8Array | undefined, more: Partial<DecryptCommandInput> = {}) =>
  client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext, ...more }));
const encrypt = ({ client }: Kms, KeyId: string, Plaintext: Uint8Array) =>
  client.send(new EncryptCommand({ KeyId, Plaintext, EncryptionContext }));
const mac = ({ client }: Kms, KeyId: string, more: Partial<GenerateMacCommandInput> = {}) =>
  client.send(
    new GenerateMacCommand({ KeyId, MacAlgorithm: 'HMAC_SHA_256', Message: Buffer.from('a message'), ...more }),
  );
const refuses = (sending: Promise<unknown>, name: string) => expect(sending).rejects.toMatchObject({ name });
const damaged = (bytes: Uint8Array): Buffer => {
  const changed = Buffer.from(bytes);
  changed.writeUInt8((changed.at(-1) ?? 0) ^ 1, changed.length - 1);
  return changed;
};

/** What KMS does with what functions and tools send. */
export const kmsCases: readonly Case<Kms>[] = [
  dataKeys('KMS makes data keys, each a new one, and opens them again', async (target) => {
    const { arn } = await freshKey(target);
    const [one, two] = [await dataKey(target, arn), await dataKey(target, arn)];
    expect(one).toMatchObject({ KeyId: arn });
    expect(one.Plaintext).not.toEqual(two.Plaintext);
    expect(await open(target, one.CiphertextBlob, { KeyId: arn })).toMatchObject({
      KeyId: arn,
      Plaintext: one.Plaintext,
    });
  }),
  ...(
    [
      [{ KeySpec: 'AES_256' }, 32],
      [{ KeySpec: 'AES_128' }, 16],
      [{ NumberOfBytes: 1 }, 1],
      [{ NumberOfBytes: 1024 }, 1024],
    ] as const
  ).map(([size, bytes]) =>
    dataKeys(`KMS makes a data key of ${JSON.stringify(size)} with ${bytes} bytes`, async (target) => {
      const { arn } = await freshKey(target);
      expect((await dataKey(target, arn, size)).Plaintext).toHaveLength(bytes);
    }),
  ),
  ...[{}, { KeySpec: 'AES_256', NumberOfBytes: 32 } as const, { NumberOfBytes: 0 }, { NumberOfBytes: 1025 }].map(
    (size) =>
      dataKeys(`KMS makes no data key of ${JSON.stringify(size)}`, async (target) => {
        const { arn } = await freshKey(target);
        await refuses(dataKey(target, arn, size), 'ValidationException');
      }),
  ),
  dataKeys('KMS makes no data key with a key that does not exist', async (target) => {
    await refuses(dataKey(target, unknownKey), 'NotFoundException');
  }),
  decrypting('KMS finds the key of a ciphertext by itself', async (target) => {
    const { arn } = await freshKey(target);
    const { CiphertextBlob, Plaintext } = await dataKey(target, arn);
    expect(await open(target, CiphertextBlob)).toMatchObject({ KeyId: arn, Plaintext });
  }),
  decrypting('KMS opens a ciphertext with the pairs of its context in any order', async (target) => {
    const { CiphertextBlob, Plaintext } = await dataKey(target, (await freshKey(target)).arn);
    const opened = await open(target, CiphertextBlob, { EncryptionContext: { also: 'b', export: 'a' } });
    expect(opened.Plaintext).toEqual(Plaintext);
  }),
  ...(
    [
      ['another value in its context', { export: 'x', also: 'b' }],
      ['another name in its context', { exports: 'a', also: 'b' }],
      ['part of its context', { export: 'a' }],
      ['more than its context', { ...EncryptionContext, third: 'c' }],
      ['no context', undefined],
    ] as const
  ).map(([what, context]) =>
    decrypting(`KMS opens no ciphertext with ${what}`, async (target) => {
      const { CiphertextBlob } = await dataKey(target, (await freshKey(target)).arn);
      const sending = open(target, CiphertextBlob, { EncryptionContext: context as Record<string, string> });
      await refuses(sending, 'InvalidCiphertextException');
    }),
  ),
  decrypting('KMS opens no damaged ciphertext, and none that it did not make', async (target) => {
    const { arn } = await freshKey(target);
    const { CiphertextBlob = new Uint8Array() } = await dataKey(target, arn);
    await refuses(open(target, damaged(CiphertextBlob), { KeyId: arn }), 'InvalidCiphertextException');
    await refuses(open(target, Buffer.alloc(80, 1)), 'InvalidCiphertextException');
    await refuses(open(target, Buffer.alloc(80, 1), { KeyId: arn }), 'InvalidCiphertextException');
  }),
  decrypting('KMS opens no ciphertext of another key', async (target) => {
    const { CiphertextBlob } = await dataKey(target, (await freshKey(target)).arn);
    const { arn: other } = await freshKey(target);
    await refuses(open(target, CiphertextBlob, { KeyId: other }), 'IncorrectKeyException');
  }),
  encrypting('KMS encrypts from 1 to 4,096 bytes, and refuses none and one more', async (target) => {
    const { arn } = await freshKey(target);
    for (const legal of [1, 4096]) {
      const Plaintext = new Uint8Array(randomBytes(legal));
      const { CiphertextBlob } = await encrypt(target, arn, Plaintext);
      expect((await open(target, CiphertextBlob)).Plaintext).toEqual(Plaintext);
    }
    for (const illegal of [0, 4097]) await refuses(encrypt(target, arn, randomBytes(illegal)), 'ValidationException');
  }),
  encrypting('KMS says by which algorithm it encrypted and decrypted', async (target) => {
    const sealed = await encrypt(target, (await freshKey(target)).arn, Buffer.from('a'));
    const opened = await open(target, sealed.CiphertextBlob);
    const both = [sealed, opened].map(({ EncryptionAlgorithm }) => EncryptionAlgorithm);
    expect(both).toEqual(['SYMMETRIC_DEFAULT', 'SYMMETRIC_DEFAULT']);
  }),
  encrypting('KMS knows a key by its ARN, its id, its alias and the ARN of that', async (target) => {
    const { arn, alias } = await freshKey(target);
    for (const name of [arn, arn.replace(/^.*:key\//, ''), alias, arn.replace(/key\/.*$/, alias)]) {
      expect((await encrypt(target, name, Buffer.from('a'))).KeyId).toBe(arn);
    }
  }),
  macs('KMS makes the same MAC of the same message, by an alias too, and another of another', async (target) => {
    const { arn, alias } = await freshKey(target, 'HMAC_256');
    const { Mac, KeyId, MacAlgorithm } = await mac(target, arn);
    expect([Mac?.length, KeyId, MacAlgorithm]).toEqual([32, arn, 'HMAC_SHA_256']);
    expect((await mac(target, alias)).Mac).toEqual(Mac);
    expect((await mac(target, arn, { Message: Buffer.from('another') })).Mac).not.toEqual(Mac);
    expect((await mac(target, (await freshKey(target, 'HMAC_256')).arn)).Mac).not.toEqual(Mac);
  }),
  macs('KMS makes a MAC of 1 to 4,096 bytes, and refuses none and one more', async (target) => {
    const { arn } = await freshKey(target, 'HMAC_256');
    for (const legal of [1, 4096])
      expect((await mac(target, arn, { Message: randomBytes(legal) })).Mac).toHaveLength(32);
    for (const illegal of [0, 4097]) {
      await refuses(mac(target, arn, { Message: randomBytes(illegal) }), 'ValidationException');
    }
  }),
  ...(['HMAC_SHA_224', 'HMAC_SHA_384', 'HMAC_SHA_512'] as const).map((MacAlgorithm) =>
    macs(`KMS makes no MAC by ${MacAlgorithm} with a key of 256 bits`, async (target) => {
      const { arn } = await freshKey(target, 'HMAC_256');
      await refuses(mac(target, arn, { MacAlgorithm }), 'InvalidKeyUsageException');
    }),
  ),
  macs('KMS makes no MAC with a key that encrypts, nor with one that does not exist', async (target) => {
    await refuses(mac(target, (await freshKey(target)).arn), 'InvalidKeyUsageException');
    await refuses(mac(target, unknownKey), 'NotFoundException');
  }),
  encrypting('KMS encrypts nothing with a key that makes MACs', async (target) => {
    const { arn } = await freshKey(target, 'HMAC_256');
    await refuses(encrypt(target, arn, Buffer.from('a')), 'InvalidKeyUsageException');
    await refuses(dataKey(target, arn), 'InvalidKeyUsageException');
  }),
  describing('KMS describes a key that encrypts', async (target) => {
    const { arn, alias } = await freshKey(target);
    for (const KeyId of [arn, alias]) {
      const { KeyMetadata } = await target.client.send(new DescribeKeyCommand({ KeyId }));
      expect(KeyMetadata).toMatchObject({
        Arn: arn,
        KeyId: arn.replace(/^.*:key\//, ''),
        Enabled: true,
        KeyState: 'Enabled',
        KeyUsage: 'ENCRYPT_DECRYPT',
        KeySpec: 'SYMMETRIC_DEFAULT',
      });
    }
  }),
  describing('KMS describes a key that makes MACs', async (target) => {
    const { arn: KeyId } = await freshKey(target, 'HMAC_256');
    const { KeyMetadata } = await target.client.send(new DescribeKeyCommand({ KeyId }));
    expect(KeyMetadata).toMatchObject({
      KeyUsage: 'GENERATE_VERIFY_MAC',
      KeySpec: 'HMAC_256',
      MacAlgorithms: ['HMAC_SHA_256'],
    });
  }),
  describing('KMS describes no key that does not exist', async ({ client }) => {
    await refuses(client.send(new DescribeKeyCommand({ KeyId: unknownKey })), 'NotFoundException');
  }),
  states(
    'KMS neither encrypts nor decrypts with a disabled key until it is enabled, and describes it',
    async (target) => {
      const { arn } = await freshKey(target);
      const { CiphertextBlob, Plaintext } = await dataKey(target, arn);
      await target.setEnabled(arn, false);
      await refuses(dataKey(target, arn), 'DisabledException');
      await refuses(encrypt(target, arn, Buffer.from('a')), 'DisabledException');
      await refuses(open(target, CiphertextBlob), 'DisabledException');
      const { KeyMetadata } = await target.client.send(new DescribeKeyCommand({ KeyId: arn }));
      expect(KeyMetadata).toMatchObject({ Enabled: false, KeyState: 'Disabled' });
      await target.setEnabled(arn, true);
      expect((await open(target, CiphertextBlob)).Plaintext).toEqual(Plaintext);
    },
  ),
  states('KMS makes no MAC with a disabled key', async (target) => {
    const { arn } = await freshKey(target, 'HMAC_256');
    await target.setEnabled(arn, false);
    await refuses(mac(target, arn), 'DisabledException');
  }),
];
