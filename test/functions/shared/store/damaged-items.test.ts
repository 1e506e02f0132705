import { sha256 } from '../../../../functions/shared/store/crypto.ts';
import { isLive, readGrant, unsealPayerTokens } from '../../../../functions/shared/store/grant-item.ts';
import { consumeLoginAttempt } from '../../../../functions/shared/store/login-attempts.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';
import { startAttempt } from './login-attempts-cases.ts';

const now = 1_780_000_000;

describe('an incomplete item', () => {
  it('is a dead grant that belongs to no one and opens with no key', () => {
    const grant = readGrant({ accessHash: { S: 'hash' } });

    expect(isLive(grant, now)).toBe(false);
    expect(grant).toMatchObject({ grantId: '', payer: '', partner: '', scope: [], codeHash: '', redirectUri: '' });
    expect(grant).toMatchObject({ refreshable: false, endsAt: 0, codeExpiresAt: 0 });
    expect(grant.access).toEqual({ hash: 'hash', expiresAt: 0, scope: [] });
    expect(() => unsealPayerTokens(grant, new Uint8Array(32))).toThrow();
  });

  it('is a login attempt that grants nothing', async () => {
    const dynamo = memoryDynamo();
    const table = { client: dynamo.client, name: 'LoginAttempts' };
    const stateHash = sha256('state');
    const item = { stateHash: { S: stateHash }, payer: { S: 'x' }, expiresAt: { N: String(now + 1) } };
    const asked = { state: 'state', cookie: 'cookie', payer: 'x', now, requestId: 'request-2' };
    dynamo.items('LoginAttempts').set(stateHash, { ...item, usedAt: { N: '1' } });

    expect(await consumeLoginAttempt(table, asked)).toEqual({ outcome: 'finished', partner: '' });
    dynamo.items('LoginAttempts').set(stateHash, { ...item, cookieHash: { S: sha256('cookie') } });
    await expect(consumeLoginAttempt(table, asked)).rejects.toThrow();
    dynamo
      .items('LoginAttempts')
      .set(stateHash, { stateHash: { S: stateHash }, payer: { S: 'x' }, usedAt: { N: '1' } });
    expect(await consumeLoginAttempt(table, asked)).toEqual({ outcome: 'expired', partner: '' });
  });

  it('is a login attempt that sends the member nowhere and grants nothing', async () => {
    const dynamo = memoryDynamo();
    const { consume } = await startAttempt({ client: dynamo.client, name: 'LoginAttempts' }, { refreshable: true });
    const [item] = dynamo.items('LoginAttempts').values();
    for (const name of ['partner', 'redirectUri', 'scope', 'refreshable']) delete item?.[name];

    expect(await consume()).toMatchObject({
      outcome: 'consumed',
      attempt: { partner: '', redirectUri: '', scope: [], refreshable: false },
    });
  });
});
