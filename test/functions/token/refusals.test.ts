import { createHash } from 'node:crypto';
import type { ApiResponse } from '../../../functions/shared/http/api.ts';
import { signalsOf } from '../../support/embedded-metrics.ts';
import {
  bodyOf,
  gateway,
  pkce,
  redirectUri,
  verifier,
  withPartner,
  withPayer,
  type TokenBody,
} from '../../support/login.ts';
import { readsOf } from '../../support/stale-reads.ts';
import { codeWithAnotherSecret, refreshTokenFromAccessToken, refreshTokenWithAnotherSecret } from './forged-bearers.ts';

type Gateway = ReturnType<typeof gateway>;

/** A request that is refused: what the partner is told, and what only the log says. */
interface Refusal<Given> {
  readonly where: string;
  readonly description?: string;
  readonly detail?: string;
  readonly error?: string;
  readonly query?: Record<string, string>;
  readonly request: (test: Gateway, given: Given) => Promise<ApiResponse>;
}

const stranger = { client_id: 'demo-app' };
const unknownCode = 'The code is unknown, expired, or not for this client.';
const unknownToken = 'The refresh token is unknown, expired, or not for this client.';
const noRight = withPartner('demo-partner', { payers: ['demo-health-plan'] });
const otherPayer = withPayer('northwind', { id: 'another' });
const removeGrant = ({ dynamo }: Gateway): void => dynamo.items('Grants').clear();

/** Another call removes the grant between our read and our write. */
const removeGrantAfterRead = (test: Gateway): void => {
  readsOf(test.dynamo, test.grant());
  removeGrant(test);
};

const expectRefusal = (
  { lines }: Gateway,
  response: ApiResponse,
  { error = 'invalid_grant', description, detail }: Pick<Refusal<never>, 'error' | 'description' | 'detail'>,
): void => {
  expect(response.statusCode).toBe(400);
  expect(bodyOf(response)).toEqual({ error, error_description: description });
  expect((JSON.parse(lines.at(-1) ?? '{}') as { detail?: string }).detail).toBe(detail ?? description);
  expect(signalsOf(lines.at(-1))).toEqual([]);
};

describe('a code is refused, and the log says more than the answer,', () => {
  it.each<Refusal<string>>([
    {
      where: 'its secret differs',
      detail: 'no such code',
      request: ({ redeem }, code) => redeem(codeWithAnotherSecret(code)),
    },
    {
      where: 'its grant is gone',
      detail: 'no such code',
      request: (test, code) => (removeGrant(test), test.redeem(code)),
    },
    {
      where: 'it is another client’s',
      detail: "another client's code",
      request: ({ redeem }, code) => redeem(code, stranger, {}),
    },
    {
      where: 'the redirect_uri differs',
      description: 'redirect_uri differs from the one that the login began with.',
      request: ({ redeem }, code) => redeem(code, { redirect_uri: `${redirectUri}/` }),
    },
    {
      where: 'there is a verifier but there was no challenge',
      detail: 'a verifier though the login attempt had no challenge',
      request: ({ redeem }, code) => redeem(code, { code_verifier: verifier }),
    },
    {
      where: 'the verifier is missing',
      description: 'code_verifier is missing.',
      query: pkce,
      request: ({ redeem }, code) => redeem(code),
    },
    {
      where: 'the verifier differs',
      description: 'code_verifier does not fit the challenge.',
      query: pkce,
      request: ({ redeem }, code) => redeem(code, { code_verifier: `${verifier}x` }),
    },
    {
      where: 'it expires this second',
      detail: 'expired or revoked',
      request: ({ redeem, passSeconds }, code) => (passSeconds(60), redeem(code)),
    },
    {
      where: 'it was used and expires this second',
      detail: 'a used code, after its time',
      request: async ({ redeem, passSeconds }, code) => {
        await redeem(code);
        passSeconds(60);
        return redeem(code);
      },
    },
    {
      where: 'a replay has revoked its grant',
      detail: 'expired or revoked',
      request: async ({ redeem }, code) => {
        await redeem(code);
        await redeem(code);
        return redeem(code);
      },
    },
    {
      where: 'its grant is deleted while it is redeemed',
      detail: 'expired or revoked while it was redeemed',
      request: (test, code) => (removeGrantAfterRead(test), test.redeem(code)),
    },
    {
      where: 'its partner lost the right to the payer',
      detail: 'the config no longer allows this grant',
      request: ({ reconfigured }, code) => reconfigured(noRight).redeem(code),
    },
    {
      where: 'its payer left the configuration',
      detail: 'the config no longer allows this grant',
      request: ({ reconfigured }, code) => reconfigured(otherPayer).redeem(code),
    },
  ])('if $where', async ({ query, request, ...expected }) => {
    const test = gateway();
    const code = await test.login(query);

    const response = await request(test, code);

    expectRefusal(test, response, { description: unknownCode, ...expected });
  });
});

describe('a verifier', () => {
  const challenged = (text: string) => ({
    code_challenge: createHash('sha256').update(text).digest('base64url'),
    code_challenge_method: 'S256',
  });

  it.each([
    ['43 characters', 'v'.repeat(43)],
    ['128 characters', 'v'.repeat(128)],
    ['every kind of character that RFC 7636 §4.1 allows', 'AZaz09-._~'.repeat(5)],
  ])('of %s is valid', async (_, text) => {
    const { login, redeem } = gateway();

    const response = await redeem(await login(challenged(text)), { code_verifier: text });

    expect(response.statusCode).toBe(200);
  });

  it.each([
    ['42 characters', 'v'.repeat(42)],
    ['129 characters', 'v'.repeat(129)],
    ['a character too many in front', `+${'v'.repeat(43)}`],
    ['a character too many behind', `${'v'.repeat(43)}+`],
    ['a line break behind', `${'v'.repeat(43)}\n`],
  ])('of %s is refused, even if the challenge was made from it', async (_, text) => {
    const test = gateway();
    const code = await test.login(challenged(text));

    const response = await test.redeem(code, { code_verifier: text });

    expectRefusal(test, response, { description: 'code_verifier does not fit the challenge.' });
  });
});

describe('a refresh is refused before anything is written, and the log says more than the answer,', () => {
  it.each<Refusal<TokenBody>>([
    {
      where: 'the token is forged from an access token',
      detail: 'no such token',
      request: ({ refresh }, pair) => refresh(refreshTokenFromAccessToken(pair.access_token)),
    },
    {
      where: 'its grant is gone',
      detail: 'no such token',
      request: (test, pair) => (removeGrant(test), test.refresh(pair.refresh_token)),
    },
    {
      where: 'it is another client’s',
      detail: "another client's refresh token",
      request: ({ refresh }, pair) => refresh(pair.refresh_token, stranger, {}),
    },
    {
      where: 'its grant ends this second',
      detail: 'the grant has ended',
      request: ({ refresh, passSeconds }, pair) => (passSeconds(90 * 86_400), refresh(pair.refresh_token)),
    },
    {
      where: 'its partner lost the right to the payer',
      detail: 'the config no longer allows this grant',
      request: ({ reconfigured }, pair) => reconfigured(noRight).refresh(pair.refresh_token),
    },
    {
      where: 'its payer left the configuration',
      detail: 'the config no longer allows this grant',
      request: ({ reconfigured }, pair) => reconfigured(otherPayer).refresh(pair.refresh_token),
    },
    {
      where: 'one of two scopes is not held',
      error: 'invalid_scope',
      description: 'A refresh may narrow the scope, not widen it: patient/Patient.rs was not granted.',
      detail: 'a wider scope',
      query: { scope: 'launch/patient patient/Observation.rs offline_access' },
      request: ({ refresh }, pair) =>
        refresh(pair.refresh_token, { scope: 'patient/Observation.rs patient/Patient.rs' }),
    },
    {
      where: 'a narrower scope reads nothing',
      error: 'invalid_scope',
      description: 'The scope launch/patient, offline_access gives this app nothing to read.',
      detail: 'nothing to read',
      request: ({ refresh }, pair) => refresh(pair.refresh_token, { scope: 'launch/patient offline_access' }),
    },
    {
      where: 'its partner may no longer have offline_access',
      description: 'This app may no longer refresh its access. Ask the member to connect again.',
      detail: 'offline_access was taken from the partner',
      request: ({ reconfigured }, pair) =>
        reconfigured(withPartner('demo-partner', { scopes: ['patient/*.rs'] })).refresh(pair.refresh_token),
    },
  ])('if $where', async ({ query, request, ...expected }) => {
    const test = gateway();
    const pair = await test.connect(query);
    test.dynamo.calls();

    const response = await request(test, pair);

    expect(test.dynamo.calls()).toEqual(['GetItem']);
    expectRefusal(test, response, { description: unknownToken, ...expected });
  });

  it.each<Refusal<TokenBody>>([
    { where: 'the current token', request: ({ refresh }, pair) => refresh(pair.refresh_token) },
    {
      where: 'a token that was never current',
      request: ({ refresh }, pair) => refresh(refreshTokenWithAnotherSecret(pair.refresh_token)),
    },
    {
      where: 'a wider scope',
      request: ({ refresh }, pair) => refresh(pair.refresh_token, { scope: 'patient/*.cruds' }),
    },
  ])('if its grant was revoked, also with $where', async ({ request }) => {
    const test = gateway();
    const pair = await test.connect();
    await test.revoke({ token: pair.access_token });
    test.dynamo.calls();

    const response = await request(test, pair);

    expect(test.dynamo.calls()).toEqual(['GetItem']);
    expectRefusal(test, response, { description: unknownToken, detail: 'the grant has ended' });
  });
});

describe('a refresh', () => {
  it('is refused if its grant disappears during the refresh', async () => {
    const test = gateway();
    const pair = await test.connect();
    removeGrantAfterRead(test);

    const response = await test.refresh(pair.refresh_token);

    expectRefusal(test, response, { description: unknownToken, detail: 'the grant has ended' });
    expect([...test.dynamo.items('Grants')]).toEqual([]);
  });
});

describe('revoking and introspecting', () => {
  it.each(['revoke', 'introspect'] as const)('%s says that the token is missing', async (endpoint) => {
    const test = gateway();

    const response = await test[endpoint]({});

    expectRefusal(test, response, { error: 'invalid_request', description: 'token is missing.' });
  });

  it('says whose token cannot be revoked', async () => {
    const test = gateway();
    const pair = await test.connect();

    const response = await test.revoke({ token: pair.access_token, ...stranger }, {});

    expectRefusal(test, response, { description: 'The token was issued to another client.' });
  });

  it('is a success if the grant disappears meanwhile, and calls no payer', async () => {
    const test = gateway();
    const pair = await test.connect();
    test.payer.requests.length = 0;
    removeGrantAfterRead(test);

    const response = await test.revoke({ token: pair.access_token });

    expect(`${response.statusCode} ${response.body}`).toBe('200 {}');
    expect(test.payer.requests).toEqual([]);
    expect([...test.dynamo.items('Grants')]).toEqual([]);
  });

  it.each(['access_token', 'refresh_token'] as const)(
    'reveals nothing about a valid %s whose grant TTL removed',
    async (kind) => {
      const test = gateway();
      const pair = await test.connect();
      removeGrant(test);

      const response = await test.introspect({ token: pair[kind] });

      expect(`${response.statusCode} ${response.body}`).toBe('200 {"active":false}');
    },
  );
});
