import { bodyOf, gateway, withPartner } from '../../support/login.ts';

describe('refreshing a pair', () => {
  it('reads once and writes once, and calls no payer', async () => {
    const { connect, refresh, dynamo, payer } = gateway();
    const { refresh_token: token } = await connect();
    dynamo.calls();
    payer.requests.length = 0;

    await refresh(token);

    expect(dynamo.calls()).toEqual(['GetItem', 'UpdateItem']);
    expect(payer.requests).toEqual([]);
  });

  it('leaves the previous access token valid until it expires', async () => {
    const { connect, refresh, isActive, passSeconds } = gateway();
    const first = await connect();
    passSeconds(1800);
    await refresh(first.refresh_token);

    expect(await isActive(first.access_token)).toBe(true);
    passSeconds(1800);
    expect(await isActive(first.access_token)).toBe(false);
  });

  it('limits the scope to the partner’s current registration, without ending or using up anything', async () => {
    const test = gateway();
    const { refresh_token: token } = await test.connect();
    const under = async (scopes: string[], form: Record<string, string> = {}) => {
      const response = await test.reconfigured(withPartner('demo-partner', { scopes })).refresh(token, form);
      return { status: response.statusCode, ...bodyOf(response) };
    };

    const nothing = await under(['launch/patient', 'user/*.rs', 'offline_access']);
    const online = await under(['launch/patient', 'patient/*.rs']);
    const narrowed = await under(['patient/Claim.r', 'offline_access'], { scope: 'patient/*.rs patient/Claim.rs' });
    const again = await under(['patient/Coverage.rs', 'patient/Claim.r', 'offline_access']);

    expect(nothing).toMatchObject({
      status: 400,
      error: 'invalid_scope',
      error_description:
        'This app is no longer registered for anything of what was granted: launch/patient, patient/*.rs, offline_access. Ask the member to connect again.',
    });
    expect(online).toMatchObject({
      status: 400,
      error: 'invalid_grant',
      error_description: 'This app may no longer refresh its access. Ask the member to connect again.',
    });
    expect(narrowed).toMatchObject({ status: 200, scope: 'patient/Claim.r' });
    // The repeat within the grace period returns the same access token, with the same scope.
    expect(again).toMatchObject({ status: 200, scope: 'patient/Claim.r', access_token: narrowed.access_token });
    expect(bodyOf(await test.refresh(narrowed.refresh_token)).scope).toBe('launch/patient patient/*.rs offline_access');
  });
});
