import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { TakeTurn } from '../../functions/shared/limits/limiter.ts';
import { fetchGateway, fhir, issueOf, read } from '../support/fetch-gateway.ts';
import { apiEvent, call, cookiesOf, startMs } from '../support/gateway.ts';
import { basic, bodyOf, expectErrorPage, gateway, pkce, sentBack, verifier, withPartner } from '../support/login.ts';

type Gateway = ReturnType<typeof gateway>;
type Answer = Parameters<typeof bodyOf>[0];

const partner = 'partner#demo-partner';
const payer = 'payer#northwind';
const stop = { at: startMs / 1000, by: 'arn:aws:iam::111122223333:user/one', reason: 'a leaked secret' };
const about = { payer: 'northwind', partner: 'demo-partner' };

/** The answer of token, revoke or introspect, and its wait. */
const told = (answer: Answer) => [
  answer.statusCode,
  bodyOf(answer).error,
  bodyOf(answer).error_description,
  answer.headers['Retry-After'],
];
const isBlocked = 'This app has been blocked by the operator of this gateway.';
const isPaused = 'This health plan is paused by the operator of this gateway.';
const blocked = [400, 'unauthorized_client', isBlocked, undefined];
const paused = [503, 'temporarily_unavailable', isPaused, '300'];
const returned = {
  error: 'temporarily_unavailable',
  error_description: isPaused,
  state: 'partner-state',
  iss: 'http://localhost:3000/r4/northwind',
};
// An operator's choice: no failure that an alarm counts.
const refused = { level: 'warn', outcome: 'refused' };
const blockedLine = {
  ...refused,
  error: 'unauthorized_client',
  detail: 'the partner is blocked',
  partner: 'demo-partner',
};
const pausedLine = { ...refused, error: 'temporarily_unavailable', detail: 'the payer is paused', ...about };
const blockedPage = {
  status: 403,
  title: 'This app cannot be used here',
  text: isBlocked,
  detail: 'the partner is blocked',
  error: 'unauthorized_client',
  ...about,
};
const thirdParty = {
  client_id: 'third-party-app',
  redirect_uri: 'http://localhost:3002/third-party/callback',
  state: 'partner-state',
  ...pkce,
};
/** The browser of a login that has reached the payer. */
const returning = async (test: Gateway) => {
  const { state, cookie } = await test.start();
  return () => test.callback(test.fromPayer(state), { cookie });
};

describe('a blocked partner', () => {
  it.each(['GET', 'POST'])('gets no redirect at authorize, by %s: the member sees a page', async (method) => {
    const test = gateway();
    test.stops.set(partner, stop);
    const page = await test.authorize({}, { method });

    expectErrorPage(test, page, blockedPage);
    expect(page.headers['Retry-After']).toBeUndefined();
    expect(page.body).not.toMatch(/leaked|arn:aws/);
    expect(test.dynamo.calls()).toEqual([]);
    expect(test.lastLine()).toMatchObject(blockedLine);
  });

  it('shows no consent page, and no redirect to an address that is not its own', async () => {
    const test = gateway();
    test.stops.set('partner#third-party-app', stop);
    for (const redirect_uri of [thirdParty.redirect_uri, 'https://evil.example']) {
      const page = await test.authorize({ ...thirdParty, redirect_uri });
      expectErrorPage(test, page, { ...blockedPage, partner: 'third-party-app' });
    }
  });

  it('blocked between authorize and the callback, gets no code, and the payer is not asked', async () => {
    const test = gateway();
    const comeBack = await returning(test);
    test.stops.set(partner, stop);

    expectErrorPage(test, await comeBack(), blockedPage);
    expect(test.payer.requests).toEqual([]);
    expect(test.dynamo.items('Grants').size).toBe(0);
  });

  it('can neither redeem, refresh, also not again, revoke nor introspect, and all works once the block is over', async () => {
    const test = gateway();
    const pair = await test.connect();
    const next = bodyOf(await test.refresh(pair.refresh_token));
    const code = await test.login();
    test.stops.set(partner, stop);
    test.dynamo.writes();
    for (const [step, ask] of [
      ['redeem', () => test.redeem(code)],
      ['refresh', () => test.refresh(next.refresh_token)],
      ['refresh', () => test.refresh(pair.refresh_token)],
      ['revoke', () => test.revoke({ token: next.refresh_token })],
      ['introspect', () => test.introspect({ token: next.access_token })],
    ] as const) {
      const answer = await ask();
      expect(told(answer)).toEqual(blocked);
      expect(answer.headers['WWW-Authenticate']).toBeUndefined();
      expect(test.lastLine()).toMatchObject({ ...blockedLine, status: 400, step });
    }
    expect(test.dynamo.writes()).toEqual([]);

    test.stops.clear();
    expect((await test.redeem(code)).statusCode).toBe(200);
    expect(bodyOf(await test.refresh(pair.refresh_token))).toMatchObject({ refresh_token: next.refresh_token });
    expect((await test.refresh(next.refresh_token)).statusCode).toBe(200);
  });

  it('without a secret is told so with its refresh token alone', async () => {
    const test = gateway();
    const app = { client_id: 'demo-app', redirect_uri: 'http://localhost:3002/app/callback' };
    const code = await test.login({ ...app, ...pkce });
    const pair = bodyOf(await test.redeem(code, { client_id: 'demo-app', code_verifier: verifier }, {}));
    test.stops.set('partner#demo-app', stop);
    expect(told(await test.refresh(pair.refresh_token, {}, {}))).toEqual(blocked);
    expect(told(await test.revoke({ token: pair.access_token }, {}))).toEqual(blocked);
    test.stops.clear();
    expect((await test.refresh(pair.refresh_token, {}, {})).statusCode).toBe(200);
  });

  it('is told by nothing to a stranger: without its secret, the answer is that of any wrong secret', async () => {
    const test = gateway();
    const ask = () => test.token({ grant_type: 'refresh_token' }, basic('demo-partner', 'wrong'));
    const before = await ask();
    test.stops.set(partner, stop);
    const during = await ask();

    expect(told(during)).toEqual(told(before));
    expect(during.statusCode).toBe(401);
    expect(test.lastLine()).toMatchObject({ error: 'invalid_client', detail: 'wrong client secret' });
  });

  it('keeps its client assertion: the same one works once the block is over', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES384');
    const stranger = await generateKeyPair('ES384');
    const jwks = [{ ...(await exportJWK(publicKey)), kid: 'es', kty: 'EC' }];
    const test = gateway();
    const over = test.reconfigured(withPartner('demo-partner', { clientAuthentication: ['private_key_jwt'], jwks }));
    const sign = (key: typeof privateKey) =>
      new SignJWT({ jti: 'jti-1', exp: startMs / 1000 + 300, aud: 'http://localhost:3000/oauth2/token' })
        .setProtectedHeader({ alg: 'ES384', kid: 'es' })
        .setIssuer('demo-partner')
        .setSubject('demo-partner')
        .sign(key);
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    const ask = (client_assertion: string) =>
      over.introspect({ token: 'x', client_assertion, client_assertion_type }, {});
    const assertion = await sign(privateKey);
    test.stops.set(partner, stop);
    expect(told(await ask(assertion))).toEqual(blocked);
    expect((await ask(await sign(stranger.privateKey))).statusCode).toBe(401);
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
    expect(issueOf(answer)).toMatchObject({ code: 'forbidden', diagnostics: isBlocked });
    expect(answer.headers).toMatchObject({ 'Access-Control-Allow-Origin': 'http://localhost:3002' });
    expect(answer.headers['WWW-Authenticate']).toBeUndefined();
    expect([turns, test.payer.requests]).toEqual([[], []]);
    expect(test.lastLine()).toMatchObject({ ...blockedLine, status: 403, payer: 'northwind' });
    expect((await read(test.deps, 'Patient', 'p2pa_made-up')).statusCode).toBe(401);
  });

  it('is told of its block, not of a pause that ends by itself, if its payer is paused too', async () => {
    const test = gateway();
    const pair = await test.connect();
    const reads = fetchGateway();
    const { token } = await reads.grant();
    for (const { stops } of [test, reads]) stops.set(partner, stop).set(payer, stop);

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

describe('a paused payer', () => {
  it.each(['GET', 'POST'])('gets no member from authorize, by %s: the partner is told by redirect', async (method) => {
    const test = gateway();
    test.stops.set(payer, stop);
    const answer = await test.authorize({}, { method });

    expect(answer.statusCode).toBe(302);
    expect(answer.headers['Location']).toMatch(/^http:\/\/localhost:3002\/callback\?/);
    expect(sentBack(answer)).toEqual(returned);
    // On a redirect it would make the browser wait (RFC 9110 §10.2.3).
    expect(answer.headers['Retry-After']).toBeUndefined();
    expect(test.dynamo.calls()).toEqual([]);
    expect(test.lastLine()).toMatchObject({ ...pausedLine, status: 302 });
  });

  it('is still refused by a page, if the request’s own address is wrong', async () => {
    const test = gateway();
    test.stops.set(payer, stop);
    const page = await test.authorize({ redirect_uri: 'https://evil.example' });
    expect([page.statusCode, page.headers['Location']]).toEqual([400, undefined]);
  });

  it('has no consent page, and takes no consent that was asked before', async () => {
    const test = gateway();
    const page = await test.authorize(thirdParty);
    const hidden = [...page.body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
    const fields = Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value]));
    const form = { ...fields, decision: 'allow' };
    const headers = { Cookie: cookiesOf(page), Origin: 'null' };
    const event = () =>
      apiEvent('/oauth2/authorize/{payer}', { method: 'POST', path: { payer: 'northwind' }, form, headers });
    const agree = () => call(test.handlers.authorize, event());
    test.stops.set(payer, stop);
    expect(sentBack(await test.authorize(thirdParty))).toEqual(returned);
    expect(sentBack(await agree())).toEqual(returned);
    expect(test.dynamo.calls()).toEqual([]);

    test.stops.clear();
    expect((await agree()).headers['Location']).toMatch(/^http:\/\/127\.0\.0\.1:3003\//);
  });

  it('paused between authorize and the callback, is not asked for tokens, and the partner is told', async () => {
    const test = gateway();
    const comeBack = await returning(test);
    test.stops.set(payer, stop);

    expect(sentBack(await comeBack())).toEqual(returned);
    expect(test.payer.requests).toEqual([]);
    expect(test.dynamo.items('Grants').size).toBe(0);
    expect(test.lastLine()).toMatchObject(pausedLine);
  });

  it('stops codes and refresh tokens, which work once the pause is over', async () => {
    const test = gateway();
    const pair = await test.connect();
    const code = await test.login();
    test.stops.set(payer, stop);
    test.dynamo.writes();
    for (const answer of [
      await test.redeem(code),
      await test.refresh(pair.refresh_token),
      await test.introspect({ token: pair.access_token }),
    ]) {
      expect(told(answer)).toEqual(paused);
      expect(test.lastLine()).toMatchObject({ ...pausedLine, status: 503 });
    }
    expect(test.dynamo.writes()).toEqual([]);

    test.stops.clear();
    expect((await test.redeem(code)).statusCode).toBe(200);
    expect((await test.refresh(pair.refresh_token)).statusCode).toBe(200);
  });

  it('answers a repeated refresh, or it would count as reuse once the pause is over', async () => {
    const test = gateway();
    const pair = await test.connect();
    const next = bodyOf(await test.refresh(pair.refresh_token));
    test.stops.set(payer, stop);
    expect(bodyOf(await test.refresh(pair.refresh_token))).toMatchObject({ refresh_token: next.refresh_token });
    expect(told(await test.refresh(next.refresh_token))).toEqual(paused);

    // Reuse is reuse, whoever is paused.
    test.passSeconds(61);
    expect(bodyOf(await test.refresh(pair.refresh_token)).error).toBe('invalid_grant');
    test.stops.clear();
    expect(bodyOf(await test.refresh(next.refresh_token)).error).toBe('invalid_grant');
  });

  it('does not keep an access alive: a revocation ends it here and at the payer', async () => {
    const test = gateway();
    const pair = await test.connect();
    test.stops.set(payer, stop);
    const asked = test.payer.requests.length;
    expect((await test.revoke({ token: pair.refresh_token })).statusCode).toBe(200);
    expect(test.payer.requests.length).toBeGreaterThan(asked);
    test.stops.clear();
    expect(await test.isActive(pair.access_token)).toBe(false);
  });

  it('says when it will be back, if the operator said so, and is back in that second', async () => {
    const test = gateway();
    const pair = await test.connect();
    test.stops.set(payer, { ...stop, until: startMs / 1000 + 90 });
    expect((await test.refresh(pair.refresh_token)).headers['Retry-After']).toBe('90');
    test.passSeconds(89);
    expect((await test.refresh(pair.refresh_token)).headers['Retry-After']).toBe('1');
    test.passSeconds(1);
    expect((await test.refresh(pair.refresh_token)).statusCode).toBe(200);
  });

  it.each([
    ['a read', 'Patient/patient-1', {}],
    ['a search', 'Observation', { query: 'code=x' }],
    ['a search by POST', 'Observation/_search', { method: 'POST', form: { code: 'x' } }],
    ['the whole record', 'Patient/patient-1/$everything', {}],
    ['a document', 'Binary/1', {}],
    ['a page', '', { query: '_link=x' }],
    ['a request that is refused otherwise', 'Nothing/1', {}],
  ])('answers no read: %s', async (_what, path, options) => {
    const test = fetchGateway();
    const { token } = await test.grant();
    test.payer.http = () => Promise.resolve(fhir({}));
    test.stops.set(payer, stop);
    const answer = await read(test.deps, path, token, { ...options, headers: { Origin: 'http://localhost:3002' } });

    expect(answer.statusCode).toBe(503);
    expect(answer.headers).toMatchObject({
      'Retry-After': '300',
      'Access-Control-Allow-Origin': 'http://localhost:3002',
      'Access-Control-Expose-Headers': expect.stringContaining('Retry-After') as string,
    });
    expect(issueOf(answer)).toMatchObject({ code: 'transient', diagnostics: isPaused });
    expect(test.payer.requests).toEqual([]);
    expect(test.lastLine()).toMatchObject({ ...pausedLine, status: 503, step: 'fetch' });
    expect(test.lastLine()).not.toHaveProperty('payerDown');
  });

  it('tells only who has a token: others get the usual 401 and 404', async () => {
    const test = fetchGateway();
    test.stops.set(payer, stop);
    expect((await read(test.deps, 'Patient', undefined)).statusCode).toBe(401);
    expect((await read(test.deps, 'Patient', 'p2pa_made-up')).statusCode).toBe(401);
    expect((await read(test.deps, 'Patient', undefined, { payer: 'nobody' })).statusCode).toBe(404);
  });

  it('leaves the other payers alone', async () => {
    const test = fetchGateway();
    const { token } = await test.grant({ payer: 'demo-health-plan' });
    test.payer.http = () => Promise.resolve(fhir({}));
    test.stops.set(payer, stop);
    expect((await read(test.deps, 'Patient', token, { payer: 'demo-health-plan' })).statusCode).toBe(200);
  });
});
