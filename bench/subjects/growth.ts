import { randomBytes } from 'node:crypto';
import { BatchWriteItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { base64url } from '../../functions/shared/base64url.ts';
import { bearerSizes } from '../../functions/shared/store/bearers.ts';
import { dynamoClient } from '../../functions/shared/store/dynamo.ts';
import { gatewayOver } from '../gateway.ts';
import { measure, oneAfterAnother, oneByOne, type Candidate, type Measured } from '../measure.ts';
import { atMost, inWords, ratios, rowsOf, seriesOf, type Budget } from '../report.ts';
import { refreshing, type Begin } from '../requests.ts';
import { spreadOf } from '../statistics.ts';
import { connect } from '../walk.ts';
import { makeTables, type World } from '../world.ts';
import { requestPlan } from './request-step.ts';
import type { Step } from './step.ts';

const batch = 25;

/** Copies a table's only grant until there are `count`. */
const fill = async (table: string, count: number): Promise<void> => {
  const client = dynamoClient();
  const { Items: [grant] = [] } = await client.send(new ScanCommand({ TableName: table, Limit: 1 }));
  if (grant === undefined) throw new Error(`${table} has no grant to copy`);
  for (let made = 1; made < count; made += batch) {
    const copies = Array.from({ length: Math.min(batch, count - made) }, () => ({
      PutRequest: { Item: { ...grant, grantId: { S: base64url(randomBytes(bearerSizes.id)) } } },
    }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: copies } }));
  }
  client.destroy();
};

/** Requests against a table with `count` grants. */
const amongGrants = ({ registry }: World, name: string, begin: Begin, count: number): Candidate => ({
  name,
  kind: 'ours',
  start: async () => {
    const tables = await makeTables(`growth.${count}`);
    const gateway = gatewayOver({ tables, client: dynamoClient(), registry });
    await connect(gateway);
    await fill(tables.grants, count);
    return oneByOne(oneAfterAnother(begin(gateway)), (send) => send());
  },
});

/** The cost of the second divided by the first, in wall time and CPU time. */
export const growthBudgets = (
  measured: Measured,
  [small, large]: readonly [string, string],
  limits: { readonly limit: number; readonly aim?: number },
): Budget[] =>
  (['wallMs', 'cpuMs'] as const).map((field) => {
    const ratio = spreadOf(ratios(seriesOf(measured, large), seriesOf(measured, small), field));
    const time = field === 'wallMs' ? 'wall time' : 'CPU time';
    return atMost({
      name: `${large} to ${small}, ${time}`,
      value: ratio.median,
      ...limits,
      unit: ' ×',
      detail: inWords(ratio),
    });
  });

/** Shows that a request costs no more among more grants. */
export const growth: Step = {
  name: 'growth',
  run: async (world) => {
    const [small, large] = world.quick ? [20, 100] : [1000, 100_000];
    const nameOf = (count: number): string => `refresh, ${count} grants`;
    const among = (count: number) => amongGrants(world, nameOf(count), refreshing, count);
    const candidates = [{ ...among(small), of: nameOf(large) }, among(large)];
    const measured = await measure(candidates, requestPlan(world));
    return {
      name: 'growth',
      what: 'the cost of a request among more grants',
      plan: measured.plan,
      rows: rowsOf(measured),
      missing: [],
      budgets: growthBudgets(measured, [nameOf(small), nameOf(large)], { limit: 1.2, aim: 1.05 }),
      notes: ['Both tables are in one dynalite, so its own growth affects both alike.'],
    };
  },
};
