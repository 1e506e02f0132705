import { prices } from '../../bin/cost/prices.ts';

/**
 * AWS's list prices for us-east-1 as a person read them from its pricing pages, written down a second time in the units
 * of those pages, so that a typing error in the price file does not reach the document.
 */
const published: Readonly<Record<keyof typeof prices, readonly [usd: number, per: number]>> = {
  apiRequests: [3.5, 1e6],
  lambdaRequests: [0.2, 1e6],
  lambdaGbSeconds: [0.0000133334, 1],
  durableOperations: [8, 1e6],
  durableGbWritten: [0.25, 1],
  durableGbMonths: [0.15, 1],
  tableWrites: [0.625, 1e6],
  tableReads: [0.125, 1e6],
  tableGbMonths: [0.45, 1],
  objectWrites: [0.005, 1e3],
  objectReads: [0.0004, 1e3],
  objectGbMonths: [0.023, 1],
  logGb: [0.5, 1],
  logGbMonths: [0.03, 1],
  logGbScanned: [0.005, 1],
  metricMonths: [0.3, 1],
  alarmMonths: [0.1, 1],
  dashboardMonths: [3, 1],
  traces: [5, 1e6],
  secretReads: [0.05, 1e4],
  secretMonths: [0.4, 1],
  keyMonths: [1, 1],
  keyRequests: [0.03, 1e4],
  webAclMonths: [5, 1],
  webRuleMonths: [1, 1],
  webRequests: [0.6, 1e6],
  edgeRequests: [0.01, 1e4],
  edgeFunctionRequests: [0.6, 1e6],
  edgeGb: [0.085, 1],
  natHours: [0.045, 1],
  natGb: [0.045, 1],
  addressHours: [0.005, 1],
  endpointHours: [0.01, 1],
};

it('the prices are the ones that AWS publishes', () => {
  expect(Object.keys(prices).sort()).toEqual(Object.keys(published).sort());
  for (const [name, [usd, per]] of Object.entries(published)) {
    const price = prices[name as keyof typeof prices];
    expect([name, price.usd / price.per]).toEqual([name, expect.closeTo(usd / per, 12)]);
  }
});
