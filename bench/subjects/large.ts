import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { facadeBase } from '../../functions/shared/registry/urls.ts';
import { dynamoClient } from '../../functions/shared/store/dynamo.ts';
import { nodeOptionsOf } from '../bundles.ts';
import { gatewayOver } from '../gateway.ts';
import { measure, type Candidate, type Kind } from '../measure.ts';
import { entriesIn } from '../payer-data.ts';
import { atMost, inWords, rowsOf } from '../report.ts';
import { measured as parties } from '../stage.ts';
import { spreadOf } from '../statistics.ts';
import type { TransferOrder, TransferResult } from '../transfer-order.ts';
import { connect } from '../walk.ts';
import { makeTables, type World } from '../world.ts';
import type { Step } from './step.ts';

const transfer = async (order: TransferOrder, nodeOptions: string): Promise<TransferResult> => {
  const child = fork(join(import.meta.dirname, '..', 'transfer.ts'), [JSON.stringify(order)], {
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: nodeOptions },
  });
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`The transfer of ${order.kind} ended with ${String(code)}`);
  });
  gone.catch(() => undefined);
  const [result] = (await Promise.race([once(child, 'message'), gone])) as [TransferResult];
  return result;
};

const orderOf = async (world: World, megabytes: number): Promise<Omit<TransferOrder, 'kind'>> => {
  const tables = await makeTables('large');
  const gateway = gatewayOver({ tables, client: dynamoClient(), registry: world.registry });
  const { access_token: accessToken } = await connect(gateway);
  return {
    accessToken,
    payerBase: world.payerBase,
    facade: facadeBase(parties.origin, parties.payer),
    tables,
    registry: world.registry,
    entries: entriesIn(world.payerBase, megabytes * 1e6),
  };
};

/** A streamed search of 100 MB: its time and its memory. */
export const large: Step = {
  name: 'large',
  run: async (world) => {
    const megabytes = world.quick ? 2 : 100;
    const order = await orderOf(world, megabytes);
    const nodeOptions = await nodeOptionsOf(world, 'fetch');
    const grown: Record<TransferOrder['kind'], number[]> = { ours: [], pipe: [], parse: [] };
    const candidate = (name: string, kind: Kind, way: TransferOrder['kind']): Candidate => ({
      name,
      kind,
      start: () => async () => {
        const result = await transfer({ ...order, kind: way }, nodeOptions);
        grown[way].push(result.grownMb);
        return result;
      },
    });
    const measured = await measure(
      [
        candidate('fetch', 'ours', 'ours'),
        candidate('bare pipe', 'floor', 'pipe'),
        candidate('parse, replace, stringify', 'peer', 'parse'),
      ],
      { rounds: world.quick ? 1 : 5, operations: 1, warmUpOperations: 0 },
    );
    const rise = spreadOf(grown.ours);
    const above = spreadOf(grown.ours.map((mb, round) => mb - (grown.pipe[round] ?? Number.NaN)));
    const memory = Object.entries(grown).map(
      ([way, values]) => `${way} ${values.length === 0 ? '–' : inWords(spreadOf(values))}`,
    );
    return {
      name: 'large',
      what: `a search of ${megabytes} MB, streamed`,
      plan: measured.plan,
      rows: rowsOf(measured),
      missing: measured.missing,
      budgets: [
        atMost({ name: 'memory', value: rise.median, limit: 10, unit: ' MB', detail: inWords(rise) }),
        atMost({
          name: 'memory above the bare pipe',
          value: above.median,
          limit: 8,
          unit: ' MB',
          detail: inWords(above),
        }),
      ],
      notes: [`memory rises by, MB: ${memory.join(', ')}; Node's options as deployed: ${nodeOptions || 'none'}`],
    };
  },
};
