import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dynamoClient } from '../../functions/shared/store/dynamo.ts';
import { synthesisOf, type Deployment } from '../bundles.ts';
import { gatewayOver } from '../gateway.ts';
import { measure, type Measured } from '../measure.ts';
import { atMost, inWords, rowsOf, type Budget } from '../report.ts';
import { authorizing, reading, type Begin } from '../requests.ts';
import { few, many, stageOfSize, type Size } from '../stage.ts';
import { spreadOf } from '../statistics.ts';
import { authorizeEvent, connect, patientEvent } from '../walk.ts';
import { fillRegistry, makeTables, type World } from '../world.ts';
import { importOnce } from './cold-start.ts';
import { growthBudgets } from './growth.ts';
import { requestPlan, startOurs } from './request-step.ts';
import type { Step } from './step.ts';

const nameOf = (what: string, { payers, partners }: Size): string => `${what}, ${payers} payers, ${partners} partners`;

/** One kind of request, in an environment that has read what it needs of either registry. */
const compare = async (
  world: World,
  what: string,
  begin: Begin,
): Promise<{ readonly measured: Measured; readonly budgets: readonly Budget[] }> => {
  const candidates = [few, many].map((size) => ({
    name: nameOf(what, size),
    kind: 'ours' as const,
    of: size === few ? nameOf(what, many) : undefined,
    start: async () =>
      startOurs({ registry: await fillRegistry(world.payerOrigin, size) }, `scale.${what}.${size.payers}`, begin),
  }));
  const measured = await measure(candidates, requestPlan(world));
  return { measured, budgets: growthBudgets(measured, [nameOf(what, few), nameOf(what, many)], { limit: 1.05 }) };
};

/** Counts the reads of the registry in a new environment's first and second request. */
const coldReads = async (world: World, size: Size): Promise<string> => {
  const registry = await fillRegistry(world.payerOrigin, size);
  const tables = await makeTables(`scale.cold.${size.payers}`);
  const { access_token: token } = await connect(gatewayOver({ tables, client: dynamoClient(), registry }));
  const counts: string[] = [];
  for (const what of ['authorize', 'fetch'] as const) {
    const client = dynamoClient();
    let reads = 0;
    client.middlewareStack.add(
      (next) => async (args) => {
        if ((args.input as { TableName?: string }).TableName === registry) reads += 1;
        return next(args);
      },
      { step: 'initialize' },
    );
    const gateway = gatewayOver({ tables, client, registry });
    const call = async (): Promise<unknown> =>
      what === 'authorize' ? gateway.authorize(authorizeEvent()) : gateway.fetch(patientEvent(token));
    await call();
    const first = reads;
    await call();
    counts.push(`${what} ${first}, then ${reads - first}`);
  }
  return counts.join('; ');
};

/** Synthesizes a stage of this size. */
const deploymentOf = (world: World, size: Size): Promise<Deployment> => {
  const file = join(world.folder, `stage-${size.payers}.json`);
  writeFileSync(file, JSON.stringify(stageOfSize(world.payerOrigin, size)));
  return synthesisOf(file, join(world.folder, `cdk.out.${size.payers}`));
};

/**
 * The functions whose code depends on the size. The function that fills the registry has the entries beside its code,
 * not in it.
 */
const differing = (small: Deployment, large: Deployment): string[] =>
  small.bundles
    .filter(({ file }, index) => readFileSync(file, 'utf8') !== readFileSync(large.bundles[index]?.file ?? '', 'utf8'))
    .map(({ name }) => name);

/**
 * What importing a function takes with the bundles of either stage, the second divided by the first. Filling the registry
 * runs only while a stage is deployed.
 */
const importGrowth = async (world: World, small: Deployment, large: Deployment): Promise<Budget[]> => {
  const budgets: Budget[] = [];
  const rounds = world.quick ? 1 : 20;
  for (const [index, bundle] of small.bundles.entries()) {
    if (bundle.name === 'fillRegistry') continue;
    const other = large.bundles[index] ?? bundle;
    const [time, memory]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      // The second one finds warmer caches, so the order alternates.
      const [first, second] = round % 2 === 0 ? [bundle, other] : [other, bundle];
      const results = new Map([[first, await importOnce(first)]]).set(second, await importOnce(second));
      const [before, after] = [results.get(bundle), results.get(other)];
      time.push((after?.wallMs ?? Number.NaN) / (before?.wallMs ?? Number.NaN));
      memory.push((after?.memoryMb ?? Number.NaN) / (before?.memoryMb ?? Number.NaN));
    }
    const line = (what: string, values: readonly number[]): Budget => {
      const spread = spreadOf(values);
      const name = `${what} of ${bundle.name}, ${many.payers} payers to ${few.payers}`;
      return atMost({ name, value: spread.median, limit: 1.05, unit: ' ×', detail: inWords(spread) });
    };
    budgets.push(line('import', time), line('memory after the import', memory));
  }
  return budgets;
};

/** Shows that a request costs no more in a national network than in a stage with two payers. */
export const scale: Step = {
  name: 'scale',
  run: async (world) => {
    const requests = [await compare(world, 'authorize', authorizing), await compare(world, 'fetch', reading)];
    const [small, large] = [await deploymentOf(world, few), await deploymentOf(world, many)];
    return {
      name: 'scale',
      what: `${many.payers} payers and ${many.partners} partners against ${few.payers} and ${few.partners}`,
      plan: requestPlan(world),
      rows: requests.flatMap(({ measured }) => rowsOf(measured)),
      missing: [],
      budgets: [
        ...requests.flatMap(({ budgets }) => budgets),
        atMost({ name: 'more resources in the template', value: large.resources - small.resources, limit: 0 }),
        atMost({ name: 'more bytes in the template', value: large.templateBytes - small.templateBytes, limit: 1000 }),
        atMost({ name: 'synth', value: large.seconds / small.seconds, limit: 3, unit: ' ×' }),
        atMost({ name: 'functions with other code', value: differing(small, large).length, limit: 0 }),
        ...(await importGrowth(world, small, large)),
      ],
      notes: [
        `reads of the registry by a new environment, ${few.payers} payers: ${await coldReads(world, few)}`,
        `reads of the registry by a new environment, ${many.payers} payers: ${await coldReads(world, many)}`,
        `template: ${small.templateBytes} and ${large.templateBytes} bytes; synth: ${small.seconds.toFixed(1)} and ${large.seconds.toFixed(1)} s`,
      ],
    };
  },
};
