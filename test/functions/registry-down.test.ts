import { authorizeHandler } from '../../functions/authorize/handler.ts';
import { callbackHandler } from '../../functions/callback/handler.ts';
import { discoveryHandler } from '../../functions/discovery/handler.ts';
import { unavailable } from '../../functions/shared/errors.ts';
import type { Registry } from '../../functions/shared/registry/registry.ts';
import { tokenHandler } from '../../functions/token/handler.ts';
import { fetchGateway, issueOf, read } from '../support/fetch-gateway.ts';
import { apiEvent, call } from '../support/gateway.ts';
import { basic, bodyOf, gateway, sentBack } from '../support/login.ts';

const fails = (): Promise<never> => Promise.reject(unavailable('registry: ThrottlingException'));
/** A cold environment whose registry cannot be read. */
const without = (registry: Registry): Registry => ({
  ...registry,
  payer: fails,
  partner: fails,
  directory: fails,
  isWebOrigin: fails,
});

const sentence = 'The service is briefly unavailable. Please try again.';
const lastLine = ({ lines }: Pick<ReturnType<typeof gateway>, 'lines'>): Record<string, unknown> =>
  JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>;
/** A failure that the metrics of its step count. */
const failed = (step: string) => ({
  level: 'error',
  outcome: 'failed',
  step,
  error: 'temporarily_unavailable',
  detail: 'registry: ThrottlingException',
});
const path = { payer: 'northwind' };

describe('without its registry', () => {
  it('authorize and the callback show a page, and use up no sign-in', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    test.dynamo.calls();
    const deps = { ...test.deps, registry: without(test.deps.registry) };
    const pages = [
      await call(
        authorizeHandler(deps),
        apiEvent('/oauth2/authorize/{payer}', { path, query: 'client_id=demo-partner' }),
      ),
      await call(
        callbackHandler(deps),
        apiEvent('/oauth2/callback/{payer}', { path, query: `state=${state}&code=x`, headers: { Cookie: cookie } }),
      ),
    ];

    for (const page of pages) {
      expect([page.statusCode, page.headers['Retry-After'], page.body.includes(sentence)]).toEqual([503, '5', true]);
    }
    expect(test.dynamo.calls()).toEqual([]);
    expect(lastLine(test)).toMatchObject(failed('callback'));
    expect(sentBack(await test.callback(test.fromPayer(state), { cookie }))['code']).toBeDefined();
  });

  it('token and discovery answer 503 in their own words', async () => {
    const test = gateway();
    const deps = { ...test.deps, registry: without(test.deps.registry) };
    const form = { grant_type: 'authorization_code', code: 'x' };
    const token = await call(
      tokenHandler(deps),
      apiEvent('/oauth2/token', { method: 'POST', form, headers: { ...basic(), Origin: 'http://localhost:3002' } }),
    );
    expect([token.statusCode, bodyOf(token)]).toEqual([
      503,
      { error: 'temporarily_unavailable', error_description: sentence },
    ]);
    expect(token.headers).toMatchObject({ 'Retry-After': '5', Vary: 'Origin' });
    expect(token.headers).not.toHaveProperty('Access-Control-Allow-Origin');
    expect(lastLine(test)).toMatchObject(failed('redeem'));

    const document = await call(
      discoveryHandler(deps),
      apiEvent('/r4/{payer}/.well-known/smart-configuration', { path }),
    );
    expect([document.statusCode, bodyOf(document).error]).toEqual([503, 'temporarily_unavailable']);
    expect(lastLine(test)).toMatchObject(failed('discovery'));
  });

  it('a read is 503, and a preflight is answered, for no origin', async () => {
    const test = fetchGateway();
    const { token } = await test.grant();
    const deps = { ...test.deps, registry: without(test.deps.registry) };
    const answer = await read(deps, 'Patient', token);
    expect([answer.statusCode, answer.headers['Retry-After'], issueOf(answer).code]).toEqual([503, '5', 'transient']);
    expect(test.payer.requests).toEqual([]);
    expect(lastLine(test)).toMatchObject(failed('fetch'));

    const preflight = await read(deps, 'Patient', undefined, {
      method: 'OPTIONS',
      headers: { Origin: 'https://x.example' },
    });
    expect([preflight.statusCode, preflight.headers['Access-Control-Allow-Origin']]).toEqual([204, undefined]);
  });

  it('a revocation still ends the grant here, if only the payer cannot be found', async () => {
    const test = gateway();
    const pair = await test.connect();
    const registry: Registry = { ...test.deps.registry, payer: fails };
    const handler = tokenHandler({ ...test.deps, registry });
    const form = { token: pair.refresh_token };
    const answer = await call(handler, apiEvent('/oauth2/revoke', { method: 'POST', form, headers: basic() }));
    expect(answer.statusCode).toBe(200);
    expect(await test.isActive(pair.access_token)).toBe(false);
  });
});
