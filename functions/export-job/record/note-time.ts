import type { Answer } from '../leg/ask-payer.ts';
import { askedBase } from '../leg/leg.ts';
import { earliestTimeOf } from '../state/state.ts';
import type { RecordLeg } from './record-leg.ts';

/**
 * Notes when the reading began, by the clock of each of the payer's bases: the earliest of them misses no change at any. A refusal counts,
 * too: it may say that there is none, or be all that a base says.
 */
export const noteTime = (leg: RecordLeg, type: string, answer: Answer): void => {
  const { item, next, payer, seen } = leg;
  if (answer.kind !== 'json' && answer.kind !== 'refused') return;
  if (!seen.add(`clock of ${askedBase(payer, type)}`)) return;
  const times = [
    answer.dateMs ?? earliestTimeOf(item),
    ...(next.transactionTime === undefined ? [] : [Date.parse(next.transactionTime)]),
  ];
  next.transactionTime = new Date(Math.min(...times)).toISOString();
};
