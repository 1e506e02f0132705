import { readText } from '../../shared/payer/read-text.ts';
import { declaredBy } from '../plan/declared.ts';
import { planReading } from '../plan/plan-reading.ts';
import type { Declared, StatementTask } from '../state/state.ts';
import { afterAnswer } from './after-answer.ts';
import type { Answer } from './ask-payer.ts';
import type { Leg } from './leg.ts';
import { followPlan } from './queue.ts';
import type { Stop } from './stop.ts';

/** As discovery reads it, in bytes. */
const longestStatement = 5 * 1024 * 1024;

/** How many times the statement is asked for. The record can be read without it. */
const mostTries = 3;

const declaredIn = async ({ response, end }: Extract<Answer, { kind: 'json' }>): Promise<Declared | undefined> => {
  try {
    const text = await readText(response, longestStatement);
    return text === undefined ? undefined : declaredBy(JSON.parse(text));
  } catch {
    return undefined;
  } finally {
    end();
  }
};

/** Ends the task with a plan of what to read. @param declared undefined if that is not known */
const plan = (leg: Leg, declared: Declared | undefined): undefined => {
  const { payer, wanted, item, next } = leg;
  next.declared = declared;
  next.queue.shift();
  followPlan(leg, planReading({ payer, wanted, asked: item, declared }));
};

/**
 * Reads what the payer declares in its CapabilityStatement, and plans the searches. A statement that cannot be read is
 * not needed: then each type is searched that may be a patient's.
 */
export const readStatement = async (leg: Leg, first: StatementTask): Promise<Stop | undefined> => {
  let task = first;
  for (;;) {
    const stop = leg.calls.whyNot();
    if (stop !== undefined) return stop;
    const answer = await leg.calls.ask('/metadata');
    if (answer.kind === 'json') return plan(leg, await declaredIn(answer));
    if (answer.kind === 'refused' || answer.kind === 'tokenRefused') return plan(leg, undefined);
    if (task.tries + task.waits >= mostTries - 1 && (answer.kind === 'failed' || answer.kind === 'throttled')) {
      return plan(leg, undefined);
    }
    const after = await afterAnswer(leg, task, answer);
    if ('stop' in after) return after.stop;
    task = leg.next.queue[0] as StatementTask;
  }
};
