import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { EnvironmentOrder, FromEnvironment, ToEnvironment } from './environment-order.ts';
import type { Round } from './measure.ts';
import type { World } from './world.ts';

/** The next message. @throws Error if the process ends first */
const heard = (child: ChildProcess): Promise<FromEnvironment> =>
  new Promise((resolve, reject) => {
    const gone = (code: number | null): void =>
      reject(new Error(`An environment's process ended with ${String(code)}`));
    child.once('exit', gone);
    child.once('message', (message) => {
      child.off('exit', gone);
      resolve(message as FromEnvironment);
    });
  });

const tell = (child: ChildProcess, message: ToEnvironment): void => void child.send(message);

/**
 * A round of reads over `width` concurrent processes, each with one read at a time. The clock starts after all of them
 * have prepared.
 * @param nodeOptions of each process
 * @param latencies gets the milliseconds of each read, round by round
 * @throws Error if a round's reads cannot be divided evenly among the processes
 */
export const startFleet = async (
  { registry }: Pick<World, 'registry'>,
  kind: EnvironmentOrder['kind'],
  {
    width,
    nodeOptions,
    latencies,
  }: { readonly width: number; readonly nodeOptions: string; readonly latencies: number[][] },
): Promise<Round> => {
  const children = Array.from({ length: width }, (_none, index) => {
    const order: EnvironmentOrder = { kind, name: `${kind}.${index}`, registry };
    return fork(join(import.meta.dirname, 'environment.ts'), [JSON.stringify(order)], {
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: nodeOptions },
    });
  });
  await Promise.all(children.map(heard));
  /** Sends one message to all, and waits until all have answered. */
  const tellAll = (message: ToEnvironment): Promise<FromEnvironment[]> =>
    Promise.all(
      children.map((child) => {
        const answer = heard(child);
        tell(child, message);
        return answer;
      }),
    );
  return async (operations) => {
    const each = operations / width;
    if (!Number.isInteger(each)) throw new Error(`${operations} reads cannot be divided among ${width} processes`);
    await tellAll({ operations: each });
    const startedAt = performance.now();
    const results = await tellAll({});
    const wallMs = (performance.now() - startedAt) / operations;
    let cpuMs = 0;
    const ofRound: number[] = [];
    for (const result of results) {
      if (!('cpuMs' in result)) throw new Error('An environment did not say what its reads took');
      cpuMs += result.cpuMs / width;
      ofRound.push(...result.latencies);
    }
    latencies.push(ofRound);
    return { wallMs, cpuMs };
  };
};
