import { payerBreakers } from '../../functions/fetch/breaker/breakers.ts';
import type { FetchDeps } from '../../functions/fetch/deps.ts';
import { leaseFromTable } from '../../functions/shared/limits/lease-slots.ts';
import { limiter } from '../../functions/shared/limits/limiter.ts';
import { readEventWriter } from '../../functions/shared/record/audit-read.ts';
import { fetchGateway, fhir, read } from '../support/fetch-gateway.ts';
import { basic, gateway } from '../support/login.ts';

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
    // At most a lease in the seven others, and never another read.
    expect(others.filter((name) => name === 'UpdateItem').length).toBeLessThanOrEqual(7);
    expect(others.filter((name) => name === 'GetItem')).toHaveLength(49);
    expect(test.payer.requests).toHaveLength(50);
  });

  it('strongly consistent wherever a read decides something', async () => {
    const test = gateway();
    await test.connect();
    const reads = test.dynamo.sent().filter(({ name }) => name === 'GetItem');

    expect(reads.length).toBeGreaterThan(0);
    for (const { input } of reads) expect(input).toMatchObject({ ConsistentRead: true });
  });
});
