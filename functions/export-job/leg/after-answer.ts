import { sayCause } from '../job/log.ts';
import type { Task } from '../state/state.ts';
import type { Answer } from './ask-payer.ts';
import { secondsLeft, stopForToken, type LegStop } from './leg-stop.ts';
import { updateTask, type Leg } from './leg.ts';

/** How many times a request is tried before giving up. */
export const mostTries = 5;

/** The wait after the first failure, the second, and so on, in seconds. */
const backOffSeconds = [1, 4, 30, 120];

/** Waits up to this long happen inside the leg. */
const longestSleepSeconds = 20;

/** How many requests in a row a payer may refuse with 401 before the rest is not asked. R4 has fewer types to search. */
const mostRefusedInRow = 100;

/** With how many newer tokens a request is tried that was refused with 401. */
const mostNewTokens = 2;

/** The least wait for a payer that keeps throttling, in seconds. It doubles each time, up to 15 minutes. */
const leastWait = (waits: number): number => Math.min(900, 2 ** Math.min(waits, 10));

/** What to do after an answer that is not a page. */
export type After =
  | { readonly stop: LegStop }
  | { readonly again: true }
  | { readonly giveUp: true }
  /** The payer refuses this request, whatever the token. */
  | { readonly refused: 401 };

/** Waits inside the leg if the wait is short; otherwise stops the leg. */
export const waitOrSleep = async (
  leg: Leg,
  seconds: number,
  why: 'throttled' | 'failed' | 'clientRefused' | 'payerBusy',
): Promise<After> => {
  if (seconds >= secondsLeft(leg.deps, leg.item)) {
    return { stop: { kind: 'bound', why: why === 'throttled' ? 'longWait' : 'seconds' } };
  }
  if (seconds > longestSleepSeconds || leg.calls.isFull()) return { stop: { kind: 'wait', seconds, why } };
  await leg.deps.sleep(seconds * 1000);
  return { again: true };
};

/** Records a failed try of the first task, unless the leg was stopped. Returns `giveUp` if it was the last try. */
export const afterFailure = async (
  leg: Leg,
  task: Task,
  most = mostTries,
  why: 'failed' | 'clientRefused' = 'failed',
): Promise<After> => {
  const { stopped, isStillThere } = leg.calls;
  if (stopped.aborted) {
    return { stop: (await isStillThere()) ? { kind: 'go', why: sayCause(stopped.reason) } : { kind: 'gone' } };
  }
  const { tries } = updateTask(leg, task, { tries: task.tries + 1 });
  if (tries >= most) return { giveUp: true };
  return waitOrSleep(leg, backOffSeconds[tries - 1] ?? 120, why);
};

/**
 * A 401 means that the token has ended, so it waits for a newer one, and once more: a newer one that another read brought, or
 * that a leg used whose result is lost, may have ended as well. If the payer refuses that too, it refuses the request: some answer
 * 401 for a type that the app may not read. A token that was refused so, and that no request was answered with since, is not
 * waited for again.
 */
const afterTokenRefused = (leg: Leg, task: Task): After => {
  const { item, next } = leg;
  const { version, inRow = 0 } = next.refused ?? {};
  if (version !== item.payerVersion && task.refusals < mostNewTokens) {
    updateTask(leg, task, { refusals: task.refusals + 1 });
    return { stop: stopForToken(leg.deps, item) };
  }
  next.refused = { version: item.payerVersion, inRow: inRow + 1 };
  return inRow < mostRefusedInRow ? { refused: 401 } : { stop: { kind: 'bound', why: 'tokenRefused' } };
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
    case 'tokenRefused':
      return afterTokenRefused(leg, task);
    case 'failed':
      return afterFailure(leg, task);
    case 'clientRefused':
      return afterFailure(leg, task, mostTries, 'clientRefused');
    case 'otherType':
      return { giveUp: true };
    case 'gone':
      return { stop: { kind: 'gone' } };
    case 'paced':
      return { stop: { kind: 'wait', seconds: 2, why: 'paced' } };
  }
};
