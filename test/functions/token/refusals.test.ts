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
type Form = Record<string, string>;

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
  (form: Form, headers?: Form): Refuse =>
  async ({ token, dynamo }) => {
    const response = await token(form, headers);
    expect(dynamo.calls()).toEqual([]);
    return response;
  };
const forCode = (form: Form) => asking({ grant_type: 'authorization_code', ...form });
const forRefresh = (form: Form) => asking({ grant_type: 'refresh_token', ...form });
type Change = Parameters<Gateway['reconfigured']>[0];
const redeemWith =
  (form: Form, query?: Form, headers?: Form): Refuse =>
  async ({ login, redeem }) =>
    redeem(await login(query), form, headers);
const redeemOver =
  (change: Change): Refuse =>
  async (test) =>
    test.reconfigured(change).redeem(await test.login());
/** Redeems a code after something has happened to it or its grant. */
const redeemAfter =
  (happening: (test: Gateway, code: string) => unknown): Refuse =>
  async (test) => {
    const code = await test.login();
    await happening(test, code);
    return test.redeem(code);
  };
/** A refresh that is refused after one read, before anything is written. */
const refreshing =
  (refresh: (test: Gateway, pair: TokenBody) => Promise<ApiResponse>, query?: Form): Refuse =>
  async (test) => {
    const pair = await test.connect(query);
    test.dynamo.calls();
    const response = await refresh(test, pair);
    expect(test.dynamo.calls()).toEqual(['GetItem']);
    return response;
  };
const refreshWith = (form: Form, query?: Form, headers?: Form): Refuse =>
  refreshing(({ refresh }, pair) => refresh(pair.refresh_token, form, headers), query);
const refreshOver = (change: Change): Refuse =>
  refreshing((test, pair) => test.reconfigured(change).refresh(pair.refresh_token));
const refreshAfter = (happening: (test: Gateway, pair: TokenBody) => unknown, form?: Form): Refuse =>
  refreshing(async (test, pair) => {
    await happening(test, pair);
    test.dynamo.calls();
    return test.refresh(pair.refresh_token, form);
  });
const end = async (test: Gateway, pair: TokenBody): Promise<void> =>
  void (await test.revoke({ token: pair.access_token }));

describe('a request for tokens is refused', () => {
  const client = 'the client';
  const grant = 'the grant';
  const another = 'another’s grant';
  const none = 'no one';
  const invalid = (description: string) => ({ error: 'invalid_request', description });
  const unauthorized = (description: string) => ({ status: 401, error: 'invalid_client', description });
  const badGrant = (description: string) => ({ error: 'invalid_grant', description });
  expectRefused(invalid('grant_type is missing.'), [
    ['there is none', client, undefined, asking({ code: 'x' })],
    ['it is empty', client, undefined, asking({ grant_type: '' })],
  ]);
  const types = 'grant_type must be authorization_code or refresh_token.';
  expectRefused({ error: 'unsupported_grant_type', description: types }, [
    ['it is password', client, undefined, asking({ grant_type: 'password' })],
    ['it is client_credentials', client, undefined, asking({ grant_type: 'client_credentials' })],
    ['it is constructor', client, undefined, asking({ grant_type: 'constructor' })],
  ]);
  expectRefused(unauthorized('Say which client this is: client authentication is missing.'), [
    ['no client is named', none, undefined, asking({ grant_type: 'authorization_code', code: 'x' }, {})],
  ]);
  expectRefused(invalid('code is missing.'), [['there is none', client, undefined, forCode({})]]);
  expectRefused(badGrant('The code is malformed or was not issued here.'), [
    ['it is damaged', client, undefined, forCode({ code: 'p2pc_damaged' })],
  ]);
  const unissued = writeBearer({ kind: 'code', grantId: base64url(Buffer.alloc(16)), secret: Buffer.alloc(32) });
  const notAllowed = 'the config no longer allows this grant';
  const unchallenged = 'a verifier though the login attempt had no challenge';
  const raced = 'expired or revoked while it was redeemed';
  expectRefused(badGrant('The code is unknown, expired, or not for this client.'), [
    ['it was never issued', client, 'no such code', ({ redeem }) => redeem(unissued)],
    [
      'its secret differs',
      client,
      'no such code',
      async (test) => test.redeem(codeWithAnotherSecret(await test.login())),
    ],
    ['its grant is gone', client, 'no such code', redeemAfter(removeGrant)],
    ['it is another client’s', another, "another client's code", redeemWith(stranger, {}, {})],
    ['there is a verifier but was no challenge', grant, unchallenged, redeemWith({ code_verifier: verifier })],
    ['it expires this second', grant, 'expired or revoked', redeemAfter(({ passSeconds }) => passSeconds(60))],
    [
      'it was used and expires this second',
      grant,
      'a used code, after its time',
      redeemAfter(async ({ redeem, passSeconds }, code) => {
        await redeem(code);
        passSeconds(60);
      }),
    ],
    [
      'a replay has revoked its grant',
      grant,
      'expired or revoked',
      redeemAfter(async ({ redeem }, code) => {
        await redeem(code);
        await redeem(code);
      }),
    ],
    ['its grant is deleted while it is redeemed', grant, raced, redeemAfter(removeGrantAfterRead)],
    ['its partner lost the right to the payer', grant, notAllowed, redeemOver(noRight)],
    ['its payer left the configuration', grant, notAllowed, redeemOver(otherPayer)],
  ]);
  expectRefused(badGrant('redirect_uri differs from the one that the login began with.'), [
    ['it differs', grant, undefined, redeemWith({ redirect_uri: `${redirectUri}/` })],
  ]);
  expectRefused(badGrant('code_verifier is missing.'), [['there is none', grant, undefined, redeemWith({}, pkce)]]);
  expectRefused(badGrant('code_verifier does not fit the challenge.'), [
    ['it differs', grant, undefined, redeemWith({ code_verifier: `${verifier}x` }, pkce)],
  ]);

  expectRefused(invalid('refresh_token is missing.'), [['there is none', client, undefined, forRefresh({})]]);
  expectRefused(badGrant('The refresh token is malformed or was not issued here.'), [
    ['it is damaged', client, undefined, forRefresh({ refresh_token: 'p2pr_damaged' })],
  ]);
  expectRefused(badGrant('This is an access token. Send the refresh token of the same token answer.'), [
    ['it is one', client, undefined, async (test) => test.refresh((await test.connect()).access_token)],
  ]);
  const ended = 'the grant has ended';
  const forged = refreshing(({ refresh }, pair) => refresh(refreshTokenFromAccessToken(pair.access_token)));
  const neverCurrent = refreshing(async (test, pair) => {
    await end(test, pair);
    test.dynamo.calls();
    return test.refresh(refreshTokenWithAnotherSecret(pair.refresh_token));
  });
  expectRefused(badGrant('The refresh token is unknown, expired, or not for this client.'), [
    ['it is forged from an access token', client, 'no such token', forged],
    ['its grant is gone', client, 'no such token', refreshAfter(removeGrant)],
    ['it is another client’s', another, "another client's refresh token", refreshWith(stranger, {}, {})],
    ['its grant ends this second', grant, ended, refreshAfter(({ passSeconds }) => passSeconds(90 * 86_400))],
    ['its partner lost the right to the payer', grant, notAllowed, refreshOver(noRight)],
    ['its payer left the configuration', grant, notAllowed, refreshOver(otherPayer)],
    ['its grant was revoked', grant, ended, refreshAfter(end)],
    ['its grant was revoked, and it was never current', grant, ended, neverCurrent],
    ['its grant was revoked, and it asks for more', grant, ended, refreshAfter(end, { scope: 'patient/*.cruds' })],
    [
      'its grant disappears during the refresh',
      grant,
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
  const more = { scope: 'patient/Observation.rs patient/Patient.rs' };
  const login = { scope: 'launch/patient patient/Observation.rs offline_access' };
  expectRefused({ error: 'invalid_scope', description: wider }, [
    ['one of two scopes is not held', grant, 'a wider scope', refreshWith(more, login)],
  ]);
  const unreadable = 'The scope launch/patient, offline_access gives this app nothing to read.';
  const nothing = { scope: 'launch/patient offline_access' };
  expectRefused({ error: 'invalid_scope', description: unreadable }, [
    ['a narrower scope reads nothing', grant, 'nothing to read', refreshWith(nothing)],
  ]);
  const misspelled =
    'The scope patient/Observations.rs gives this app nothing to read. FHIR R4 has no resource type Observations. ' +
    'The nearest is Observation.';
  expectRefused({ error: 'invalid_scope', description: misspelled }, [
    [
      'a narrower scope misspells its type',
      grant,
      'nothing to read',
      refreshWith({ scope: 'patient/Observations.rs' }),
    ],
  ]);
  const taken = 'offline_access was taken from the partner';
  const online = withPartner('demo-partner', { scopes: ['patient/*.rs'] });
  expectRefused(badGrant('This app may no longer refresh its access. Ask the member to connect again.'), [
    ['its partner may no longer have offline_access', grant, taken, refreshOver(online)],
  ]);
  const unknownClient =
    'Unknown client, or client authentication failed. The request has a secret by Basic. Compare with your registration: a ' +
    'client with a secret sends it, by Basic or in the form; one with a key a client_assertion; a public client client_id alone.';
  expectRefused(unauthorized(unknownClient), [
    [
      'its partner left the configuration',
      none,
      'no such client',
      async (test) => test.reconfigured(withoutPartner('demo-partner')).refresh((await test.connect()).refresh_token),
    ],
    [
      'an unknown client asks',
      none,
      'no such client',
      ({ introspect }) => introspect({ token: 'x' }, basic('no', 'x')),
    ],
  ]);
  expectRefused(unauthorized('Client authentication is missing.'), [
    ['a confidential client shows its refresh token alone', grant, undefined, refreshWith({}, {}, {})],
    [
      'a confidential client revokes with a token alone',
      grant,
      undefined,
      async (test) => {
        const response = await test.revoke({ token: (await test.connect()).refresh_token }, {});
        expect(test.grant()).not.toHaveProperty('revokedAt');
        return response;
      },
    ],
    ['nobody revokes what no one was given', none, undefined, ({ revoke }) => revoke({ token: 'unknown' }, {})],
  ]);
  expectRefused(invalid('token is missing.'), [
    ['a client revokes nothing', client, undefined, ({ revoke }) => revoke({})],
    ['a client asks about nothing', client, undefined, ({ introspect }) => introspect({})],
  ]);
  expectRefused(badGrant('The token was issued to another client.'), [
    [
      'it is revoked by a stranger',
      another,
      undefined,
      async ({ connect, revoke }) => revoke({ token: (await connect()).access_token, ...stranger }, {}),
    ],
  ]);
  expectRefused(unauthorized('This endpoint needs client authentication, and a public client has none.'), [
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
  it('is revoked with success even if the grant disappears in the meantime, and no payer is called', async () => {
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
