import { randomBytes } from 'node:crypto';
import { BatchWriteItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { base64url } from '../../functions/shared/deps.ts';
import { bearerSizes } from '../../functions/shared/store/bearers.ts';
import { dynamoClient } from '../../functions/shared/store/dynamo.ts';
import { gatewayOver } from '../gateway.ts';
import { measure, oneAfterAnother, oneByOne, type Candidate, type Measured } from '../measure.ts';
import { atMost, inWords, ratios, rowsOf, seriesOf, type Budget } from '../report.ts';
import { authorizing, refreshing, type Begin } from '../requests.ts';
import { writeRegistry } from '../stage.ts';
import { spreadOf } from '../statistics.ts';
import { connect } from '../walk.ts';
import { makeTables, type World } from '../world.ts';
import { requestPlan, startOurs } from './request-step.ts';
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
const growthBudgets = (measured: Measured, [few, many]: readonly [string, string]): Budget[] =>
  (['wallMs', 'cpuMs'] as const).map((field) => {
    const ratio = spreadOf(ratios(seriesOf(measured, many), seriesOf(measured, few), field));
    const time = field === 'wallMs' ? 'wall time' : 'CPU time';
    return atMost({
      name: `${many} to ${few}, ${time}`,
      value: ratio.median,
      limit: 1.2,
      aim: 1.05,
      unit: ' ×',
      detail: inWords(ratio),
    });
  });

/** Shows that a request costs no more among more grants, payers and partners. */
export const growth: Step = {
  name: 'growth',
  run: async (world) => {
    const counts = world.quick ? [1000, 5000] : [1000, 100_000];
    const parties = [2, 1000];
    const sections: Measured[] = [];
    const budgets: Budget[] = [];
    const compare = async (candidates: readonly Candidate[]): Promise<void> => {
      const measured = await measure(candidates, requestPlan(world));
      sections.push(measured);
      budgets.push(...growthBudgets(measured, [candidates[0]?.name ?? '', candidates[1]?.name ?? '']));
    };
    await compare(counts.map((count) => amongGrants(world, `refresh, ${count} grants`, refreshing, count)));
    for (const [name, begin] of [
      ['authorize', authorizing],
      ['refresh', refreshing],
    ] as const) {
      await compare(
        parties.map((count): Candidate => ({
          name: `${name}, ${count} payers and partners`,
          kind: 'ours',
          start: () =>
            startOurs(
              { registry: writeRegistry(world.folder, world.payerOrigin, count) },
              `growth.${name}.${count}`,
              begin,
            ),
        })),
      );
    }
    return {
      name: 'growth',
      what: 'the cost of a request among more grants, payers and partners',
      plan: requestPlan(world),
      rows: sections.flatMap((measured) => rowsOf(measured)),
      missing: [],
      budgets,
      notes: ['Both tables are in one dynalite, so its own growth affects both alike.'],
    };
  },
};
