import { discoveryHandler } from '../../functions/discovery/handler.ts';
import { payerBreakers } from '../../functions/fetch/breaker/breakers.ts';
import type { FetchDeps } from '../../functions/fetch/deps.ts';
import type { ApiResponse } from '../../functions/shared/http/api.ts';
import { leaseFromTable } from '../../functions/shared/limits/lease-slots.ts';
import { limiter } from '../../functions/shared/limits/limiter.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { readEventWriter } from '../../functions/shared/record/audit-read.ts';
import { fetchGateway, fhir, read } from '../support/fetch-gateway.ts';
import { call, testDeps } from '../support/gateway.ts';
import { identityWorld } from '../support/identity.ts';
import { basic, gateway } from '../support/login.ts';
import { documentRequest } from '../support/login/requests.ts';
import { toEvent } from '../support/login/to-event.ts';

describe('the calls to DynamoDB in the normal case are', () => {
  it('one write for authorize, two for the callback', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    const authorize = test.dynamo.calls();
    await test.callback(test.fromPayer(state), { cookie });
    const callback = test.dynamo.calls();

    expect(authorize).toEqual(['PutItem']);
    expect(callback).toEqual(['UpdateItem', 'PutItem']);
    expect(test.payer.requests).toHaveLength(1);
  });

  it('one read and one write for a redemption and for a refresh', async () => {
    const test = gateway();
    const code = await test.login();
    test.dynamo.calls();
    const redeemed = await test.redeem(code);
    const redeem = test.dynamo.calls();
    await test.refresh((JSON.parse(redeemed.body) as { refresh_token: string }).refresh_token);
    const refresh = test.dynamo.calls();

    expect(redeem).toEqual(['GetItem', 'UpdateItem']);
    expect(refresh).toEqual(['GetItem', 'UpdateItem']);
  });

  it('one read for introspection and for a repeated refresh; one read and one write for a revocation', async () => {
    const test = gateway();
    const pair = await test.connect();
    await test.refresh(pair.refresh_token);
    test.dynamo.calls();
    await test.introspect({ token: pair.access_token }, basic());
    const introspect = test.dynamo.calls();
    await test.refresh(pair.refresh_token);
    const repeated = test.dynamo.calls();
    await test.revoke({ token: pair.refresh_token });
    const revoke = test.dynamo.calls();

    expect(introspect).toEqual(['GetItem']);
    expect(repeated).toEqual(['GetItem']);
    expect(revoke).toEqual(['GetItem', 'UpdateItem']);
  });

  it('one read, a look at the breaker, a lease of the rate limit and two audit writes for a first FHIR read', async () => {
    const test = fetchGateway();
    const { token } = await test.grant();
    test.payer.http = () => Promise.resolve(fhir({ resourceType: 'Patient', id: 'patient-1' }));
    const audited: FetchDeps = {
      ...test.deps,
      ...readEventWriter({ client: test.dynamo.client, name: 'AuditEvents' }, test.deps.clock),
      takeTurn: limiter({
        lease: leaseFromTable({ client: test.dynamo.client, name: 'Limits' }),
        clock: test.deps.clock,
      }),
      breakers: payerBreakers({ limits: { client: test.dynamo.client, name: 'Limits' }, clock: test.deps.clock }),
    };
    test.dynamo.calls();
    const answer = await read(audited, 'Patient/patient-1', token);
    const first = test.dynamo.calls();
    for (let count = 1; count < 50; count += 1) await read(audited, 'Patient/patient-1', token);
    const others = test.dynamo.calls();

    expect(answer.statusCode).toBe(200);
    expect(first).toEqual(['GetItem', 'GetItem', 'UpdateItem', 'PutItem', 'PutItem']);
    // A lease for seven of them at most, one read of the grant for each, and never another look at the breaker.
    expect(others.filter((name) => name === 'UpdateItem').length).toBeLessThanOrEqual(7);
    expect(others.filter((name) => name === 'GetItem')).toHaveLength(49);
    // Two audit events for each, and no other call of any kind.
    expect(others.filter((name) => name === 'PutItem')).toHaveLength(98);
    expect(others.filter((name) => !['GetItem', 'PutItem', 'UpdateItem'].includes(name))).toEqual([]);
    expect(test.payer.requests).toHaveLength(50);
  });

  it('four writes, three reads and three updates for a member who is identified, with one token call', async () => {
    const test = identityWorld();
    await test.identify();
    test.asked.length = 0;
    test.dynamo.calls();
    const answer = await test.identify();

    expect(answer.statusCode).toBe(200);
    // The assertion, a turn read and taken, the approval, the identity token.
    const before = ['PutItem', 'GetItem', 'UpdateItem', 'PutItem', 'PutItem'];
    // The turn is given back, a stop looked for, the grant written, read and given its tokens.
    const afterThePayer = ['UpdateItem', 'GetItem', 'PutItem', 'GetItem', 'UpdateItem'];
    expect(test.dynamo.calls()).toEqual([...before, ...afterThePayer]);
    expect(test.asked).toHaveLength(1);
  });

  it('none for the documents of discovery, for which the payer is asked once', async () => {
    const test = testDeps();
    const asked: string[] = [];
    const payerHttp: PayerHttp = async (input) => {
      asked.push(String(input));
      return fhir({ resourceType: 'CapabilityStatement', status: 'active', kind: 'instance', fhirVersion: '4.0.1' });
    };
    const handler = discoveryHandler({ ...test.deps, payerHttp });
    const documents = ['metadata', '.well-known/smart-configuration', '.well-known/oauth-authorization-server'];
    const answers: ApiResponse[] = [];
    for (const document of [...documents, ...documents]) {
      answers.push(await call(handler, toEvent(documentRequest('northwind', document))));
    }

    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(test.dynamo.calls()).toEqual([]);
    expect(asked).toEqual(['http://127.0.0.1:3003/r4/metadata']);
  });

  it('strongly consistent wherever a read decides something', async () => {
    const test = gateway();
    await test.connect();
    const reads = test.dynamo.sent().filter(({ name }) => name === 'GetItem');

    expect(reads.length).toBeGreaterThan(0);
    for (const { input } of reads) expect(input).toMatchObject({ ConsistentRead: true });
  });
});
