import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { TakeTurn } from '../../functions/shared/limits/limiter.ts';
import { fetchGateway, fhir, issueOf, read } from '../support/fetch-gateway.ts';
import { startMs } from '../support/gateway.ts';
import { basic, bodyOf, gateway, pkce, sentBack, verifier, withPartner } from '../support/login.ts';

const stop = { at: startMs / 1000, by: 'arn:aws:iam::111122223333:user/one', reason: 'a leaked secret' };
const sentence = 'This app has been blocked by the operator of this gateway.';
const partner = 'partner#demo-partner';

type Lines = Pick<ReturnType<typeof gateway>, 'lines'>;
const lastLine = ({ lines }: Lines): Record<string, unknown> =>
  JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>;
const refused = {
  level: 'warn',
  outcome: 'refused',
  error: 'unauthorized_client',
  detail: 'the partner is blocked',
  partner: 'demo-partner',
};
const told = (answer: Parameters<typeof bodyOf>[0]) => [
  answer.statusCode,
  bodyOf(answer).error,
  bodyOf(answer).error_description,
];
const blocked = [400, 'unauthorized_client', sentence];

describe('a blocked partner', () => {
  it.each(['GET', 'POST'])('gets no redirect at authorize, by %s: the member sees a page', async (method) => {
    const test = gateway();
    test.stops.set(partner, stop);
    const page = await test.authorize({}, { method });

    expect([page.statusCode, page.headers['Location'], page.headers['Retry-After']]).toEqual([
      403,
      undefined,
      undefined,
    ]);
    expect(page.body).toContain('<h1>This app cannot be used here</h1>');
    expect(page.body).toContain(sentence);
    expect(page.body).not.toMatch(/leaked|arn:aws/);
    expect(test.dynamo.calls()).toEqual([]);
    expect(lastLine(test)).toMatchObject({ ...refused, status: 403, payer: 'northwind' });
  });

  it('shows no consent page, and no redirect to an address that is not its own', async () => {
    const test = gateway();
    test.stops.set('partner#third-party-app', stop);
    const known = { client_id: 'third-party-app', redirect_uri: 'http://localhost:3002/third-party/callback', ...pkce };
    for (const redirect_uri of [known.redirect_uri, 'https://evil.example']) {
      const page = await test.authorize({ ...known, redirect_uri });
      expect([page.statusCode, page.body.includes(sentence)]).toEqual([403, true]);
    }
  });

  it('blocked between authorize and the callback, gets no code, and the payer is not asked', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    test.stops.set(partner, stop);
    const page = await test.callback(test.fromPayer(state), { cookie });

    expect([page.statusCode, page.body.includes(sentence)]).toEqual([403, true]);
    expect(test.payer.requests).toEqual([]);
    expect(test.dynamo.items('Grants').size).toBe(0);
    expect(lastLine(test)).toMatchObject({ ...refused, status: 403 });
  });

  it('gets nothing for a code, which works once the block is over', async () => {
    const test = gateway();
    const code = await test.login();
    test.stops.set(partner, stop);
    test.dynamo.writes();
    expect(told(await test.redeem(code))).toEqual(blocked);
    expect(test.dynamo.writes()).toEqual([]);
    expect(lastLine(test)).toMatchObject({ ...refused, status: 400, step: 'redeem' });

    test.stops.clear();
    expect((await test.redeem(code)).statusCode).toBe(200);
  });

  it('can neither refresh, also not again, nor revoke, nor introspect, and its tokens work once the block is over', async () => {
    const test = gateway();
    const pair = await test.connect();
    const next = bodyOf(await test.refresh(pair.refresh_token));
    test.stops.set(partner, stop);
    test.dynamo.writes();
    for (const answer of [
      await test.refresh(next.refresh_token),
      await test.refresh(pair.refresh_token),
      await test.revoke({ token: next.refresh_token }),
      await test.introspect({ token: next.access_token }),
    ]) {
      expect(told(answer)).toEqual(blocked);
      expect(answer.headers['WWW-Authenticate']).toBeUndefined();
    }
    expect(test.dynamo.writes()).toEqual([]);

    test.stops.clear();
    expect(bodyOf(await test.refresh(pair.refresh_token))).toMatchObject({ refresh_token: next.refresh_token });
    expect((await test.refresh(next.refresh_token)).statusCode).toBe(200);
  });

  it('without a secret is told so with its refresh token alone', async () => {
    const test = gateway();
    const redirect_uri = 'http://localhost:3002/app/callback';
    const { redirectUris } = (await test.deps.registry.partner('demo-app'))!;
    const uri = redirectUris[0] ?? redirect_uri;
    const code = await test.login({ client_id: 'demo-app', redirect_uri: uri, ...pkce });
    const pair = bodyOf(await test.redeem(code, { client_id: 'demo-app', code_verifier: verifier }, {}));
    test.stops.set('partner#demo-app', stop);
    expect(told(await test.refresh(pair.refresh_token, {}, {}))).toEqual(blocked);
    expect(told(await test.revoke({ token: pair.access_token }, {}))).toEqual(blocked);
    test.stops.clear();
    expect((await test.refresh(pair.refresh_token, {}, {})).statusCode).toBe(200);
  });

  it('is told by nothing to a stranger: without its secret, the answer is that of any wrong secret', async () => {
    const test = gateway();
    const wrong = basic('demo-partner', 'wrong');
    const before = await test.token({ grant_type: 'refresh_token' }, wrong);
    test.stops.set(partner, stop);
    const during = await test.token({ grant_type: 'refresh_token' }, wrong);

    expect(told(during)).toEqual(told(before));
    expect(during.statusCode).toBe(401);
    expect(lastLine(test)).toMatchObject({ error: 'invalid_client', detail: 'wrong client secret' });
  });

  it('keeps its client assertion: the same one works once the block is over', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES384');
    const jwks = [{ ...(await exportJWK(publicKey)), kid: 'es', kty: 'EC' }];
    const test = gateway();
    const over = test.reconfigured(withPartner('demo-partner', { clientAuthentication: ['private_key_jwt'], jwks }));
    const claims = {
      iss: 'demo-partner',
      sub: 'demo-partner',
      aud: 'http://localhost:3000/oauth2/token',
      jti: 'jti-1',
      exp: startMs / 1000 + 300,
    };
    const sign = (key: typeof privateKey) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'ES384', kid: 'es' }).sign(key);
    const ask = (client_assertion: string) =>
      over.introspect(
        {
          token: 'x',
          client_assertion,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        },
        {},
      );
    const assertion = await sign(privateKey);
    test.stops.set(partner, stop);
    expect(told(await ask(assertion))).toEqual(blocked);
    expect((await ask(await sign((await generateKeyPair('ES384')).privateKey))).statusCode).toBe(401);
    expect(test.dynamo.calls()).toEqual([]);
    test.stops.clear();
    expect((await ask(assertion)).statusCode).toBe(200);
    expect((await ask(assertion)).statusCode).toBe(401);
  });

  it('reads nothing: the payer is not asked, and none of its rate is used', async () => {
    const test = fetchGateway();
    const { token } = await test.grant();
    const turns: string[] = [];
    const takeTurn: TakeTurn = async (id) => {
      turns.push(id);
      return { taken: true, remaining: 1, resetSeconds: 1 };
    };
    test.payer.http = () => Promise.resolve(fhir({}));
    test.stops.set(partner, stop);
    const origin = { headers: { Origin: 'http://localhost:3002' } };
    const answer = await read({ ...test.deps, takeTurn }, 'Patient/patient-1', token, origin);

    expect(answer.statusCode).toBe(403);
    expect(issueOf(answer)).toMatchObject({ code: 'forbidden', diagnostics: sentence });
    expect(answer.headers).toMatchObject({ 'Access-Control-Allow-Origin': 'http://localhost:3002' });
    expect(answer.headers['WWW-Authenticate']).toBeUndefined();
    expect([turns, test.payer.requests]).toEqual([[], []]);
    expect(lastLine(test)).toMatchObject({ ...refused, status: 403, payer: 'northwind' });
    expect((await read(test.deps, 'Patient', 'p2pa_made-up')).statusCode).toBe(401);
  });

  it('is told of its block, not of a pause that ends by itself, if its payer is paused too', async () => {
    const test = gateway();
    const pair = await test.connect();
    const reads = fetchGateway();
    const { token } = await reads.grant();
    for (const { stops } of [test, reads]) stops.set(partner, stop).set('payer#northwind', stop);

    expect((await test.authorize()).statusCode).toBe(403);
    expect(told(await test.refresh(pair.refresh_token))).toEqual(blocked);
    expect((await read(reads.deps, 'Patient', token)).statusCode).toBe(403);
  });

  it('leaves the other partners alone', async () => {
    const test = gateway();
    test.stops.set('partner#third-party-app', stop);
    expect(sentBack(await test.authorize())['state']).toBeDefined();
    expect((await test.connect()).access_token).toBeDefined();
  });
});
