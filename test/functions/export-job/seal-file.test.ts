import { randomBytes } from 'node:crypto';
import { Decrypter } from 'age-encryption';
import { reusedBlocks } from '../../../functions/export-job/age/blocks.ts';
import { sealFile } from '../../../functions/export-job/age/seal-file.ts';
import { exportKeyObject, exportPublicKey } from '../../../functions/shared/exports/sealing-key.ts';

/** Opens a file with the age library. */
const openWithLibrary = async (privateKey: Uint8Array, sealed: Uint8Array): Promise<Buffer> => {
  const decrypter = new Decrypter();
  const pkcs8 = Uint8Array.from(exportKeyObject(privateKey).export({ format: 'der', type: 'pkcs8' }));
  decrypter.addIdentity(await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'X25519' }, false, ['deriveBits']));
  return Buffer.from(await decrypter.decrypt(sealed));
};

describe('a sealed file', () => {
  const privateKey = randomBytes(32);
  const recipient = exportPublicKey(privateKey);
  const chunk = 64 * 1024;

  it.each([0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk, 3 * chunk + 17])(
    'of %i bytes opens with the library of age, however it was written',
    async (length) => {
      const plain = randomBytes(length);
      for (const size of [977, chunk, length + 1]) {
        const file = sealFile(recipient, randomBytes, reusedBlocks());
        for (let at = 0; at < length; at += size) file.write(plain.subarray(at, at + size));
        expect((await openWithLibrary(privateKey, file.end())).equals(plain)).toBe(true);
      }
    },
  );

  it('does not open with another key', async () => {
    const file = sealFile(recipient, randomBytes, reusedBlocks());
    file.write(Buffer.from('a line\n'));
    await expect(openWithLibrary(randomBytes(32), file.end())).rejects.toThrow();
  });

  it('is not sealed to a public key of low order, for which everyone knows the secret', () => {
    expect(() => sealFile(new Uint8Array(32), randomBytes, reusedBlocks())).toThrow();
  });

  it('holds nothing that an equal file holds, except the format’s own words', () => {
    const [one, other] = [0, 1].map(() => {
      const file = sealFile(recipient, randomBytes, reusedBlocks());
      file.write(Buffer.alloc(100));
      return file.end();
    });
    expect(one!.subarray(0, 32)).toEqual(other!.subarray(0, 32));
    expect(one!.subarray(-116)).not.toEqual(other!.subarray(-116));
  });
});
