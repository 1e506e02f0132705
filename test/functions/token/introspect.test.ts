import { bodyOf, gateway, withPartner } from '../../support/login.ts';

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
    items.set(grantId, { ...items.get(grantId), scope: { S: left } });

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
