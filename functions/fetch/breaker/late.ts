import { firstByteMsOf } from '../../shared/payer/answers.ts';
import type { Payer } from '../../shared/registry/types.ts';
import type { BreakerTimes } from '../../shared/store/breaker-item.ts';

/** After how many milliseconds without an answer a call to a payer is late. A slow payer has more time. */
export const lateMsOf = (payer: Payer, { lateMs }: BreakerTimes): number => Math.max(lateMs, firstByteMsOf(payer) / 6);
