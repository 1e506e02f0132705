import { isLive, readGrant, unsealPayerTokens } from '../../../../functions/shared/store/grant.ts';
import { consumeLoginAttempt } from '../../../../functions/shared/store/login-attempts.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';
import { sha256 } from '../../../../functions/shared/store/crypto.ts';

const now = 1_780_000_000;

describe('an item that is not whole', () => {
  it('is a grant that is dead, belongs to nobody and opens with no key', () => {
    const grant = readGrant({ accessHash: { S: 'hash' } });

    expect(isLive(grant, now)).toBe(false);
    expect(grant).toMatchObject({ payer: '', partner: '', scope: '', refreshable: false, endsAt: 0, codeExpiresAt: 0 });
    expect(grant.access).toEqual({ hash: 'hash', expiresAt: 0, scope: '' });
    expect(() => unsealPayerTokens(grant, new Uint8Array(32))).toThrow();
  });

  it('is a login attempt that gives nothing', async () => {
    const dynamo = memoryDynamo();
    const table = { client: dynamo.client, name: 'LoginAttempts' };
    const stateHash = sha256('state');
    const item = { stateHash: { S: stateHash }, payer: { S: 'x' }, expiresAt: { N: String(now + 1) } };
    const asked = { state: 'state', cookie: 'cookie', payer: 'x', now, requestId: 'request-2' };
    dynamo.items('LoginAttempts').set(stateHash, { ...item, usedAt: { N: '1' } });

    expect(await consumeLoginAttempt(table, asked)).toEqual({ outcome: 'finished', partner: '' });
    dynamo.items('LoginAttempts').set(stateHash, { ...item, cookieHash: { S: sha256('cookie') } });
    await expect(consumeLoginAttempt(table, asked)).rejects.toThrow();
  });
});
