import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleProcess } from '../support/bundle-process.ts';
import type { Mortal } from './cell.ts';
import type { FromChild, ToChild } from './child.ts';
import type { GatewayAnswer, GatewayRequest } from './instance.ts';
import type { World } from './world.ts';

/** Starts processes that can be killed. */
export interface Processes {
  readonly start: (world: Pick<World, 'surroundings' | 'clock'>) => Promise<Mortal>;
  readonly close: () => Promise<void>;
}

const tell = (child: ChildProcess, message: ToChild): void => void child.send(message);

const mortalOf = (child: ChildProcess, { clock }: Pick<World, 'clock'>): Mortal => {
  const waiting = new Map<number, (answer: GatewayAnswer | undefined) => void>();
  let requests = 0;
  child.on('message', (message: FromChild) => {
    if ('answer' in message) waiting.get(message.id)?.(message.answer);
  });
  child.once('exit', () => waiting.forEach((resolve) => resolve(undefined)));
  const callUntilDeath = async (request: GatewayRequest): Promise<GatewayAnswer | undefined> => {
    const id = (requests += 1);
    const answered = new Promise<GatewayAnswer | undefined>((resolve) => {
      waiting.set(id, resolve);
    });
    tell(child, { id, request, aheadMs: clock.now() - Date.now() });
    return answered;
  };
  const call: Mortal['call'] = async (request) => {
    const answer = await callUntilDeath(request);
    if (answer === undefined) throw new Error('the process died too early');
    return answer;
  };
  return {
    call,
    callUntilDeath,
    hurry: () => undefined,
    warm: async () => undefined,
    kill: () => void child.kill('SIGKILL'),
  };
};

/** Bundles the process once, since a bundle starts much faster. */
export const startProcesses = async (): Promise<Processes> => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-faults-'));
  const outfile = await bundleProcess(join(import.meta.dirname, 'child.ts'), folder);
  const children = new Set<ChildProcess>();
  return {
    start: async (world) => {
      // Nothing else of the test's own environment, such as its command-line options.
      const env = { NODE_COMPILE_CACHE: join(folder, 'compiled') };
      const child = fork(outfile, { env, execArgv: [], serialization: 'advanced' });
      children.add(child);
      child.once('exit', () => children.delete(child));
      await once(child, 'message');
      tell(child, { surroundings: world.surroundings });
      return mortalOf(child, world);
    },
    close: async () => {
      for (const child of children) child.kill('SIGKILL');
      await rm(folder, { recursive: true });
    },
  };
};
