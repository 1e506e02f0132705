import { discovery } from '../../../functions/discovery/discovery.ts';
import { metric } from '../../support/embedded-metrics.ts';
import { apiEvent, call, testDeps } from '../../support/gateway.ts';

it.each([
  ['a payer of ours', 'GET', 'northwind', ['step=discovery outcome=ok', 'payer=northwind step=discovery outcome=ok']],
  ['a payer that only the path names', 'GET', 'no-such-payer', ['step=discovery outcome=refused']],
  ['a preflight', 'OPTIONS', 'northwind', []],
])('%s is counted by what the registry knows', async (_, method, payer, requests) => {
  const { deps, lines } = testDeps();

  await call(discovery(deps), apiEvent('/r4/{payer}/.well-known/smart-configuration', { method, path: { payer } }));

  expect(lines).toHaveLength(1);
  expect(Object.keys(metric(lines[0] ?? '', 'requests'))).toEqual(requests);
});
