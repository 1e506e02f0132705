import { fetchHandler } from '../../../../functions/fetch/handler.ts';
import { fetchGateway } from '../../../support/fetch-gateway.ts';
import { apiEvent, call } from '../../../support/gateway.ts';
import { basic, gateway } from '../../../support/login.ts';
import { callStreaming } from '../../../support/stream-handler.ts';

const form = `client_id=demo-partner&x=${'y'.repeat(65_536)}`;

describe('a form of more than 64 KB is 413, and nothing is read or written,', () => {
  it.each([
    ['/oauth2/token', 'token'],
    ['/oauth2/revoke', 'token'],
    ['/oauth2/introspect', 'token'],
    ['/oauth2/authorize/{payer}', 'authorize'],
  ] as const)('at %s', async (resource, name) => {
    const { handlers, dynamo } = gateway();
    const event = apiEvent(resource, { method: 'POST', form, headers: basic(), path: { payer: 'northwind' } });

    const answer = await call(handlers[name], event);

    expect(answer.statusCode).toBe(413);
    expect(answer.body).toContain('The form is longer than 65536 bytes. Send less, or ask in parts.');
    expect(dynamo.calls()).toEqual([]);
  });

  it('at a _search, as an OperationOutcome: the payer is not asked', async () => {
    const test = fetchGateway();
    const { token } = await test.grant();
    const headers = { Authorization: `Bearer ${token}` };
    const path = { payer: 'northwind', proxy: 'Observation/_search' };

    const answer = await callStreaming(
      fetchHandler(test.deps),
      apiEvent('/r4/{payer}/{proxy+}', { method: 'POST', form, headers, path }),
    );

    expect(answer.statusCode).toBe(413);
    expect(answer.json()).toMatchObject({ resourceType: 'OperationOutcome' });
    expect(test.payer.requests).toEqual([]);
  });
});
