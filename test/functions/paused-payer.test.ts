import { fetchGateway, fhir, issueOf, read } from '../support/fetch-gateway.ts';
import { apiEvent, call, cookiesOf, startMs } from '../support/gateway.ts';
import { bodyOf, gateway, pkce, sentBack } from '../support/login.ts';

const stop = { at: startMs / 1000, by: 'arn:aws:iam::111122223333:user/one', reason: 'an incident' };
const sentence = 'This health plan is paused by the operator of this gateway.';
const payer = 'payer#northwind';

const lastLine = ({ lines }: Pick<ReturnType<typeof gateway>, 'lines'>): Record<string, unknown> =>
  JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>;
// An operator's choice: no failure that an alarm counts.
const refused = {
  level: 'warn',
  outcome: 'refused',
  error: 'temporarily_unavailable',
  detail: 'the payer is paused',
  payer: 'northwind',
  partner: 'demo-partner',
};
const told = (answer: Parameters<typeof bodyOf>[0]) => [
  answer.statusCode,
  bodyOf(answer).error,
  bodyOf(answer).error_description,
  answer.headers['Retry-After'],
];
const paused = [503, 'temporarily_unavailable', sentence, '300'];
const returned = {
  error: 'temporarily_unavailable',
  error_description: sentence,
  state: 'partner-state',
  iss: 'http://localhost:3000/r4/northwind',
};

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
    expect(lastLine(test)).toMatchObject({ ...refused, status: 302 });
  });

  it('is still refused by a page, if the request’s own address is wrong', async () => {
    const test = gateway();
    test.stops.set(payer, stop);
    const page = await test.authorize({ redirect_uri: 'https://evil.example' });
    expect([page.statusCode, page.headers['Location']]).toEqual([400, undefined]);
  });

  it('has no consent page, and takes no consent that was asked before', async () => {
    const test = gateway();
    const redirect_uri = 'http://localhost:3002/third-party/callback';
    const request = { client_id: 'third-party-app', redirect_uri, state: 'partner-state', ...pkce };
    const page = await test.authorize(request);
    const fields = Object.fromEntries(
      [...page.body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name, value]) => [
        name ?? '',
        value ?? '',
      ]),
    );
    const agree = () =>
      call(
        test.handlers.authorize,
        apiEvent('/oauth2/authorize/{payer}', {
          method: 'POST',
          path: { payer: 'northwind' },
          form: { ...fields, decision: 'allow' },
          headers: { Cookie: cookiesOf(page), Origin: 'null' },
        }),
      );
    test.stops.set(payer, stop);
    expect(sentBack(await test.authorize(request))).toEqual(returned);
    expect(sentBack(await agree())).toEqual(returned);
    expect(test.dynamo.calls()).toEqual([]);

    test.stops.clear();
    expect((await agree()).headers['Location']).toMatch(/^http:\/\/127\.0\.0\.1:3003\//);
  });

  it('paused between authorize and the callback, is not asked for tokens, and the partner is told', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    test.stops.set(payer, stop);
    const answer = await test.callback(test.fromPayer(state), { cookie });

    expect(sentBack(answer)).toEqual(returned);
    expect(test.payer.requests).toEqual([]);
    expect(test.dynamo.items('Grants').size).toBe(0);
    expect(lastLine(test)).toMatchObject(refused);
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
      expect(lastLine(test)).toMatchObject({ ...refused, status: 503 });
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
    expect(issueOf(answer)).toMatchObject({ code: 'transient', diagnostics: sentence });
    expect(test.payer.requests).toEqual([]);
    expect(lastLine(test)).toMatchObject({ ...refused, status: 503, step: 'fetch' });
    expect(lastLine(test)).not.toHaveProperty('payerDown');
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
