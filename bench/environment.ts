/** One execution environment in its own process. It handles one read at a time, as in Lambda. */
import { once } from 'node:events';
import type { EnvironmentOrder, FromEnvironment, ToEnvironment } from './environment-order.ts';
import { floors } from './floors.ts';
import { onSignal, type Round } from './measure.ts';
import { startFloor } from './recording.ts';
import { reading } from './requests.ts';
import { startOurs } from './subjects/request-step.ts';

const { kind, name, registry } = JSON.parse(process.argv[2] ?? '') as EnvironmentOrder;
const tell = (message: FromEnvironment): void => void process.send?.(message);
const heard = async (): Promise<ToEnvironment> => ((await once(process, 'message')) as [ToEnvironment])[0];

const latencies: number[] = [];
const begin = onSignal(async () => {
  tell({ ready: true });
  await heard();
}, latencies);
const round: Round = await (kind === 'ours'
  ? startOurs({ registry }, name, reading, begin)
  : startFloor({ registry, tablePrefix: `${name}.` }, reading, floors.fetch, { run: begin }));

// The parent process has ended.
process.once('disconnect', () => process.exit());
tell({ ready: true });
for (;;) {
  const { operations = 0 } = await heard();
  const { cpuMs } = await round(operations);
  tell({ cpuMs, latencies: latencies.splice(0) });
}
