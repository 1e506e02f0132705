import { causeOf } from '../../shared/errors.ts';
import type { Deadline } from '../../shared/http/deadline.ts';
import { raise } from '../../shared/record/request-record.ts';
import { closedBreaker, isMarked, markOf, stateOf, stepOf, type Breaker } from '../../shared/store/breaker-item.ts';
import {
  closeBreaker,
  markLate,
  openBreaker,
  readBreaker,
  releaseProbe,
  reopenBreaker,
} from '../../shared/store/breakers.ts';
import { lateMsOf, noteFailure, type Environment, type GuardedCall } from './environment.ts';
import { refuse, refuseWaiting } from './refuse.ts';

/** A late call that finds the breaker changed this often leaves it to the others. */
const mostTries = 4;

/**
 * Marks a payer's breaker for a late call, or opens it if enough calls are late and nothing has answered since.
 * @returns whether this call opened it
 * @throws whatever DynamoDB throws
 */
export const markOrOpen = async (
  { limits, clock, times, note }: Environment,
  { payer: { id }, grant }: GuardedCall,
): Promise<boolean> => {
  const mark = markOf(grant);
  let current: Breaker | undefined;
  for (let tries = 0; tries < mostTries; tries += 1) {
    current ??= await readBreaker(limits, id, { consistent: true });
    note(id, current);
    const nowMs = clock.now();
    switch (stepOf(current, mark, nowMs, times)) {
      case 'none':
        return false;
      case 'mark':
        current = await markLate(limits, id, current, mark, nowMs, times);
        break;
      case 'open': {
        current = await openBreaker(limits, id, current, nowMs, times);
        if (current === undefined) break;
        note(id, current);
        return true;
      }
    }
  }
  return false;
};

/** What a breaker is told about a call that it let through. */
export interface Watch {
  /**
   * The request leaves now. Without an answer it is late after a while. If the breaker is open when it has waited for
   * twice as long, it ends.
   * @throws GatewayError `temporarily_unavailable` if it is the probe and took too long until here
   */
  readonly sent: (deadline: Pick<Deadline, 'end'>) => void;
  /** The first byte has come. */
  readonly answered: () => Promise<void>;
  /** There will be no answer: a failed connection, or a time-out, of a refresh too. */
  readonly unanswered: () => Promise<void>;
  /** The call is over, however it ended. */
  readonly end: () => Promise<void>;
}

/**
 * Watches one call.
 * @param taken the breaker, if this call is its probe
 */
export const watchCall = (environment: Environment, call: GuardedCall, taken?: Breaker): Watch => {
  const { limits, clock, times, known, note } = environment;
  const { payer, record } = call;
  const lateMs = lateMsOf(payer, times);
  let probe = taken;
  let hasReopened = false;
  let waits = false;
  let isGivenUp = false;
  let timers: NodeJS.Timeout[] = [];
  let work: Promise<void> = Promise.resolve();

  /** One step after another, each going by what the one before has written. None of them stops the read. */
  const next = (step: () => Promise<void>): Promise<void> => {
    work = work.then(step).catch((error: unknown) => noteFailure(record, causeOf(error)));
    return work;
  };
  const wait = (ms: number, step: () => Promise<void>): void => {
    timers.push(setTimeout(() => void next(step), ms));
  };
  const stopWaiting = (): void => {
    waits = false;
    for (const timer of timers) clearTimeout(timer);
    timers = [];
  };

  const reopen = async (late: Breaker): Promise<boolean> => {
    if (hasReopened) return false;
    const by = { by: record.requestId, nowMs: clock.now() };
    const reopened = await reopenBreaker(limits, payer.id, late, by, times);
    hasReopened = true;
    if (reopened !== undefined) note(payer.id, reopened);
    return reopened !== undefined;
  };
  const beLate = async (): Promise<void> => {
    const opened = probe === undefined ? await markOrOpen(environment, call) : await reopen(probe);
    if (opened) raise(record, 'breakerOpened');
  };

  return {
    sent: ({ end }) => {
      stopWaiting();
      waits = true;
      isGivenUp = false;
      wait(lateMs, beLate);
      if (probe !== undefined) {
        const leftMs = (probe.probeUntilMs ?? 0) - times.clockErrorMs - clock.now();
        if (leftMs <= 0) throw refuse('the probe took too long to refresh payer tokens', lateMs);
        wait(leftMs, async () => end(new DOMException('the time of the probe is over', 'TimeoutError')));
        return;
      }
      wait(2 * lateMs, async () => {
        await beLate();
        const breaker = known(payer.id);
        const nowMs = clock.now();
        if (waits && stateOf(breaker, nowMs, times) !== 'closed') end(refuseWaiting(breaker, nowMs));
      });
    },
    answered: () => {
      stopWaiting();
      return next(async () => {
        const breaker = known(payer.id);
        const isWritten = breaker.openUntilMs !== undefined || isMarked(breaker, clock.now(), times);
        if (probe === undefined && !isWritten) return;
        await closeBreaker(limits, payer.id);
        probe = undefined;
        note(payer.id, closedBreaker);
      });
    },
    unanswered: async () => {
      stopWaiting();
      if (isGivenUp) return;
      isGivenUp = true;
      await next(beLate);
    },
    end: () => {
      stopWaiting();
      return next(async () => {
        if (probe === undefined) return;
        probe = undefined;
        await releaseProbe(limits, payer.id, record.requestId);
      });
    },
  };
};
