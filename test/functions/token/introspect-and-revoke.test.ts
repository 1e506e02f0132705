import { randomBytes } from 'node:crypto';
import { parseScopes } from '../../../functions/shared/scopes/scopes.ts';
import { readAccessToken } from '../../../functions/shared/store/bearers.ts';
import { readGrant, sealPayerTokens } from '../../../functions/shared/store/grant-item.ts';
import { storePayerTokens } from '../../../functions/shared/store/grants.ts';
import { startMs } from '../../support/gateway.ts';
import { bodyOf, formOf, gateway, northwindTokens, withPartner, withPayer } from '../../support/login.ts';
import { readsOf } from '../../support/stale-reads.ts';

const inactive = '{"active":false}';

describe('introspection', () => {
  it('tells what the partner’s registration leaves of the scope now, and never more than was granted', async () => {
    const test = gateway();
    const { access_token: access, refresh_token: refresh } = await test.connect({
      scope: 'patient/Condition.rs patient/Observation.rs offline_access',
    });
    const scopeUnder = async (token: string, ...scopes: string[]) => {
      const { introspect } = test.reconfigured(withPartner('demo-partner', { scopes }));
      const { active, scope } = bodyOf(await introspect({ token }));
      return active === true ? scope : undefined;
    };

    for (const token of [access, refresh]) {
      expect(await scopeUnder(token, 'patient/Condition.r', 'offline_access')).toBe(
        'patient/Condition.r offline_access',
      );
      expect(await scopeUnder(token, 'patient/*.rs', 'launch/patient', 'offline_access')).toBe(
        'patient/Condition.rs patient/Observation.rs offline_access',
      );
      expect(await scopeUnder(token, 'patient/Claim.rs', 'offline_access')).toBe('offline_access');
    }
    // Without offline_access a refresh token is useless.
    expect(await scopeUnder(access, 'patient/*.rs')).toBe('patient/Condition.rs patient/Observation.rs');
    expect(await scopeUnder(refresh, 'patient/*.rs')).toBeUndefined();
  });

  it('and a refresh tell what the payer has left of the grant since, with its filter, and nothing beyond it is given again', async () => {
    const test = gateway();
    const scope = 'patient/Condition.rs patient/Observation.rs offline_access';
    const { access_token: access, refresh_token: refresh } = await test.connect({ scope });
    const items = test.dynamo.items('Grants');
    const grantId = [...items.keys()][0]!;
    const [one, other] = ['laboratory', 'survey'].map((category) => `patient/Observation.rs?category=${category}`);
    const left = `${one} ${other} offline_access`;
    const granted = readGrant(items.get(grantId) ?? {});
    const { grantKey = new Uint8Array() } = readAccessToken(access) ?? {};
    const now = { ...granted, scope: parseScopes(left) };
    const sealed = sealPayerTokens({ accessToken: 'next' }, { grant: now, grantKey, iv: randomBytes(12) });
    const at = { now: startMs / 1000, requestId: 'a-read' };
    expect(await storePayerTokens(test.deps.grants, granted, { sealed, scope: now.scope, ...at })).toBe(true);

    for (const token of [access, refresh]) expect(bodyOf(await test.introspect({ token })).scope).toBe(left);
    expect(bodyOf(await test.refresh(refresh, { scope })).error).toBe('invalid_scope');
    // The payer applies both to each read: a token for one of them would read both.
    expect(bodyOf(await test.refresh(refresh, { scope: `${one} offline_access` })).error).toBe('invalid_scope');
    const again = bodyOf(await test.refresh(refresh, { scope: left }));
    expect(again.scope.split(' ').toSorted()).toEqual(left.split(' ').toSorted());
    expect(bodyOf(await test.introspect({ token: again.access_token })).scope).toBe(again.scope);
    expect(bodyOf(await test.refresh(again.refresh_token)).scope).toBe(left);
  });

  it('follows the kill switch', async () => {
    const test = gateway();
    const { access_token: token } = await test.connect();

    const response = await test.reconfigured(withPartner('demo-partner', { payers: [] })).introspect({ token });

    expect(response.body).toBe(inactive);
  });
});

describe('revoking', () => {
  it.each(['access_token', 'refresh_token'] as const)('by the %s ends the grant, with 200 and {}', async (kind) => {
    const { connect, revoke, refresh, isActive, grant } = gateway();
    const pair = await connect();

    const response = await revoke({ token: pair[kind] });

    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({ 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    expect(response.body).toBe('{}');
    expect(await isActive(pair.access_token)).toBe(false);
    expect(bodyOf(await refresh(pair.refresh_token)).error).toBe('invalid_grant');
    expect(grant()['lastEvent']?.M?.['reason']).toEqual({ S: 'byPartner' });
    expect(grant()['sealedPayerTokens']).toBeUndefined();
  });

  it('sends the payer its access token if it gave no refresh token', async () => {
    const { login, redeem, revoke, payer } = gateway();
    payer.http = async () => Response.json({ ...northwindTokens, refresh_token: undefined });
    const { access_token: token } = bodyOf(await redeem(await login()));

    await revoke({ token });

    expect(formOf(payer.requests.at(-1)?.init).get('token')).toBe('payer-access-token');
  });

  it.each([
    ['fails', {}],
    ['has no revocation endpoint', { revocationEndpoint: undefined }],
  ])('succeeds if the payer %s', async (_, change) => {
    const test = gateway();
    const { revoke } = test.reconfigured(withPayer('northwind', change));
    const pair = await test.connect();
    test.payer.http = () => Promise.reject(new TypeError('fetch failed'));

    const response = await revoke({ token: pair.access_token });

    expect(response.statusCode).toBe(200);
    expect(await test.isActive(pair.access_token)).toBe(false);
  });

  it('succeeds if the payer left the configuration', async () => {
    const test = gateway();
    const pair = await test.connect();
    const { revoke } = test.reconfigured((data) => ({ ...data, payers: [] }));

    expect((await revoke({ token: pair.access_token })).statusCode).toBe(200);
    expect(await test.isActive(pair.access_token)).toBe(false);
  });

  it('reaches the payer even if the answer to our own write was lost and the SDK repeated it', async () => {
    const { connect, revoke, payer, dynamo } = gateway();
    const pair = await connect();
    payer.requests.length = 0;
    dynamo.repeatNext('UpdateItem');

    expect((await revoke({ token: pair.access_token })).statusCode).toBe(200);
    expect(payer.requests.map(({ url }) => new URL(url).pathname)).toEqual(['/oauth2/revoke']);
  });

  it('revokes the current tokens at the payer, even if they were refreshed after our read', async () => {
    const { connect, revoke, payer, dynamo, grant, deps } = gateway();
    const pair = await connect();
    const read = { ...grant() };
    const { grantKey = new Uint8Array() } = readAccessToken(pair.access_token) ?? {};
    const tokens = { accessToken: 'payer-access-2', refreshToken: 'payer-refresh-2' };
    const sealed = sealPayerTokens(tokens, { grant: readGrant(read), grantKey, iv: randomBytes(12) });
    await storePayerTokens(deps.grants, readGrant(read), { sealed, now: startMs / 1000, requestId: 'a-read' });
    readsOf(dynamo, read, grant());
    payer.requests.length = 0;

    expect((await revoke({ token: pair.access_token })).statusCode).toBe(200);

    expect(payer.requests.map(({ init }) => formOf(init).get('token'))).toEqual(['payer-refresh-2']);
    expect(grant()['revokedAt']).toBeDefined();
  });

  it('an unknown, malformed or foreign token is a success', async () => {
    const { connect, revoke, dynamo } = gateway();
    const { access_token: token } = await connect();
    dynamo.items('Grants').clear();

    for (const unknown of [token, `${token}x`, 'eyJhbGciOi', 'p2pr_']) {
      const response = await revoke({ token: unknown, token_type_hint: 'refresh_token' });

      expect(`${response.statusCode} ${response.body}`).toBe('200 {}');
    }
  });

  it('an access token that has expired is a success that changes nothing', async () => {
    const { connect, revoke, refresh, passSeconds } = gateway();
    const pair = await connect();
    passSeconds(3600);

    expect((await revoke({ token: pair.access_token })).statusCode).toBe(200);
    expect((await refresh(pair.refresh_token)).statusCode).toBe(200);
  });
});
