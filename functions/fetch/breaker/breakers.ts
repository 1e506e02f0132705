import { causeOf, GatewayError } from '../../shared/errors.ts';
import { firstByteMsOf } from '../../shared/payer/answers.ts';
import { closedBreaker, stateOf, usualTimes, type Breaker } from '../../shared/store/breaker-item.ts';
import { readBreaker, takeProbe } from '../../shared/store/breakers.ts';
import { lateMsOf, noteFailure, type Environment, type GuardedCall } from './environment.ts';
import { refuseAtOpen, refuseBesideProbe } from './refuse.ts';
import { watchCall, type Watch } from './watch-call.ts';

/** The breakers of all payers, as this environment knows them. */
export interface Breakers {
  /** Begins to look at a payer's breaker, unless this environment has done so lately. Never throws. */
  readonly look: (payer: string) => void;
  /**
   * Lets a call through, or not. A half-open breaker lets one call through, as its probe.
   * @throws GatewayError `temporarily_unavailable`
   */
  readonly admit: (call: GuardedCall) => Promise<Watch>;
}

/** What an environment saw, and when on its two clocks. */
interface Seen {
  readonly breaker: Breaker;
  readonly at: number;
  readonly atMs: number;
}

type BreakersDeps = Pick<Environment, 'limits' | 'clock'> & Partial<Pick<Environment, 'times'>>;

/** A call that finds a half-open breaker changed this often is refused. */
const mostTries = 3;

/**
 * Breakers that all environments share. An environment reads a payer's item at most every five seconds, and writes only
 * if calls wait or a breaker is not closed. While the table is out of reach, it goes on with what it knows: a breaker
 * protects capacity, and must not stop reads.
 */
export const payerBreakers = ({ limits, clock, times = usualTimes }: BreakersDeps): Breakers => {
  const seen = new Map<string, Seen>();
  const looks = new Map<string, Promise<void>>();
  let aloneUntilAt = -Infinity;
  let failure: string | undefined;

  const known = (payer: string): Breaker => seen.get(payer)?.breaker ?? closedBreaker;
  const timesNow = () => ({ at: clock.monotonic(), atMs: clock.now() });
  const note = (payer: string, breaker: Breaker, when = timesNow()): void => void seen.set(payer, { breaker, ...when });
  // A frozen environment's monotonic clock may stand still, and a wall clock may go back: the longer time counts.
  const ageOf = ({ at, atMs }: Seen): number => Math.max(clock.monotonic() - at, clock.now() - atMs);
  const environment: Environment = { limits, clock, times, known, note };
  const isAlone = (): boolean => clock.monotonic() < aloneUntilAt;
  const goAlone = (error: unknown): string => {
    aloneUntilAt = clock.monotonic() + times.knownForMs;
    return causeOf(error);
  };

  const lookNow = async (payer: string): Promise<void> => {
    // Before the read: the environment may be frozen during it.
    const when = timesNow();
    try {
      note(payer, await readBreaker(limits, payer, { consistent: false }), when);
    } catch (error) {
      failure = goAlone(error);
    } finally {
      looks.delete(payer);
    }
  };

  /** Whether this call became the probe. If not, what is stored now is known. */
  const becomeProbe = async ({ payer, record }: GuardedCall): Promise<boolean> => {
    const untilMs = clock.now() + times.refreshMs + firstByteMsOf(payer);
    const taken = await takeProbe(limits, payer.id, known(payer.id), { by: record.requestId, untilMs });
    note(payer.id, taken ?? (await readBreaker(limits, payer.id, { consistent: true })));
    return taken !== undefined;
  };

  /** Without the table no process knows that its probe is the only one. */
  const probeOrGoOn = async (call: GuardedCall): Promise<Watch | undefined> => {
    if (isAlone()) return watchCall(environment, call);
    try {
      return (await becomeProbe(call)) ? watchCall(environment, call, known(call.payer.id)) : undefined;
    } catch (error) {
      noteFailure(call.record, goAlone(error));
      return watchCall(environment, call);
    }
  };

  return {
    look: (payer) => {
      const last = seen.get(payer);
      if ((last !== undefined && ageOf(last) < times.knownForMs) || isAlone() || looks.has(payer)) return;
      looks.set(payer, lookNow(payer));
    },
    admit: async (call) => {
      const { payer, record } = call;
      await looks.get(payer.id);
      if (failure !== undefined) noteFailure(record, failure);
      failure = undefined;
      for (let tries = 0; tries < mostTries; tries += 1) {
        const breaker = known(payer.id);
        const nowMs = clock.now();
        const state = stateOf(breaker, nowMs, times);
        if (state === 'closed') return watchCall(environment, call);
        if (state === 'open') throw refuseAtOpen(breaker, nowMs);
        if (state === 'probing') break;
        const watch = await probeOrGoOn(call);
        if (watch !== undefined) return watch;
      }
      throw refuseBesideProbe(lateMsOf(payer, times));
    },
  };
};

/**
 * Makes a call to a payer, the refresh of payer tokens before it included, if the payer's breaker lets it through. A
 * refresh is never interrupted.
 * @throws GatewayError `temporarily_unavailable` if the breaker refuses, and what the call throws
 */
export const throughBreaker = async <T>(
  { breakers }: { readonly breakers: Breakers },
  call: GuardedCall,
  work: (watch: Watch) => Promise<T>,
): Promise<T> => {
  const watch = await breakers.admit(call);
  try {
    return await work(watch);
  } catch (error) {
    // Of the refresh, too: a payer that hangs there takes as many environments.
    if (error instanceof GatewayError && error.code === 'payer_timeout') await watch.unanswered();
    throw error;
  } finally {
    await watch.end();
  }
};
