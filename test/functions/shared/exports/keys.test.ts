import { randomBytes } from 'node:crypto';
import {
  DecryptCommand,
  GenerateDataKeyCommand,
  type DecryptCommandInput,
  type GenerateDataKeyCommandInput,
  type KMSClient,
} from '@aws-sdk/client-kms';
import { Decrypter, Encrypter } from 'age-encryption';
import { kmsClient } from '../../../../functions/shared/aws/kms-client.ts';
import { base64url } from '../../../../functions/shared/base64url.ts';
import { exportIdBytes, grantOfExport, makeExportId } from '../../../../functions/shared/exports/export-id.ts';
import { openInJob, sealForJob } from '../../../../functions/shared/exports/seal-for-job.ts';
import {
  exportKeyObject,
  exportPrivateKey,
  exportPublicKey,
} from '../../../../functions/shared/exports/sealing-key.ts';
import { recipientOf } from '../../../support/sealed-export.ts';

const grantId = base64url(randomBytes(16));

describe("an export's id", () => {
  it('begins with its grant’s, by which its item is found', () => {
    const id = makeExportId(grantId, randomBytes(exportIdBytes));
    expect(id).toMatch(/^[\w-]{44}$/);
    expect(grantOfExport(id)).toBe(grantId);
  });

  it('is another one each time, for the same grant', () => {
    const ids = Array.from({ length: 100 }, () => makeExportId(grantId, randomBytes(exportIdBytes)));
    expect(new Set(ids).size).toBe(100);
  });

  it('is a legal name of a durable execution, with room for a successor’s number', () => {
    expect(`${makeExportId(grantId, randomBytes(exportIdBytes))}-99`).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
  });

  it.each(['', 'x', 'A'.repeat(43), 'A'.repeat(45), `${'A'.repeat(43)}.`, `${'A'.repeat(44)}\n`, `${'A'.repeat(44)}/`])(
    'is not %j',
    (text) => {
      expect(grantOfExport(text)).toBeUndefined();
    },
  );
});

describe("the key of an export's files", () => {
  it('is made of the grant’s key and the export’s secret, and of nothing less', () => {
    const grantKey = randomBytes(32);
    const secret = randomBytes(32);
    const key = exportPrivateKey(grantKey, secret);
    expect(key).toHaveLength(32);
    expect(exportPrivateKey(grantKey, secret)).toEqual(key);
    expect(exportPrivateKey(randomBytes(32), secret)).not.toEqual(key);
    expect(exportPrivateKey(grantKey, randomBytes(32))).not.toEqual(key);
  });

  it('has a public half that tells nothing of the private one, and that age’s own library takes', async () => {
    const key = exportPrivateKey(randomBytes(32), randomBytes(32));
    const publicKey = exportPublicKey(key);
    expect(publicKey).toHaveLength(32);
    expect(publicKey).not.toEqual(key);

    const encrypter = new Encrypter();
    encrypter.addRecipient(await recipientOf(key));
    const sealed = await encrypter.encrypt('a line\n');
    const decrypter = new Decrypter();
    const pkcs8 = Uint8Array.from(exportKeyObject(key).export({ format: 'der', type: 'pkcs8' }));
    decrypter.addIdentity(await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'X25519' }, false, ['deriveBits']));
    expect(await decrypter.decrypt(sealed, 'text')).toBe('a line\n');
  });
});

const keyId = 'arn:aws:kms:eu-central-1:111122223333:key/exports';

interface Context {
  readonly key: Uint8Array;
  readonly context: string;
}

/** A minimal KMS for boxes: a wrapped key opens only with the key and the context that it was made with. */
const fakeKms = () => {
  const wrapped = new Map<string, Context>();
  const asked: (GenerateDataKeyCommandInput | DecryptCommandInput)[] = [];
  let failure: Error | undefined;
  const send = async (command: object): Promise<object> => {
    if (failure !== undefined) throw failure;
    if (command instanceof GenerateDataKeyCommand) {
      asked.push(command.input);
      const key = randomBytes(32);
      const blob = randomBytes(184);
      wrapped.set(blob.toString('hex'), { key, context: JSON.stringify(command.input.EncryptionContext) });
      return { Plaintext: key, CiphertextBlob: blob };
    }
    if (command instanceof DecryptCommand) {
      asked.push(command.input);
      const found = wrapped.get(Buffer.from(command.input.CiphertextBlob ?? []).toString('hex'));
      if (found?.context !== JSON.stringify(command.input.EncryptionContext)) {
        throw Object.assign(new Error('context'), { name: 'InvalidCiphertextException' });
      }
      return { Plaintext: found.key };
    }
    throw new Error(command.constructor.name);
  };
  return {
    client: { send } as unknown as KMSClient,
    asked,
    failWith: (name: string) => void (failure = Object.assign(new Error('secret text'), { name })),
    answerNothing: () => ({ send: async () => ({}) }) as unknown as KMSClient,
  };
};

const value = Buffer.from('a payer token');

describe('a value sealed for the job', () => {
  it('opens for the same export and purpose', async () => {
    const { client, asked } = fakeKms();
    const box = await sealForJob(client, keyId, randomBytes)('export-1', 'payer token', value);
    expect(Buffer.from(box).includes(value)).toBe(false);
    expect(Buffer.from(await openInJob(client, keyId)('export-1', 'payer token', box))).toEqual(value);
    expect(asked).toEqual([
      { KeyId: keyId, KeySpec: 'AES_256', EncryptionContext: { export: 'export-1' } },
      expect.objectContaining({ KeyId: keyId, EncryptionContext: { export: 'export-1' } }),
    ]);
  });

  it('does not open for another export, for another purpose, or if a bit of it changed', async () => {
    const { client } = fakeKms();
    const open = openInJob(client, keyId);
    const box = Buffer.from(await sealForJob(client, keyId, randomBytes)('export-1', 'payer token', value));
    await expect(open('export-2', 'payer token', box)).rejects.toMatchObject({ code: 'temporarily_unavailable' });
    await expect(open('export-1', 'state key', box)).rejects.toThrow();
    await expect(open('export-1', 'payer token', box, 'columns')).rejects.toThrow('authenticate');
    box[box.length - 1]! ^= 1;
    await expect(open('export-1', 'payer token', box)).rejects.toThrow();
  });

  it('that is bound to more opens for the same alone', async () => {
    const { client, asked } = fakeKms();
    const [seal, open] = [sealForJob(client, keyId, randomBytes), openInJob(client, keyId)];
    const box = await seal('export-1', 'state key', value, 'columns');
    expect(Buffer.from(await open('export-1', 'state key', box, 'columns'))).toEqual(value);
    // The key policy allows this context and no other.
    expect(asked.map(({ EncryptionContext }) => EncryptionContext)).toEqual(asked.map(() => ({ export: 'export-1' })));
    for (const bound of ['other columns', '', undefined])
      await expect(open('export-1', 'state key', box, bound)).rejects.toThrow('authenticate');
  });

  it('has another data key each time', async () => {
    const { client } = fakeKms();
    const seal = sealForJob(client, keyId, randomBytes);
    const [one, two] = [await seal('e', 'state key', value), await seal('e', 'state key', value)];
    expect(Buffer.from(one).equals(Buffer.from(two))).toBe(false);
  });

  it.each(['DisabledException', 'KMSInvalidStateException', 'ThrottlingException', 'AccessDeniedException'])(
    'is neither made nor opened while the key answers %s: try again, and the log has the name alone',
    async (name) => {
      const kms = fakeKms();
      const box = await sealForJob(kms.client, keyId, randomBytes)('e', 'state key', value);
      kms.failWith(name);
      const expected = { code: 'temporarily_unavailable', detail: `kms: ${name}` };
      await expect(sealForJob(kms.client, keyId, randomBytes)('e', 'state key', value)).rejects.toMatchObject(expected);
      await expect(openInJob(kms.client, keyId)('e', 'state key', box)).rejects.toMatchObject(expected);
    },
  );

  it('is not made without a data key', async () => {
    const { client, answerNothing } = fakeKms();
    const box = await sealForJob(client, keyId, randomBytes)('e', 'state key', value);
    const expected = { code: 'temporarily_unavailable' };
    await expect(sealForJob(answerNothing(), keyId, randomBytes)('e', 'state key', value)).rejects.toMatchObject(
      expected,
    );
    await expect(openInJob(answerNothing(), keyId)('e', 'state key', box)).rejects.toMatchObject(expected);
  });
});

describe('the client', () => {
  it('gives up within seconds', async () => {
    Object.assign(process.env, { AWS_REGION: 'eu-central-1' });
    const client = kmsClient();
    expect(await client.config.maxAttempts()).toBe(3);
    client.destroy();
  });
});
