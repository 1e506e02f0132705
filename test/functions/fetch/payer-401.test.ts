import { writeScopes } from '../../../functions/shared/scopes/scopes.ts';
import { revoke } from '../../../functions/shared/store/grants.ts';
import { signalsOf } from '../../support/embedded-metrics.ts';
import { fetchGateway, fhir, issueOf, read } from '../../support/fetch-gateway.ts';
import { formOf, withPayer } from '../../support/login.ts';

const rotated = {
  access_token: 'payer-access-2',
  refresh_token: 'payer-refresh-2',
  token_type: 'Bearer',
  expires_in: 300,
};
const record = fhir;

/** A payer that accepts these access tokens, and whose token endpoint gives this answer. */
const payerThatTakes = (good: readonly string[], token: () => Response) => {
  const test = fetchGateway();
  test.payer.http = async (input, init) => {
    if (String(input).endsWith('/token')) return token();
    const { authorization = '' } = init?.headers ?? {};
    return good.some((one) => authorization === `Bearer ${one}`)
      ? record({ resourceType: 'Patient' })
      : new Response('who are you', { status: 401 });
  };
  const asked = () => test.payer.requests.map(({ url }) => new URL(url).pathname);
  return { test, asked };
};

describe("a payer's 401", () => {
  it('causes one refresh and one retry', async () => {
    const { test, asked } = payerThatTakes(['payer-access-2'], () => Response.json(rotated));
    const { token, payerTokens } = await test.grant();
    expect(await read(test.deps, 'Patient/patient-1', token)).toMatchObject({ statusCode: 200, error: undefined });
    expect(asked()).toEqual(['/r4/Patient/patient-1', '/oauth2/token', '/r4/Patient/patient-1']);
    expect(test.dynamo.calls()).toEqual(['GetItem', 'UpdateItem', 'UpdateItem']);
    expect(payerTokens().accessToken).toBe('payer-access-2');
  });

  it('may narrow the scope with its refresh: from then on nothing beyond it is read, this time included', async () => {
    const scope = 'patient/Observation.rs?category=laboratory';
    const { test, asked } = payerThatTakes(['payer-access-2'], () => Response.json({ ...rotated, scope }));
    const { token, stored } = await test.grant();

    const answer = await read(test.deps, 'Patient/patient-1', token);

    expect([answer.statusCode, issueOf(answer).code]).toEqual([403, 'forbidden']);
    expect(issueOf(answer).diagnostics).toContain('does not permit reading Patient');
    expect(asked()).toEqual(['/r4/Patient/patient-1', '/oauth2/token']);
    expect(writeScopes(stored().scope)).toContain(scope);
    expect((await read(test.deps, 'Patient/patient-1', token)).statusCode).toBe(403);
    expect((await read(test.deps, 'Observation', token)).statusCode).toBe(200);
  });

  it('may take all with its refresh, by words that cannot be read, which the log names', async () => {
    const scope = 'patient.records.read';
    const { test } = payerThatTakes(['payer-access-2'], () => Response.json({ ...rotated, scope }));
    const { token } = await test.grant();

    expect((await read(test.deps, 'Patient/patient-1', token)).statusCode).toBe(403);

    expect(test.lastLine()).toMatchObject({
      error: 'insufficient_scope',
      detail: 'ignored in the payer\'s scope: "patient.records.read"',
    });
  });

  it('after a successful refresh is 403 "reconnect", without another attempt', async () => {
    const { test, asked } = payerThatTakes([], () => Response.json(rotated));
    const { token, stored } = await test.grant();
    const answer = await read(test.deps, 'Patient', token);
    expect(answer.statusCode).toBe(403);
    expect(answer.headers['WWW-Authenticate']).toBeUndefined();
    expect(issueOf(answer)).toMatchObject({ code: 'forbidden' });
    expect(issueOf(answer).diagnostics).toContain('connect again');
    expect(asked()).toEqual(['/r4/Patient', '/oauth2/token', '/r4/Patient']);
    expect(stored().revokedAt).toBeUndefined();
  });

  // Challenges and bodies of Azure API Management, Kong and Apigee, as their documentation has them.
  it.each([
    ['a challenge for a key', 'AzureApiManagementKey realm="x",name="Ocp-Apim-Subscription-Key",type="header"', '{}'],
    ['Kong’s challenge', 'Key realm="kong"', '{}'],
    [
      'a body that misses a subscription key',
      undefined,
      '{"statusCode":401,"message":"Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API."}',
    ],
    [
      'a body that misses an API key',
      undefined,
      '{"fault":{"faultstring":"Failed to resolve API Key variable request.header.x-api-key","detail":{"errorcode":"steps.oauth.v2.FailedToResolveAPIKey"}}}',
    ],
  ])('with %s is the operator’s problem: 503, no refresh, and an alarm', async (_, challenge, body) => {
    const { test, asked } = payerThatTakes([], () => Response.json(rotated));
    const { token, stored } = await test.grant();
    const headers = challenge === undefined ? undefined : { 'www-authenticate': challenge };
    test.payer.http = async () => new Response(body, { status: 401, ...(headers && { headers }) });

    const answer = await read(test.deps, 'Patient', token);

    expect([answer.statusCode, answer.headers['Retry-After'], issueOf(answer).code]).toEqual([503, '30', 'transient']);
    expect(asked()).toEqual(['/r4/Patient']);
    expect(signalsOf(test.lines.at(-1))).toEqual(['secretMissing']);
    expect(stored().revokedAt).toBeUndefined();
  });

  it.each([
    ['a Bearer challenge beside the words', 'Bearer error="invalid_token"', 'missing API key'],
    ['two challenges', 'Key realm="kong", Bearer realm="x"', ''],
    ['words about both', undefined, 'Send an API key or an access token'],
    ['nothing that is plain', undefined, '{"message":"Unauthorized"}'],
  ])('with %s is about the token, which is refreshed', async (_, challenge, body) => {
    const { test, asked } = payerThatTakes(['payer-access-2'], () => Response.json(rotated));
    const { token } = await test.grant();
    const { http } = test.payer;
    test.payer.http = async (...call) => {
      const response = await http(...call);
      const headers = challenge === undefined ? undefined : { 'www-authenticate': challenge };
      return response.status === 401 ? new Response(body, { status: 401, ...(headers && { headers }) }) : response;
    };

    expect((await read(test.deps, 'Patient', token)).statusCode).toBe(200);
    expect(asked()).toEqual(['/r4/Patient', '/oauth2/token', '/r4/Patient']);
  });

  it('is 403 "reconnect" at once if the payer gave no refresh token', async () => {
    const { test, asked } = payerThatTakes([], () => Response.json(rotated));
    const { token } = await test.grant({ tokens: { accessToken: 'payer-access-1' } });
    expect((await read(test.deps, 'Patient', token)).statusCode).toBe(403);
    expect(asked()).toEqual(['/r4/Patient']);
  });

  it.each([
    ['with no refresh token', { accessToken: 'payer-access-1' }, ['/r4/Patient']],
    ['after a successful refresh', undefined, ['/r4/Patient', '/oauth2/token', '/r4/Patient']],
  ])('%s is 401 if the grant has ended in the meantime (RFC 6750 §3.1)', async (_, tokens, paths) => {
    const { test, asked } = payerThatTakes([], () => Response.json(rotated));
    const { token, grantId } = await test.grant(tokens && { tokens });
    const { http } = test.payer;
    test.payer.http = async (...call) => {
      const response = await http(...call);
      // The last call's answer comes after the partner revoked the grant, and the payer was told.
      const by = { now: Math.floor(test.deps.clock.now() / 1000), requestId: 'other' };
      if (asked().length === paths.length) await revoke(test.deps.grants, grantId, 'byPartner', by);
      return response;
    };

    const answer = await read(test.deps, 'Patient', token);

    expect([answer.statusCode, issueOf(answer).code]).toEqual([401, 'login']);
    expect(asked()).toEqual(paths);
    expect(signalsOf(test.lines.at(-1))).toEqual([]);
  });
});

describe('payer tokens that are about to expire', () => {
  it('are refreshed before the call, which then needs no retry', async () => {
    const { test, asked } = payerThatTakes(['payer-access-2'], () => Response.json(rotated));
    const { token } = await test.grant();
    test.passSeconds(250);
    expect((await read(test.deps, 'Patient', token)).statusCode).toBe(200);
    expect(asked()).toEqual(['/oauth2/token', '/r4/Patient']);
  });

  it.each([-120, 120])(
    "are refreshed in time by the gateway's clock, whatever the payer's says (%i s off)",
    async (off) => {
      const { test } = payerThatTakes(['payer-access-2'], () => {
        const headers = { date: new Date(test.deps.clock.now() + off * 1000).toUTCString() };
        return Response.json(rotated, { headers });
      });
      const { token, payerTokens } = await test.grant();
      test.passSeconds(250);
      expect((await read(test.deps, 'Patient', token)).statusCode).toBe(200);
      expect(payerTokens().expiresAt).toBe(Math.floor(test.deps.clock.now() / 1000) + 300);
    },
  );
});

describe("the payer's secret", () => {
  it('is read again once after invalid_client, and the refresh retried once', async () => {
    const test = fetchGateway();
    const { token } = await test.grant({ payer: 'demo-health-plan' });
    test.passSeconds(301);
    const reads: boolean[] = [];
    const readPayerSecret = async (_id: string, { fresh = false } = {}) => {
      reads.push(fresh);
      return { client_secret: fresh ? 'new' : 'old' };
    };
    test.payer.http = async (input, init) => {
      if (!String(input).endsWith('/token')) return record({});
      return formOf(init).get('client_secret') === 'new'
        ? Response.json(rotated)
        : Response.json({ error: 'invalid_client' }, { status: 401 });
    };
    const answer = await read({ ...test.deps, readPayerSecret }, 'Patient', token, { payer: 'demo-health-plan' });
    expect(answer.statusCode).toBe(200);
    expect(reads).toEqual([false, true]);
  });

  it.each([
    ['a malformed key', { private_key_jwk: { kty: 'EC', crv: 'P-384', x: 'secret-x' } }],
    ['a symmetric key', { private_key_jwk: { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' } }],
    ['a secret instead of a key', { client_secret: 'secret-s' }],
  ])('in another form (%s) is 503, does not end the grant, and is in no log', async (_name, secret) => {
    const { test, asked } = payerThatTakes(['payer-access-2'], () => Response.json(rotated));
    const { token, stored } = await test.grant();
    test.passSeconds(301);
    test.secrets['northwind'] = secret;
    expect((await read(test.deps, 'Patient', token)).statusCode).toBe(503);
    expect(stored().revokedAt).toBeUndefined();
    expect(asked()).toEqual([]);
    expect(test.lines.join('')).not.toMatch(/secret-|c2VjcmV0/);
  });

  it('may be sent with Basic, as the profile says', async () => {
    const { test } = payerThatTakes(['payer-access-2'], () => Response.json(rotated));
    const { token } = await test.grant();
    test.passSeconds(301);
    test.secrets['northwind'] = { client_secret: 'a-secret' };
    const deps = test.reconfigured(withPayer('northwind', { clientAuthentication: 'client_secret_basic' }));
    expect((await read(deps, 'Patient', token)).statusCode).toBe(200);
    const { headers } = test.payer.requests[0]?.init ?? {};
    expect(new Headers(headers).get('authorization')).toMatch(/^Basic /);
  });
});
