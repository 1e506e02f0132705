import { createHash } from 'node:crypto';
import { base64url } from '../../../functions/shared/base64url.ts';
import type { ApiResponse } from '../../../functions/shared/http/api.ts';
import { writeBearer } from '../../../functions/shared/store/bearers.ts';
import { signalsOf } from '../../support/embedded-metrics.ts';
import {
  basic,
  bodyOf,
  gateway,
  pkce,
  redirectUri,
  verifier,
  withoutPartner,
  withPartner,
  withPayer,
  type TokenBody,
} from '../../support/login.ts';
import { readsOf } from '../../support/stale-reads.ts';
import { codeWithAnotherSecret, refreshTokenFromAccessToken, refreshTokenWithAnotherSecret } from './forged-bearers.ts';

type Gateway = ReturnType<typeof gateway>;
type Refuse = (test: Gateway) => Promise<ApiResponse>;

/** Whom the line names: the client that asked, and the grant that was found. */
const named = {
  'no one': {},
  'the client': { partner: 'demo-partner' },
  'the app': { partner: 'demo-app' },
  'the grant': { partner: 'demo-partner', payer: 'northwind' },
  'another’s grant': { partner: 'demo-app', payer: 'northwind' },
};
type Named = keyof typeof named;

interface Told {
  /** @default 400 */
  readonly status?: number;
  readonly error: string;
  readonly description: string;
}

const expectRefusal = (
  test: Gateway,
  response: ApiResponse,
  { status = 400, error, description, detail = description, names }: Told & { detail?: string; names: Named },
): void => {
  expect(response.statusCode).toBe(status);
  expect(bodyOf(response)).toEqual({ error, error_description: description });
  expect(response.headers).toMatchObject({ 'Cache-Control': 'no-store', 'Content-Type': 'application/json' });
  const line = test.lastLine();
  expect(line).toMatchObject({ function: 'token', outcome: 'refused', error, detail });
  const { partner, payer, grantId } = line;
  expect({ partner, payer }).toEqual(named[names]);
  const grants = test.dynamo.puts('Grants').map((item) => item['grantId']?.S);
  if (payer === undefined) expect(grantId).toBeUndefined();
  else expect(grants).toContain(grantId);
  expect(signalsOf(test.lines.at(-1))).toEqual([]);
};

/** Refused requests that get one answer; only the log says more. */
const expectRefused = (told: Told, rows: readonly (readonly [string, Named, string | undefined, Refuse])[]): void => {
  it.each(rows)(`with “${told.description}” if %s; the log names %s, and says why`, async (...row) => {
    const [, names, detail, refuse] = row;
    const test = gateway();

    const response = await refuse(test);

    expectRefusal(test, response, { ...told, names, ...(detail === undefined ? {} : { detail }) });
  });
};

const stranger = { client_id: 'demo-app' };
const noRight = withPartner('demo-partner', { payers: ['demo-health-plan'] });
const otherPayer = withPayer('northwind', { id: 'another' });
const removeGrant = ({ dynamo }: Gateway): void => dynamo.items('Grants').clear();

/** Another call removes the grant between our read and our write. */
const removeGrantAfterRead = (test: Gateway): void => {
  readsOf(test.dynamo, test.grant());
  removeGrant(test);
};

/** A request that is refused for its form alone: nothing is read. */
const asking =
  (form: Record<string, string>, headers?: Record<string, string>): Refuse =>
  async ({ token, dynamo }) => {
    const response = await token(form, headers);
    expect(dynamo.calls()).toEqual([]);
    return response;
  };
const forCode = (form: Record<string, string>) => asking({ grant_type: 'authorization_code', ...form });
const forRefresh = (form: Record<string, string>) => asking({ grant_type: 'refresh_token', ...form });
/** A redemption of a login's code. */
const redeeming =
  (redeem: (test: Gateway, code: string) => Promise<ApiResponse>, query?: Record<string, string>): Refuse =>
  async (test) =>
    redeem(test, await test.login(query));
/** A refresh that is refused after one read, before anything is written. */
const refreshing =
  (refresh: (test: Gateway, pair: TokenBody) => Promise<ApiResponse>, query?: Record<string, string>): Refuse =>
  async (test) => {
    const pair = await test.connect(query);
    test.dynamo.calls();
    const response = await refresh(test, pair);
    expect(test.dynamo.calls()).toEqual(['GetItem']);
    return response;
  };
const afterRevocation = (refresh: Parameters<typeof refreshing>[0]): Refuse =>
  refreshing(async (test, pair) => {
    await test.revoke({ token: pair.access_token });
    test.dynamo.calls();
    return refresh(test, pair);
  });

describe('a request for tokens is refused', () => {
  const invalid = (description: string) => ({ error: 'invalid_request', description });
  const error = 'invalid_grant';
  expectRefused(invalid('grant_type is missing.'), [
    ['there is none', 'the client', undefined, asking({ code: 'x' })],
    ['it is empty', 'the client', undefined, asking({ grant_type: '' })],
  ]);
  const types = 'grant_type must be authorization_code or refresh_token.';
  expectRefused({ error: 'unsupported_grant_type', description: types }, [
    ['it is password', 'the client', undefined, asking({ grant_type: 'password' })],
    ['it is client_credentials', 'the client', undefined, asking({ grant_type: 'client_credentials' })],
    ['it is constructor', 'the client', undefined, asking({ grant_type: 'constructor' })],
  ]);
  const noClient = 'Say which client this is: client authentication is missing.';
  expectRefused({ status: 401, error: 'invalid_client', description: noClient }, [
    ['no client is named', 'no one', undefined, asking({ grant_type: 'authorization_code', code: 'x' }, {})],
  ]);
  expectRefused(invalid('code is missing.'), [['there is none', 'the client', undefined, forCode({})]]);
  expectRefused({ error, description: 'The code is malformed or was not issued here.' }, [
    ['it is damaged', 'the client', undefined, forCode({ code: 'p2pc_damaged' })],
  ]);
  const unissued = writeBearer({ kind: 'code', grantId: base64url(Buffer.alloc(16)), secret: Buffer.alloc(32) });
  expectRefused({ error, description: 'The code is unknown, expired, or not for this client.' }, [
    ['it was never issued', 'the client', 'no such code', ({ redeem }) => redeem(unissued)],
    [
      'its secret differs',
      'the client',
      'no such code',
      redeeming(({ redeem }, code) => redeem(codeWithAnotherSecret(code))),
    ],
    [
      'its grant is gone',
      'the client',
      'no such code',
      redeeming((test, code) => (removeGrant(test), test.redeem(code))),
    ],
    [
      'it is another client’s',
      'another’s grant',
      "another client's code",
      redeeming(({ redeem }, code) => redeem(code, stranger, {})),
    ],
    [
      'there is a verifier but there was no challenge',
      'the grant',
      'a verifier though the login attempt had no challenge',
      redeeming(({ redeem }, code) => redeem(code, { code_verifier: verifier })),
    ],
    [
      'it expires this second',
      'the grant',
      'expired or revoked',
      redeeming(({ redeem, passSeconds }, code) => (passSeconds(60), redeem(code))),
    ],
    [
      'it was used and expires this second',
      'the grant',
      'a used code, after its time',
      redeeming(async ({ redeem, passSeconds }, code) => {
        await redeem(code);
        passSeconds(60);
        return redeem(code);
      }),
    ],
    [
      'a replay has revoked its grant',
      'the grant',
      'expired or revoked',
      redeeming(async ({ redeem }, code) => {
        await redeem(code);
        await redeem(code);
        return redeem(code);
      }),
    ],
    [
      'its grant is deleted while it is redeemed',
      'the grant',
      'expired or revoked while it was redeemed',
      redeeming((test, code) => (removeGrantAfterRead(test), test.redeem(code))),
    ],
    [
      'its partner lost the right to the payer',
      'the grant',
      'the config no longer allows this grant',
      redeeming(({ reconfigured }, code) => reconfigured(noRight).redeem(code)),
    ],
    [
      'its payer left the configuration',
      'the grant',
      'the config no longer allows this grant',
      redeeming(({ reconfigured }, code) => reconfigured(otherPayer).redeem(code)),
    ],
  ]);
  expectRefused({ error, description: 'redirect_uri differs from the one that the login began with.' }, [
    [
      'it differs',
      'the grant',
      undefined,
      redeeming(({ redeem }, code) => redeem(code, { redirect_uri: `${redirectUri}/` })),
    ],
  ]);
  expectRefused({ error, description: 'code_verifier is missing.' }, [
    ['there is none', 'the grant', undefined, redeeming(({ redeem }, code) => redeem(code), pkce)],
  ]);
  expectRefused({ error, description: 'code_verifier does not fit the challenge.' }, [
    [
      'it differs',
      'the grant',
      undefined,
      redeeming(({ redeem }, code) => redeem(code, { code_verifier: `${verifier}x` }), pkce),
    ],
  ]);

  expectRefused(invalid('refresh_token is missing.'), [['there is none', 'the client', undefined, forRefresh({})]]);
  expectRefused({ error, description: 'The refresh token is malformed or was not issued here.' }, [
    ['it is damaged', 'the client', undefined, forRefresh({ refresh_token: 'p2pr_damaged' })],
  ]);
  const ended = 'the grant has ended';
  expectRefused({ error, description: 'The refresh token is unknown, expired, or not for this client.' }, [
    [
      'it is forged from an access token',
      'the client',
      'no such token',
      refreshing(({ refresh }, pair) => refresh(refreshTokenFromAccessToken(pair.access_token))),
    ],
    [
      'its grant is gone',
      'the client',
      'no such token',
      refreshing((test, pair) => (removeGrant(test), test.refresh(pair.refresh_token))),
    ],
    [
      'it is another client’s',
      'another’s grant',
      "another client's refresh token",
      refreshing(({ refresh }, pair) => refresh(pair.refresh_token, stranger, {})),
    ],
    [
      'its grant ends this second',
      'the grant',
      ended,
      refreshing(({ refresh, passSeconds }, pair) => (passSeconds(90 * 86_400), refresh(pair.refresh_token))),
    ],
    [
      'its partner lost the right to the payer',
      'the grant',
      'the config no longer allows this grant',
      refreshing(({ reconfigured }, pair) => reconfigured(noRight).refresh(pair.refresh_token)),
    ],
    [
      'its payer left the configuration',
      'the grant',
      'the config no longer allows this grant',
      refreshing(({ reconfigured }, pair) => reconfigured(otherPayer).refresh(pair.refresh_token)),
    ],
    ['its grant was revoked', 'the grant', ended, afterRevocation(({ refresh }, pair) => refresh(pair.refresh_token))],
    [
      'its grant was revoked, and it was never current',
      'the grant',
      ended,
      afterRevocation(({ refresh }, pair) => refresh(refreshTokenWithAnotherSecret(pair.refresh_token))),
    ],
    [
      'its grant was revoked, and it asks for a wider scope',
      'the grant',
      ended,
      afterRevocation(({ refresh }, pair) => refresh(pair.refresh_token, { scope: 'patient/*.cruds' })),
    ],
    [
      'its grant disappears during the refresh',
      'the grant',
      ended,
      async (test) => {
        const pair = await test.connect();
        removeGrantAfterRead(test);
        const response = await test.refresh(pair.refresh_token);
        expect([...test.dynamo.items('Grants')]).toEqual([]);
        return response;
      },
    ],
  ]);
  const wider = 'A refresh may narrow the scope, not widen it: patient/Patient.rs was not granted.';
  expectRefused({ error: 'invalid_scope', description: wider }, [
    [
      'one of two scopes is not held',
      'the grant',
      'a wider scope',
      refreshing(
        ({ refresh }, pair) => refresh(pair.refresh_token, { scope: 'patient/Observation.rs patient/Patient.rs' }),
        { scope: 'launch/patient patient/Observation.rs offline_access' },
      ),
    ],
  ]);
  const unreadable = 'The scope launch/patient, offline_access gives this app nothing to read.';
  expectRefused({ error: 'invalid_scope', description: unreadable }, [
    [
      'a narrower scope reads nothing',
      'the grant',
      'nothing to read',
      refreshing(({ refresh }, pair) => refresh(pair.refresh_token, { scope: 'launch/patient offline_access' })),
    ],
  ]);
  const online = withPartner('demo-partner', { scopes: ['patient/*.rs'] });
  expectRefused({ error, description: 'This app may no longer refresh its access. Ask the member to connect again.' }, [
    [
      'its partner may no longer have offline_access',
      'the grant',
      'offline_access was taken from the partner',
      refreshing(({ reconfigured }, pair) => reconfigured(online).refresh(pair.refresh_token)),
    ],
  ]);
  const unknownClient = 'Unknown client, or client authentication failed.';
  const noPartner = withoutPartner('demo-partner');
  expectRefused({ status: 401, error: 'invalid_client', description: unknownClient }, [
    [
      'its partner left the configuration',
      'no one',
      'no such client',
      async (test) => test.reconfigured(noPartner).refresh((await test.connect()).refresh_token),
    ],
  ]);
  const unauthenticated = { status: 401, error: 'invalid_client', description: 'Client authentication is missing.' };
  expectRefused(unauthenticated, [
    [
      'a confidential client shows its refresh token alone',
      'the grant',
      undefined,
      refreshing(({ refresh }, pair) => refresh(pair.refresh_token, {}, {})),
    ],
    [
      'a confidential client revokes with a token alone',
      'the grant',
      undefined,
      async (test) => {
        const response = await test.revoke({ token: (await test.connect()).refresh_token }, {});
        expect(test.grant()).not.toHaveProperty('revokedAt');
        return response;
      },
    ],
    ['nobody revokes what no one was given', 'no one', undefined, ({ revoke }) => revoke({ token: 'unknown' }, {})],
  ]);
  expectRefused(invalid('token is missing.'), [
    ['a client revokes nothing', 'the client', undefined, ({ revoke }) => revoke({})],
    ['a client asks about nothing', 'the client', undefined, ({ introspect }) => introspect({})],
  ]);
  expectRefused({ error, description: 'The token was issued to another client.' }, [
    [
      'it is revoked by a stranger',
      'another’s grant',
      undefined,
      async ({ connect, revoke }) => revoke({ token: (await connect()).access_token, ...stranger }, {}),
    ],
  ]);
  const publicClient = 'This endpoint needs client authentication, and a public client has none.';
  expectRefused({ status: 401, error: 'invalid_client', description: publicClient }, [
    [
      'a public client asks about a token, which is not read',
      'the app',
      undefined,
      async ({ connect, introspect, dynamo }) => {
        const { access_token: token } = await connect();
        dynamo.calls();
        const response = await introspect({ token, ...stranger }, {});
        expect(dynamo.calls()).toEqual([]);
        return response;
      },
    ],
  ]);
  expectRefused({ status: 401, error: 'invalid_client', description: unknownClient }, [
    [
      'an unknown client asks',
      'no one',
      'no such client',
      ({ introspect }) => introspect({ token: 'x' }, basic('no', 'x')),
    ],
  ]);
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

    const description = 'code_verifier does not fit the challenge.';
    expectRefusal(test, response, { error: 'invalid_grant', description, names: 'the grant' });
  });
});

describe('a token whose grant TTL removed', () => {
  it('is revoked with success even if the grant disappears meanwhile, and no payer is called', async () => {
    const test = gateway();
    const pair = await test.connect();
    test.payer.requests.length = 0;
    removeGrantAfterRead(test);

    const response = await test.revoke({ token: pair.access_token });

    expect(`${response.statusCode} ${response.body}`).toBe('200 {}');
    expect(test.payer.requests).toEqual([]);
    expect([...test.dynamo.items('Grants')]).toEqual([]);
  });

  it.each(['access_token', 'refresh_token'] as const)('is inactive, and nothing more, as %s', async (kind) => {
    const test = gateway();
    const pair = await test.connect();
    removeGrant(test);

    const response = await test.introspect({ token: pair[kind] });

    expect(`${response.statusCode} ${response.body}`).toBe('200 {"active":false}');
  });
});
