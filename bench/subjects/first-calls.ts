import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { dynamoClient } from '../../functions/shared/store/dynamo.ts';
import type { FirstCalls, FirstCallsTook } from '../first-calls-order.ts';
import { floors } from '../floors.ts';
import { gatewayOver } from '../gateway.ts';
import { measure, oneAfterAnother, type Candidate, type Round } from '../measure.ts';
import type { Spent } from '../profile.ts';
import { startRecording } from '../recording.ts';
import { atMost, figure, inWords, ratios, rowsOf, seriesOf } from '../report.ts';
import { each, prepare, type RequestName } from '../requests.ts';
import { spreadOf } from '../statistics.ts';
import { makeTables, plantIn, type World } from '../world.ts';
import type { Step } from './step.ts';

/** Each round is a new process. What its calls need is prepared in this one. @param into gets the profile of each round */
const inNewProcess =
  (order: (count: number) => Promise<FirstCalls>, into?: Spent[]): Round =>
  async (operations) => {
    const ordered = { ...(await order(operations)), isProfiled: into !== undefined };
    const child = fork(join(import.meta.dirname, '..', 'first-calls.ts'), { serialization: 'advanced' });
    child.send(ordered);
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`The process of the first calls ended with ${String(code)}`);
    });
    const [took] = (await Promise.race([once(child, 'message'), ended])) as [FirstCallsTook];
    await ended.catch(() => undefined);
    if ('wallMs' in took) return { wallMs: took.wallMs / operations, cpuMs: took.cpuMs / operations };
    into?.push(took);
    return { wallMs: Number.NaN, cpuMs: Number.NaN };
  };

/** The first requests of the gateway. @param into as {@link inNewProcess} */
export const firstOurs = async (world: World, name: RequestName, into?: Spent[]): Promise<Round> => {
  const tables = await makeTables(`first-calls.${name}`);
  const { registry } = world;
  const gateway = gatewayOver({ tables, client: dynamoClient(), registry });
  const plant = plantIn(world, 'first-calls');
  const requests = oneAfterAnother(() => prepare[name](gateway));
  return inNewProcess(
    async (count) => ({ kind: 'ours', tables, registry, requests: await requests(count), plant }),
    into,
  );
};

/** The calls of their floor. @param into as {@link inNewProcess} */
export const firstFloor = async (world: World, name: RequestName, into?: Spent[]): Promise<Round> => {
  const record = oneAfterAnother(await startRecording(world, each(name), floors[name]));
  return inNewProcess(async (count) => ({ kind: 'floor', recordings: await record(count) }), into);
};

const all = Object.keys(floors) as RequestName[];
/** A trial needs one that is slower and one that is not. */
const inTrial: readonly RequestName[] = ['authorize', 'fetch'];
const floorName = (name: RequestName): string => `${name}'s floor`;

/** The first requests of a process, which V8 has hardly compiled, as in an environment that has just started. */
export const firstCalls: Step = {
  name: 'first-calls',
  run: async (world) => {
    const names = world.trial === undefined ? all : inTrial;
    const candidates = names.flatMap((name): Candidate[] => [
      { name, kind: 'ours', start: () => firstOurs(world, name) },
      { name: floorName(name), kind: 'floor', of: name, start: () => firstFloor(world, name) },
    ]);
    const plan = { rounds: world.quick ? 1 : 12, operations: world.quick ? 2 : 20, warmUpOperations: 0 };
    const measured = await measure(candidates, plan);
    const toFloor = (name: RequestName) =>
      spreadOf(ratios(seriesOf(measured, name), seriesOf(measured, floorName(name)), 'wallMs'));
    const read = toFloor('fetch');
    return {
      name: 'first-calls',
      what: `the first ${plan.operations} requests of a new process, after the import`,
      plan: measured.plan,
      rows: rowsOf(measured),
      missing: measured.missing,
      budgets: [
        atMost({
          name: 'read to its floor',
          value: read.median,
          limit: 1.5,
          aim: 1.3,
          unit: ' ×',
          detail: inWords(read),
        }),
      ],
      figures: names.filter((name) => name !== 'fetch').map((name) => figure(`${name} to its floor`, toFloor(name))),
      notes: [],
    };
  },
};
