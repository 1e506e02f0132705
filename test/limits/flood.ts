import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rate } from '../../functions/shared/limits/slots.ts';
import { bundleProcess } from '../support/bundle-process.ts';
import { startCountingDynamo } from './counting-dynamo.ts';
import type { EnvironmentMessage, EnvironmentOptions } from './environment.ts';

export interface FloodOptions {
  readonly environments: number;
  readonly rate: Rate;
  /** Calls per second, over all environments. */
  readonly offered: number;
  readonly seconds: number;
  /** Seconds of warm-up at the same rate, which do not count. @default 0 */
  readonly warmUp?: number;
  /** How many environments' clocks are two minutes ahead. @default 0 */
  readonly skewed?: number;
}

/** The result of a flood. */
export interface Flood {
  readonly seconds: number;
  readonly offered: number;
  readonly admitted: number;
  readonly writes: number;
  readonly reads: number;
  readonly failures: number;
  /** The least and the most that one environment admitted. */
  readonly shares: readonly [number, number];
}

/**
 * Floods environments, each its own process, which share only one table: calls go to them in turn, at an even pace,
 * whatever happened to the previous call.
 */
export const flood = async (options: FloodOptions): Promise<Flood> => {
  const { environments, rate, offered, seconds, warmUp = 0, skewed = 0 } = options;
  const table = 'Limits';
  const folder = await mkdtemp(join(tmpdir(), 'gateway-limits-'));
  const dynamo = await startCountingDynamo({ [table]: 'limitId' });
  const admitted = Array<number>(environments).fill(0);
  const [uncounted, calls] = [Math.round(offered * warmUp), Math.round(offered * (warmUp + seconds))];
  const allAnswered = Promise.withResolvers<void>();
  let [answered, failures] = [0, 0];
  const children: ChildProcess[] = [];
  try {
    const bundle = await bundleProcess(join(import.meta.dirname, 'environment.ts'), folder);
    for (let index = 0; index < environments; index += 1) {
      const given: EnvironmentOptions = { table, rate, skewMs: index < skewed ? 120_000 : 0 };
      const child = fork(bundle, [JSON.stringify(given)], { env: dynamo.env, execArgv: [] });
      await once(child, 'message');
      children.push(child);
      child.on('message', ({ taken, failure }: EnvironmentMessage) => {
        answered += 1;
        if (taken === true) admitted[index]! += 1;
        if (failure !== undefined) failures += 1;
        if (answered === calls) allAnswered.resolve();
      });
    }
    const totals = () => ({
      at: performance.now(),
      admitted: [...admitted],
      writes: dynamo.counts['UpdateItem'] ?? 0,
      reads: dynamo.counts['GetItem'] ?? 0,
    });
    let before = totals();
    const startedAt = performance.now();
    for (let sent = 0; sent < calls;) {
      const due = Math.min(calls, Math.floor(((performance.now() - startedAt) / 1000) * offered) + 1);
      for (; sent < due; sent += 1) {
        if (sent === uncounted) before = totals();
        children[sent % environments]!.send({});
      }
      await sleep(5);
    }
    await allAnswered.promise;
    const after = totals();
    const shares = after.admitted.map((count, index) => count - before.admitted[index]!);
    return {
      seconds: (after.at - before.at) / 1000,
      offered: calls - uncounted,
      admitted: shares.reduce((sum, count) => sum + count, 0),
      writes: after.writes - before.writes,
      reads: after.reads - before.reads,
      failures,
      shares: [Math.min(...shares), Math.max(...shares)],
    };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await dynamo.close();
    await rm(folder, { recursive: true });
  }
};
