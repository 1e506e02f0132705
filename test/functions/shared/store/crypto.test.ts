import { randomBytes } from 'node:crypto';
import { deriveKey, sameHash, seal, sealIvBytes, sha256, unseal } from '../../../../functions/shared/store/crypto.ts';

describe('sealing', () => {
  const key = randomBytes(32);
  const sealed = seal(key, Buffer.from('payer tokens'), 'grant-1', randomBytes(sealIvBytes));

  it('is undone by the same key and binding', () => {
    expect(Buffer.from(unseal(key, sealed, 'grant-1')).toString()).toBe('payer tokens');
    expect(Buffer.from(sealed).toString('latin1')).not.toContain('payer');
  });

  it('is undone by no other key, at no other item, and with no bit changed', () => {
    expect(() => unseal(randomBytes(32), sealed, 'grant-1')).toThrow();
    expect(() => unseal(key, sealed, 'grant-2')).toThrow();
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(() => unseal(key, changed, 'grant-1')).toThrow();
    }
    expect(() => unseal(key, new Uint8Array(), 'grant-1')).toThrow();
  });
});

describe('hashes and keys', () => {
  it('are equal only if they are the same', () => {
    expect(sameHash(sha256('a'), sha256('a'))).toBe(true);
    expect(sameHash(sha256('a'), sha256('b'))).toBe(false);
    expect(sameHash(undefined, sha256('a'))).toBe(false);
    expect(sameHash(sha256('a'), '')).toBe(false);
  });

  it('of different purposes are different', () => {
    const secret = randomBytes(32);

    expect(deriveKey(secret, Buffer.alloc(0), 'one')).not.toEqual(deriveKey(secret, Buffer.alloc(0), 'other'));
  });
});
