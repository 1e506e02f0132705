import { localStage } from '../../../../config/local.ts';
import { systemTokens } from '../../../../functions/shared/payer/system-token.ts';
import { asFormerPlan } from '../../../../functions/shared/registry/former-plan.ts';
import type { Payer } from '../../../../functions/shared/registry/types.ts';
import { testDeps } from '../../../support/gateway.ts';
import { es384Jwk } from '../../../support/login.ts';

const [oneUp] = localStage().payers as [Payer];
const plan = asFormerPlan({
  ...oneUp,
  exchange: {
    clientId: 'our-system',
    assertionAlgorithm: 'ES384',
    publicKeys: [],
    scopes: ['system/*.rs'],
    identifiers: [],
  },
})!;
const secret = { private_key_jwk: es384Jwk('system-1').privateJwk };

/** The gateway's tokens at a plan whose answers say this of a token's life. */
const tokensOf = (life: object) => {
  const test = testDeps();
  let given = 0;
  test.payer.http = async () =>
    Response.json({ access_token: `system-${(given += 1)}`, token_type: 'bearer', ...life });
  const readExchangeSecret = async () => secret;
  return { ...test, tokens: systemTokens({ ...test.deps, readExchangeSecret }) };
};

describe('the gateway’s own token at a former plan', () => {
  it.each([
    ['of five minutes is used until its last 30 seconds', { expires_in: 300 }, 270],
    ['of a minute is used until its last 30 seconds', { expires_in: 60 }, 30],
    ['of less than a minute is used for half its life', { expires_in: 40 }, 20],
    ['of a second is used in that second', { expires_in: 1 }, 1],
    ['whose life the plan does not say counts as one of five minutes', {}, 270],
  ])('%s', async (_, life, seconds) => {
    const { tokens, passSeconds } = tokensOf(life);

    expect([tokens.known(plan), await tokens.get(plan)]).toEqual([undefined, 'system-1']);
    passSeconds(seconds - 1);
    expect([tokens.known(plan), await tokens.get(plan)]).toEqual(['system-1', 'system-1']);
    passSeconds(1);
    expect([tokens.known(plan), await tokens.get(plan)]).toEqual([undefined, 'system-2']);
  });

  it('is asked for again once the plan has refused it, unless another has taken its place', async () => {
    const { tokens, passSeconds } = tokensOf({ expires_in: 300 });
    const first = await tokens.get(plan);
    tokens.forget(plan, first);
    expect(await tokens.get(plan)).toBe('system-2');
    tokens.forget(plan, first);
    passSeconds(10);

    expect(await tokens.get(plan)).toBe('system-2');
  });
});
