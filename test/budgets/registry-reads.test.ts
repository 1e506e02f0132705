import { authorizeHandler } from '../../functions/authorize/handler.ts';
import { discovery } from '../../functions/discovery/discovery.ts';
import { entriesOf, newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import { tableRegistry } from '../../functions/shared/registry/table-registry.ts';
import { tokenHandler } from '../../functions/token/handler.ts';
import { fetchGateway, fhir, read } from '../support/fetch-gateway.ts';
import { call } from '../support/gateway.ts';
import { basic, localRegistry, redirectUri } from '../support/login.ts';
import { authorizeRequest, documentRequest, partnerRequest } from '../support/login/requests.ts';
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
  it('for authorize', async () => {
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

  it('for a FHIR read', async () => {
    const { environment, readsOf, grant, passSeconds } = overTable();
    const { token } = await grant();
    const deps = environment();
    const patient = () => read(deps, 'Patient/patient-1', token);

    expect((await readsOf(patient, 200)).toSorted()).toEqual(parties);
    passSeconds(19);
    expect(await readsOf(patient, 200)).toEqual([]);
  });

  it('for introspection', async () => {
    const { environment, readsOf, grant } = overTable();
    const { token } = await grant();
    const handler = tokenHandler(environment());
    const introspect = () => call(handler, toEvent(partnerRequest('introspect', { token }, basic())));

    expect((await readsOf(introspect, 200)).toSorted()).toEqual(parties);
    expect(await readsOf(introspect, 200)).toEqual([]);
  });
});

it('a new environment reads the payer alone for a discovery document', async () => {
  const { environment, readsOf } = overTable();
  const handler = discovery(environment());
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
