import type { Payer } from '../../shared/registry/types.ts';
import type { BreakerTimes } from '../../shared/store/breaker-item.ts';

const usualFirstByteSeconds = 60;

/** How long a payer may take until its headers, in milliseconds, if the budget lasts that long. */
export const firstByteMsOf = ({ quirks }: Payer): number => (quirks.timeToFirstByte ?? usualFirstByteSeconds) * 1000;

/** After how many milliseconds without an answer a call to a payer is late. A slow payer has more time. */
export const lateMsOf = (payer: Payer, { lateMs }: BreakerTimes): number => Math.max(lateMs, firstByteMsOf(payer) / 6);
