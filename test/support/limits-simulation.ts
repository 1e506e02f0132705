import { leaseFromTable } from '../../functions/shared/limits/lease-slots.ts';
import { limiter } from '../../functions/shared/limits/limiter.ts';
import type { Rate } from '../../functions/shared/limits/slots.ts';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import { memoryDynamo } from './memory-dynamo.ts';
import { randomOf } from './random.ts';
import { simulatedTime } from './simulated-time.ts';

/** Reads of one partner over environments that share one table, in simulated time. */
interface Simulation {
  readonly rate: Rate;
  readonly environments: number;
  /** How long each call to the table takes, in milliseconds: half of it there, half back, up to a tenth more or less. */
  readonly latencyMs: number;
  /** When each read arrives, in milliseconds from the start. */
  readonly arrivals: readonly number[];
  /** Which environment serves a read. An environment serves one at a time. @default in turn */
  readonly environmentOf?: (read: number) => number;
}

export interface Simulated {
  readonly admitted: number;
  readonly refused: number;
  /** Writes that were tried. */
  readonly writes: number;
  /** Writes that changed the item. */
  readonly leases: number;
  /** When the last read was answered, in milliseconds from the start. */
  readonly endedMs: number;
}

/** Where the time of the simulation starts: not at a full second. */
const startMs = Date.UTC(2026, 5, 1, 12) + 700;

/** A table in memory whose calls take time. */
const slowTable = (
  time: Pick<ReturnType<typeof simulatedTime>, 'sleep'>,
  latencyMs: number,
): { readonly table: Table; readonly tried: () => number; readonly made: () => number } => {
  const dynamo = memoryDynamo();
  const draw = randomOf(7);
  let [tried, made] = [0, 0];
  const oneWay = (): Promise<void> => time.sleep((latencyMs / 2) * (0.9 + draw() / 5));
  const send = async (command: { readonly constructor: { readonly name: string } }): Promise<unknown> => {
    const isWrite = command.constructor.name === 'UpdateItemCommand';
    if (isWrite) tried += 1;
    await oneWay();
    try {
      const answer = await (dynamo.client.send as (one: object) => Promise<unknown>)(command);
      if (isWrite) made += 1;
      return answer;
    } finally {
      await oneWay();
    }
  };
  const client = { send } as unknown as Table['client'];
  return { table: { client, name: 'Limits' }, tried: () => tried, made: () => made };
};

/** Lets the reads arrive. */
export const simulateReads = async ({
  rate,
  environments,
  latencyMs,
  arrivals,
  environmentOf = (read) => read,
}: Simulation): Promise<Simulated> => {
  const time = simulatedTime();
  const { table, tried, made } = slowTable(time, latencyMs);
  const clock = { now: () => startMs + time.now(), monotonic: time.now };
  const turns = Array.from({ length: environments }, () => limiter({ lease: leaseFromTable(table), clock }));
  const busy = Array<Promise<unknown>>(environments).fill(Promise.resolve());
  let [admitted, refused] = [0, 0];
  const served = arrivals.map(async (atMs, read) => {
    if (atMs > time.now()) await time.sleep(atMs - time.now());
    const at = environmentOf(read) % environments;
    const turn = busy[at]!.then(() => turns[at]!('partner#a', rate));
    busy[at] = turn;
    if ((await turn).taken) admitted += 1;
    else refused += 1;
  });
  await time.run(Promise.all(served));
  return { admitted, refused, writes: tried(), leases: made(), endedMs: time.now() };
};
