import type { Clock } from '../../shared/clock.ts';
import { firstByteMsOf } from '../../shared/payer/answers.ts';
import { raise, type RequestRecord } from '../../shared/record/request-record.ts';
import type { Payer } from '../../shared/registry/types.ts';
import type { Breaker, BreakerTimes } from '../../shared/store/breaker-item.ts';
import type { Table } from '../../shared/store/dynamo.ts';
import type { Grant } from '../../shared/store/grant-item.ts';

/** A call on its way to a payer. */
export interface GuardedCall {
  readonly payer: Payer;
  readonly grant: Pick<Grant, 'grantId' | 'partner'>;
  readonly record: Pick<RequestRecord, 'requestId' | 'signals' | 'detail'>;
}

/** What one execution environment has, and knows of breakers. */
export interface Environment {
  readonly limits: Table;
  /** `now` must agree with other environments' to about a second: see `boundedClock`. */
  readonly clock: Clock;
  readonly times: BreakerTimes;
  readonly known: (payer: string) => Breaker;
  readonly note: (payer: string, breaker: Breaker) => void;
}

/** Notes that the table is out of reach. The read goes on, and an alarm counts it. */
export const noteFailure = (record: GuardedCall['record'], cause: string): void => {
  raise(record, 'limitsDown');
  record.detail ??= `limits: ${cause}`;
};

/** After how many milliseconds without an answer a call to a payer is late. A slow payer has more time. */
export const lateMsOf = (payer: Payer, { lateMs }: BreakerTimes): number => Math.max(lateMs, firstByteMsOf(payer) / 6);
