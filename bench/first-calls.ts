/** The first calls of a process that has only imported its code: an environment after a cold start. */
import { once } from 'node:events';
import { dynamoClient } from '../functions/shared/store/dynamo.ts';
import type { FirstCalls, FirstCallsTook } from './first-calls-order.ts';
import { gatewayOver } from './gateway.ts';
import { timed } from './measure.ts';
import { remake, startReplay } from './recording.ts';
import { send } from './requests.ts';

const callsOf = (order: FirstCalls): readonly (() => Promise<void>)[] => {
  if (order.kind === 'ours') {
    const gateway = gatewayOver({ tables: order.tables, client: dynamoClient(), registry: order.registry });
    return order.requests.map((prepared) => () => send(gateway, prepared));
  }
  const replay = startReplay();
  return order.recordings.map((recording) => () => remake(replay, recording));
};

const [order] = (await once(process, 'message')) as [FirstCalls];
const calls = callsOf(order);
const took: FirstCallsTook = await timed(async () => {
  for (const call of calls) await call();
});
process.send?.(took, () => process.exit());
