import { unavailable } from '../../../functions/shared/errors.ts';
import { formOf, gateway, localRegistry, northwindTokens, sentBack, withPayer } from '../../support/login.ts';
import { indexMember } from '../../support/member-key.ts';

type Test = ReturnType<typeof gateway>;

const comeBack = async (test: Test) => {
  const { state, cookie } = await test.start();
  return test.callback(test.fromPayer(state), { cookie });
};

describe('a login', () => {
  it('writes the index of its member with the grant', async () => {
    const test = gateway();
    await test.login();
    const { payer, patient, memberIndex } = test.grant();
    const member = { payer: payer?.S ?? '', patient: patient?.S ?? '' };
    expect(memberIndex?.S).toBe(await indexMember(member));
  });

  it('writes none where the grant knows no patient, and asks for none', async () => {
    const asked: unknown[] = [];
    const test = gateway({
      registry: withPayer('northwind', { patientFrom: 'none' })(localRegistry()),
      indexMember: async (member) => {
        asked.push(member);
        return 'index';
      },
    });
    await test.login();
    expect(test.grant()).not.toHaveProperty('memberIndex');
    expect(asked).toEqual([]);
  });

  it('makes no grant if the index cannot be computed, gives the tokens back to the payer, and says to try again', async () => {
    const test = gateway({ indexMember: () => Promise.reject(unavailable('kms: DisabledException')) });

    const response = await comeBack(test);

    expect(sentBack(response)).toMatchObject({ error: 'temporarily_unavailable', state: 'partner-state' });
    expect([...test.dynamo.items('Grants').values()]).toEqual([]);
    const revoked = test.payer.requests.filter(({ url }) => url.includes('/revoke'));
    expect(revoked.map(({ init }) => formOf(init).get('token'))).toEqual([northwindTokens.refresh_token]);
    expect(JSON.parse(test.lines.at(-1) ?? '')).toMatchObject({
      error: 'temporarily_unavailable',
      detail: 'kms: DisabledException',
    });
    expect(test.lines.join()).not.toContain('patient-1');
  });
});
