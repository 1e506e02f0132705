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
    const gateway = gatewayOver({ ...order, client: dynamoClient() });
    return order.requests.map((prepared) => () => send(gateway, prepared));
  }
  const replay = startReplay();
  return order.recordings.map((recording) => () => remake(replay, recording));
};

const [order] = (await once(process, 'message')) as [FirstCalls];
const calls = callsOf(order);
const callAll = async (): Promise<void> => {
  for (const call of calls) await call();
};
const took: FirstCallsTook =
  order.isProfiled === true ? await (await import('./profile.ts')).profiled(callAll) : await timed(callAll);
process.send?.(took, () => process.exit());
