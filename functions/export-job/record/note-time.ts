import type { OpenAnswer } from '../leg/ask-payer.ts';
import { askedBase } from '../leg/leg.ts';
import { earliestTimeOf } from '../state/state.ts';
import type { RecordLeg } from './record-leg.ts';

/** Notes when the reading began, by the clock of each of the payer's bases: the earliest of them misses no change at any. */
export const noteTime = (leg: RecordLeg, type: string, { dateMs }: Pick<OpenAnswer, 'dateMs'>): void => {
  const { item, next, payer, seen } = leg;
  if (!seen.add(`clock of ${askedBase(payer, type)}`)) return;
  const times = [
    dateMs ?? earliestTimeOf(item),
    ...(next.transactionTime === undefined ? [] : [Date.parse(next.transactionTime)]),
  ];
  next.transactionTime = new Date(Math.min(...times)).toISOString();
};
