import { payerAuthorizeUrl } from '../../../../functions/shared/payer/authorize-url.ts';
import { redeemAtPayer, refreshAtPayer, revokeAtPayer } from '../../../../functions/shared/payer/client.ts';
import type { Payer, PayerQuirks } from '../../../../functions/shared/registry/types.ts';
import { localData, testDeps } from '../../../support/gateway.ts';
import { formOf, northwindTokens } from '../../../support/login.ts';

const northwind = localData().payers[1]!;
const payerWith = (changes: Partial<Payer>, quirks: Partial<PayerQuirks> = {}): Payer => ({
  ...northwind,
  clientAuthentication: 'client_secret_post',
  publicKeys: [],
  ...changes,
  quirks: { ...northwind.quirks, ...quirks },
});
const grant = { code: 'payer-code', redirectUri: 'http://localhost:3000/oauth2/callback/x', verifier: 'v'.repeat(43) };
const old = { accessToken: 'old-access-token', refreshToken: 'old-refresh-token' };

const start = (answer: () => Response = () => Response.json(northwindTokens)) => {
  const test = testDeps();
  const asked: string[] = [];
  const deps = {
    ...test.deps,
    readPayerSecret: (id: string) => {
      asked.push(id);
      return Promise.resolve({ client_secret: `secret-of-${id}` });
    },
  };
  test.payer.http = async () => answer();
  const forms = () => test.payer.requests.map(({ init }) => Object.fromEntries(formOf(init)));
  const headers = () => test.payer.requests.map(({ init }) => new Headers(init?.headers).get('authorization'));
  return { deps, asked, forms, headers };
};

describe('a public client', () => {
  const payer = payerWith({ clientAuthentication: 'none' });

  it('names itself in the form, proves itself with PKCE only, and reads no secret', async () => {
    const { deps, asked, forms, headers } = start();

    await redeemAtPayer(deps, payer, grant);
    await refreshAtPayer(deps, payer, old);
    await revokeAtPayer(deps, payer, old);

    expect(forms()).toEqual([
      {
        grant_type: 'authorization_code',
        client_id: payer.clientId,
        code: 'payer-code',
        redirect_uri: grant.redirectUri,
        code_verifier: grant.verifier,
      },
      { grant_type: 'refresh_token', client_id: payer.clientId, refresh_token: 'old-refresh-token' },
      { client_id: payer.clientId, token: 'old-refresh-token' },
    ]);
    expect(headers()).toEqual([null, null, null]);
    expect(asked).toEqual([]);
  });

  it('that is refused sends its code once, since it has no other secret to try', async () => {
    const { deps, forms } = start(() => Response.json({ error: 'invalid_client' }, { status: 401 }));

    await expect(redeemAtPayer(deps, payer, grant)).rejects.toMatchObject({ failure: 'invalid_client' });
    expect(forms()).toHaveLength(1);
  });
});

describe("another payer's secret", () => {
  it('is read and sent, if the profile names that payer', async () => {
    const { deps, asked, forms } = start();

    await redeemAtPayer(deps, payerWith({ secretOf: 'first-brand' }), grant);

    expect(asked).toEqual(['first-brand']);
    expect(forms()).toMatchObject([{ client_secret: 'secret-of-first-brand' }]);
  });
});

describe('extra parameters', () => {
  const payer = payerWith(
    {},
    { extraTokenParameters: { audience: 'https://plan.example/login' }, extraRefreshParameters: { tenant: '7' } },
  );

  it('are sent when a code is exchanged, or when tokens are refreshed, each to its own call', async () => {
    const { deps, forms } = start();

    await redeemAtPayer(deps, payer, grant);
    await refreshAtPayer(deps, payer, old);

    expect(forms()).toEqual([
      expect.objectContaining({ grant_type: 'authorization_code', audience: 'https://plan.example/login' }),
      expect.objectContaining({ grant_type: 'refresh_token', tenant: '7' }),
    ]);
    expect([forms()[0]?.['tenant'], forms()[1]?.['audience']]).toEqual([undefined, undefined]);
  });

  it('never replace what the gateway itself sends', async () => {
    const { deps, forms } = start();
    const hostile = { code: 'x', refresh_token: 'x', grant_type: 'x', client_id: 'x', code_verifier: 'x' };

    await redeemAtPayer(deps, payerWith({}, { extraTokenParameters: hostile }), grant);
    await refreshAtPayer(deps, payerWith({}, { extraRefreshParameters: hostile }), old);

    expect(forms()).toMatchObject([
      {
        grant_type: 'authorization_code',
        code: 'payer-code',
        code_verifier: grant.verifier,
        client_id: northwind.clientId,
      },
      { grant_type: 'refresh_token', refresh_token: 'old-refresh-token', client_id: northwind.clientId },
    ]);
  });
});

describe('aud', () => {
  const audOf = (aud: PayerQuirks['aud']): string | null =>
    new URL(
      payerAuthorizeUrl('http://localhost:3000', payerWith({}, { aud }), { state: 's', verifier: 'v' }),
    ).searchParams.get('aud');

  it('is the FHIR base, nothing, or the URL in the profile', () => {
    expect([true, false, 'https://plan.example/fhir'].map(audOf)).toEqual([
      northwind.fhirBaseUrl,
      null,
      'https://plan.example/fhir',
    ]);
  });
});
