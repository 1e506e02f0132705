import { authorizeHandler } from '../../functions/authorize/handler.ts';
import { callbackHandler } from '../../functions/callback/handler.ts';
import { discoveryHandler } from '../../functions/discovery/handler.ts';
import type { ApiResponse } from '../../functions/shared/http/api.ts';
import { entriesOf, newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import { tableRegistry } from '../../functions/shared/registry/table-registry.ts';
import { tokenHandler } from '../../functions/token/handler.ts';
import { fetchGateway, fhir, read } from '../support/fetch-gateway.ts';
import { call, cookiesOf } from '../support/gateway.ts';
import { basic, bodyOf, localRegistry, northwindTokens, redirectUri, sentBack } from '../support/login.ts';
import {
  authorizeRequest,
  callbackRequest,
  documentRequest,
  filled,
  partnerRequest,
  redemption,
  renewal,
} from '../support/login/requests.ts';
import { toEvent } from '../support/login/to-event.ts';

/** The functions over a registry in a table, in environments that have read nothing yet. */
const overTable = () => {
  const { stage, lifetimes, ...data } = localRegistry();
  const gateway = fetchGateway();
  const { clock, writeLog } = gateway.deps;
  const items = gateway.dynamo.items('Registry');
  const by = { changedAt: 0, changedBy: 'arn:fill', reason: 'first deployment' };
  for (const [entryId, entry] of entriesOf(data)) items.set(entryId, newEntryItem(entryId, entry, by));
  gateway.payer.http = () => Promise.resolve(fhir({ resourceType: 'Patient', id: 'patient-1' }));
  const table = { client: gateway.dynamo.client, name: 'Registry' };
  /** What a new environment of a function depends on. */
  const environment = () => ({
    ...gateway.deps,
    registry: tableRegistry({ table, clock, writeLog, stage, lifetimes }),
  });
  /** The entries that some work reads, in order. */
  const readsOf = async (work: () => Promise<{ readonly statusCode: number }>, status: number): Promise<string[]> => {
    const before = gateway.dynamo.sent().length;
    expect((await work()).statusCode).toBe(status);
    return gateway.dynamo
      .sent()
      .slice(before)
      .filter(({ input }) => input.TableName === 'Registry')
      .map(({ name, input }) => `${name} ${String((input as { Key?: { entryId?: { S?: string } } }).Key?.entryId?.S)}`);
  };
  return { ...gateway, environment, readsOf };
};

const parties = ['GetItem partner#demo-partner', 'GetItem payer#northwind'];

describe('a new environment reads its partner and its payer by key, once in twenty seconds,', () => {
  it('a new environment reads its partner and its payer by key, once in twenty seconds, for authorize', async () => {
    const { environment, readsOf, passSeconds } = overTable();
    const handler = authorizeHandler(environment());
    const query = { client_id: 'demo-partner', redirect_uri: redirectUri, state: 'state' };
    const authorize = () => call(handler, toEvent(authorizeRequest('northwind', query)));

    expect((await readsOf(authorize, 302)).toSorted()).toEqual(parties);
    passSeconds(19);
    expect(await readsOf(authorize, 302)).toEqual([]);
    passSeconds(1);
    expect((await readsOf(authorize, 302)).toSorted()).toEqual(parties);
  });

  it('a new environment reads its partner and its payer by key, once in twenty seconds, for a FHIR read', async () => {
    const { environment, readsOf, grant, passSeconds } = overTable();
    const { token } = await grant();
    const deps = environment();
    const patient = () => read(deps, 'Patient/patient-1', token);

    expect((await readsOf(patient, 200)).toSorted()).toEqual(parties);
    passSeconds(19);
    expect(await readsOf(patient, 200)).toEqual([]);
  });

  it('a new environment reads its partner and its payer by key, once in twenty seconds, for introspection', async () => {
    const { environment, readsOf, grant } = overTable();
    const { token } = await grant();
    const handler = tokenHandler(environment());
    const introspect = () => call(handler, toEvent(partnerRequest('introspect', { token }, basic())));

    expect((await readsOf(introspect, 200)).toSorted()).toEqual(parties);
    expect(await readsOf(introspect, 200)).toEqual([]);
  });
});

describe('each step of a sign-in in a new environment reads its partner and its payer once:', () => {
  it('authorize side by side, callback, redeem, refresh and revoke', async () => {
    const { environment, readsOf } = overTable();
    const paths: string[][] = [];
    const step = async (work: (deps: ReturnType<typeof environment>) => Promise<ApiResponse>, status: number) => {
      let answer: ApiResponse | undefined;
      const deps = { ...environment(), payerHttp: async () => Response.json(northwindTokens) };
      const reads = await readsOf(async () => (answer = await work(deps)), status);
      paths.push(reads.toSorted());
      return answer as ApiResponse;
    };
    const query = { client_id: 'demo-partner', redirect_uri: redirectUri, state: 'state' };
    const begun = await step(
      (deps) => call(authorizeHandler(deps), toEvent(authorizeRequest('northwind', query))),
      302,
    );
    const returned = { state: sentBack(begun)['state'] ?? '', code: 'payer-code', iss: 'http://127.0.0.1:3003' };
    const back = await step(
      (deps) =>
        call(callbackHandler(deps), toEvent(callbackRequest('northwind', returned, { cookie: cookiesOf(begun) }))),
      302,
    );
    const ask = (endpoint: 'token' | 'revoke', form: Record<string, string>) =>
      step((deps) => call(tokenHandler(deps), toEvent(partnerRequest(endpoint, form, basic()))), 200);
    const pair = bodyOf(await ask('token', filled(redemption(sentBack(back)['code'] ?? '', {}))));
    const next = bodyOf(await ask('token', filled(renewal(pair.refresh_token, {}))));
    await ask('revoke', { token: next.refresh_token });

    expect(paths).toEqual([parties, parties, parties, parties, parties]);
  });
});

it('a new environment reads the payer alone for a discovery document', async () => {
  const { environment, readsOf } = overTable();
  const handler = discoveryHandler(environment());
  const document = () => call(handler, toEvent(documentRequest('northwind', '.well-known/smart-configuration')));

  expect(await readsOf(document, 200)).toEqual(['GetItem payer#northwind']);
  expect(await readsOf(document, 200)).toEqual([]);
});

it('a call from a browser reads a page of origins too', async () => {
  const { environment, readsOf, grant } = overTable();
  const { token } = await grant();
  const handler = tokenHandler(environment());
  const headers = { ...basic(), Origin: 'http://localhost:3002' };
  const introspect = () => call(handler, toEvent(partnerRequest('introspect', { token }, headers)));

  const [origins, ...others] = (await readsOf(introspect, 200)).toSorted();
  expect(origins).toMatch(/^GetItem origins#\d+$/);
  expect(others).toEqual(parties);
  expect(await readsOf(introspect, 200)).toEqual([]);
});
