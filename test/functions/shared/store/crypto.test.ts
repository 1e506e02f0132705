import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import {
  bearerSizes,
  codeWrapKey,
  familyHash,
  readAccessToken,
  readCode,
  readRefreshToken,
  readSystemToken,
  successors,
  writeBearer,
} from '../../../../functions/shared/store/bearers.ts';
import { deriveKey, sameHash, seal, sealIvBytes, sha256, unseal } from '../../../../functions/shared/store/crypto.ts';
import { isLive, readGrant, unsealPayerTokens } from '../../../../functions/shared/store/grant-item.ts';
import { consumeLoginAttempt } from '../../../../functions/shared/store/login-attempts.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';
import { startAttempt } from './login-attempts-cases.ts';

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

const grantId = randomBytes(bearerSizes.id).toString('base64url');
const id = Buffer.from(grantId, 'base64url');
const [grantKey, familySecret, secret] = [randomBytes(32), randomBytes(32), randomBytes(32)];
const access = { kind: 'access', grantId, grantKey, secret } as const;
const refresh = { kind: 'refresh', grantId, grantKey, familySecret, secret } as const;
const code = { kind: 'code', grantId, secret } as const;
const system = { kind: 'system', secret } as const;
const readers = [readAccessToken, readRefreshToken, readCode, readSystemToken];
const kinds = [
  ['access', access, readAccessToken],
  ['refresh', refresh, readRefreshToken],
  ['code', code, readCode],
  ['system', system, readSystemToken],
] as const;

describe('a bearer', () => {
  it('is read as it was written, by its own reader only', () => {
    const written = [access, refresh, code, system].map(writeBearer);

    expect(written.map((text) => text.slice(0, 5))).toEqual(['p2pa_', 'p2pr_', 'p2pc_', 'p2ps_']);
    expect(readAccessToken(written[0]!)).toEqual(access);
    expect(readRefreshToken(written[1]!)).toEqual(refresh);
    expect(readCode(written[2]!)).toEqual(code);
    expect(readSystemToken(written[3]!)).toEqual(system);
    for (const [index, text] of written.entries()) {
      expect(readers.filter((read) => read(text) !== undefined)).toEqual([readers[index]]);
    }
  });

  it.each([
    ['access', access, 'p2pa_', [id, grantKey, secret]],
    ['refresh', refresh, 'p2pr_', [id, grantKey, familySecret, secret]],
    ['code', code, 'p2pc_', [id, secret]],
    ['system', system, 'p2ps_', [secret]],
  ] as const)('%s is its prefix, its parts and four bytes of their SHA-256', (_, bearer, prefix, parts) => {
    const body = Buffer.concat(parts);
    const checksum = createHash('sha256').update(prefix).update(body).digest().subarray(0, 4);

    expect(writeBearer(bearer)).toBe(prefix + Buffer.concat([body, checksum]).toString('base64url'));
  });

  it.each(kinds)('%s with any one character changed, cut or added is recognized as malformed', (_, bearer, read) => {
    const text = writeBearer(bearer);

    for (let at = 0; at < text.length; at += 1) {
      const other = text[at] === 'A' ? 'B' : 'A';
      expect(read(text.slice(0, at) + other + text.slice(at + 1))).toBeUndefined();
      expect(read(text.slice(0, at) + text.slice(at + 1))).toBeUndefined();
    }
    for (const change of [`${text}A`, `${text}=`, ` ${text}`, `${text}\n`, text.toUpperCase(), '', text.slice(0, 5)]) {
      expect(read(change)).toBeUndefined();
    }
  });

  it.each(kinds)('%s in a second spelling of the same bytes is not a bearer', (_, bearer, read) => {
    const text = writeBearer({ ...bearer, secret: Buffer.alloc(bearerSizes.secret, 0xff) });
    const bytesOf = (spelling: string) => Buffer.from(spelling.slice(5), 'base64url').toString('hex');
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const spellings = [
      text.slice(0, 5) + text.slice(5).replaceAll('_', '/'),
      `${text.slice(0, 20)} ${text.slice(20)}`,
      ...Array.from(alphabet, (last) => text.slice(0, -1) + last),
    ].filter((spelling) => spelling !== text && bytesOf(spelling) === bytesOf(text));

    expect(spellings.length).toBeGreaterThanOrEqual(2);
    for (const spelling of spellings) expect(read(spelling)).toBeUndefined();
  });

  it('under another prefix is not a bearer, even with the right length', () => {
    expect(readAccessToken(writeBearer(access).replace('p2pa_', 'p2pc_'))).toBeUndefined();
  });

  it('carries the key of its grant, but a code does not', () => {
    const carries = (text: string) => Buffer.from(text.slice(5), 'base64url').includes(grantKey);

    expect(carries(writeBearer(access))).toBe(true);
    expect(carries(writeBearer(code))).toBe(false);
  });
});

describe('the successor pair', () => {
  const salt = randomBytes(32);

  it('is the same for the same token and salt, and another for another salt', () => {
    const [first, again, other] = [
      successors(refresh, salt),
      successors(refresh, salt),
      successors(refresh, randomBytes(32)),
    ];

    expect(first).toEqual(again);
    expect(first.access.secret).not.toEqual(other.access.secret);
    expect(first.access.secret).not.toEqual(first.refresh.secret);
  });

  it('and a code’s key are derived the same way in every release, since issued ones would end otherwise', () => {
    const derived = (info: string, over: Uint8Array | string) =>
      new Uint8Array(hkdfSync('sha256', secret, over, info, 32));

    expect(successors(refresh, salt).access.secret).toEqual(derived('p2p access token', salt));
    expect(successors(refresh, salt).refresh.secret).toEqual(derived('p2p refresh token', salt));
    expect(codeWrapKey(code)).toEqual(derived('p2p code wrap', grantId));
  });

  it('stays in the grant and the family', () => {
    const pair = successors(refresh, salt);

    expect(pair.access).toMatchObject({ grantId, grantKey });
    expect(familyHash(pair.refresh)).toBe(familyHash(refresh));
    expect(familyHash({ grantKey, familySecret: secret })).not.toBe(familyHash(refresh));
  });
});

const nowSeconds = 1_780_000_000;

describe('an incomplete item', () => {
  it('is a dead grant that belongs to no one and opens with no key', () => {
    const grant = readGrant({ accessHash: { S: 'hash' } });

    expect(isLive(grant, nowSeconds)).toBe(false);
    expect(grant).toMatchObject({ grantId: '', payer: '', partner: '', scope: [], codeHash: '', redirectUri: '' });
    expect(grant).toMatchObject({ refreshable: false, endsAt: 0, codeExpiresAt: 0 });
    expect(grant.access).toEqual({ hash: 'hash', expiresAt: 0, scope: [] });
    expect(() => unsealPayerTokens(grant, new Uint8Array(32))).toThrow();
  });

  it('is a login attempt that grants nothing', async () => {
    const dynamo = memoryDynamo();
    const table = { client: dynamo.client, name: 'LoginAttempts' };
    const stateHash = sha256('state');
    const item = { stateHash: { S: stateHash }, payer: { S: 'x' }, expiresAt: { N: String(nowSeconds + 1) } };
    const asked = { state: 'state', cookie: 'cookie', payer: 'x', now: nowSeconds, requestId: 'request-2' };
    dynamo.items('LoginAttempts').set(stateHash, { ...item, usedAt: { N: '1' } });

    expect(await consumeLoginAttempt(table, asked)).toEqual({ outcome: 'finished', partner: '' });
    dynamo.items('LoginAttempts').set(stateHash, { ...item, cookieHash: { S: sha256('cookie') } });
    await expect(consumeLoginAttempt(table, asked)).rejects.toThrow();
    dynamo
      .items('LoginAttempts')
      .set(stateHash, { stateHash: { S: stateHash }, payer: { S: 'x' }, usedAt: { N: '1' } });
    expect(await consumeLoginAttempt(table, asked)).toEqual({ outcome: 'expired', partner: '' });
  });

  it('is a login attempt that does not open', async () => {
    const dynamo = memoryDynamo();
    const { consume } = await startAttempt({ client: dynamo.client, name: 'LoginAttempts' }, { refreshable: true });
    const [item] = dynamo.items('LoginAttempts').values();
    for (const name of ['partner', 'redirectUri', 'scope', 'refreshable']) delete item?.[name];

    await expect(consume()).rejects.toMatchObject({ code: 'server_error' });
  });
});
