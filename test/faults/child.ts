/** A process with all functions, which can be killed. It is controlled over IPC. */
import { flushCompileCache } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayAnswer, GatewayRequest, Surroundings, WorldClock } from './instance.ts';
import { startInstance } from './instance.ts';

/** What a process is told to do, in order. */
export type ToChild =
  | { readonly surroundings: Surroundings }
  | { readonly id: number; readonly request: GatewayRequest; readonly aheadMs: number };
export type FromChild = { readonly id: number; readonly answer: GatewayAnswer } | { readonly ready: true };

let aheadMs = 0;
const clock: WorldClock = {
  now: () => Date.now() + aheadMs,
  pass: (ms) => void (aheadMs += ms),
  wait: (ms) => sleep(ms),
};
let instance: ReturnType<typeof startInstance> | undefined;

const send = (message: FromChild): void => void process.send?.(message);

process.on('message', (message: ToChild) => {
  if ('surroundings' in message) {
    instance = startInstance(message.surroundings, clock);
    return;
  }
  aheadMs = message.aheadMs;
  void instance?.call(message.request).then((answer) => send({ id: message.id, answer }));
});
// The parent process has exited.
process.on('disconnect', () => process.exit());
// At its end Node would write it too, but most of these processes are killed.
flushCompileCache();
send({ ready: true });
