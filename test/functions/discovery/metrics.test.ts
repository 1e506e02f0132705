import { discoveryHandler } from '../../../functions/discovery/handler.ts';
import { metric } from '../../support/embedded-metrics.ts';
import { apiEvent, call, testDeps } from '../../support/gateway.ts';

it.each([
  ['a payer of ours', 'GET', 'northwind', ['step=discovery outcome=ok'], 'northwind'],
  ['a payer that only the path names', 'GET', 'no-such-payer', ['step=discovery outcome=refused'], undefined],
  ['a preflight', 'OPTIONS', 'northwind', [], 'northwind'],
])('%s is counted and logged by what the registry knows', async (_, method, payer, requests, logged) => {
  const { deps, lines } = testDeps();

  await call(
    discoveryHandler(deps),
    apiEvent('/r4/{payer}/.well-known/smart-configuration', { method, path: { payer } }),
  );

  expect(lines).toHaveLength(1);
  expect((JSON.parse(lines[0] ?? '') as { payer?: string }).payer).toBe(logged);
  expect(Object.keys(metric(lines[0] ?? '', 'requests'))).toEqual(requests);
});
