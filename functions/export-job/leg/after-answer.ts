import { sayCause } from '../log.ts';
import type { Task } from '../state/state.ts';
import type { Answer } from './ask-payer.ts';
import type { Leg } from './leg.ts';
import { updateTask } from './queue.ts';
import { secondsLeft, stopForToken, type Stop } from './stop.ts';

/** How many times a request is tried before giving up. */
const mostTries = 5;

/** The wait after the first failure, the second, and so on, in seconds. */
const backOffSeconds = [1, 4, 30, 120];

/** Waits up to this long happen inside the leg. */
const longestSleepSeconds = 20;

/** How many times in a row a payer may refuse a fresh token. */
const mostRefusals = 3;

/** The least wait for a payer that keeps throttling, in seconds. It doubles each time, up to 15 minutes. */
const leastWait = (waits: number): number => Math.min(900, 2 ** Math.min(waits, 10));

/** What to do after an answer that is not a page. */
export type After = { readonly stop: Stop } | { readonly again: true } | { readonly giveUp: true };

const waitOrSleep = async (leg: Leg, seconds: number, why: 'throttled' | 'failed'): Promise<After> => {
  if (seconds >= secondsLeft(leg.deps, leg.item)) {
    return { stop: { kind: 'bound', why: why === 'throttled' ? 'longWait' : 'seconds' } };
  }
  if (seconds > longestSleepSeconds || leg.calls.isFull()) return { stop: { kind: 'wait', seconds, why } };
  await leg.deps.sleep(seconds * 1000);
  return { again: true };
};

/** Records a failed try of the first task, unless the leg was stopped. Returns `giveUp` if it was the last try. */
export const afterFailure = async (leg: Leg, task: Task): Promise<After> => {
  const { stopped, isStillThere } = leg.calls;
  if (stopped.aborted) {
    return { stop: (await isStillThere()) ? { kind: 'go', why: sayCause(stopped.reason) } : { kind: 'gone' } };
  }
  const { tries } = updateTask(leg, task, { tries: task.tries + 1 });
  if (tries >= mostTries) return { giveUp: true };
  return waitOrSleep(leg, backOffSeconds[tries - 1] ?? 120, 'failed');
};

/** Decides what to do after an answer that is not usable. The caller handles a refusal of the request itself. */
export const afterAnswer = async (
  leg: Leg,
  task: Task,
  answer: Exclude<Answer, { kind: 'json' | 'refused' }>,
): Promise<After> => {
  switch (answer.kind) {
    case 'throttled': {
      const { waits } = updateTask(leg, task, { waits: task.waits + 1 });
      return waitOrSleep(leg, Math.max(answer.seconds, waits > 3 ? leastWait(waits) : 0), 'throttled');
    }
    case 'tokenRefused': {
      const { refusals } = updateTask(leg, task, { refusals: task.refusals + 1 });
      if (refusals > mostRefusals) return { stop: { kind: 'bound', why: 'tokenRefused' } };
      return { stop: stopForToken(leg.deps, leg.item) };
    }
    case 'failed':
      return afterFailure(leg, task);
    case 'gone':
      return { stop: { kind: 'gone' } };
    case 'paced':
      return { stop: { kind: 'wait', seconds: 2, why: 'paced' } };
  }
};
