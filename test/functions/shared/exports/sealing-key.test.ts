import { randomBytes } from 'node:crypto';
import { Decrypter, Encrypter } from 'age-encryption';
import {
  exportKeyObject,
  exportPrivateKey,
  exportPublicKey,
} from '../../../../functions/shared/exports/sealing-key.ts';
import { recipientOf } from '../../../support/sealed-export.ts';

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
