import type { Clock } from '../../shared/clock.ts';
import { causeOf, GatewayError, unavailable } from '../../shared/errors.ts';
import { leaseFromTable, returnSlot } from '../../shared/limits/lease-slots.ts';
import { slotMsOf, type Rate } from '../../shared/limits/slots.ts';
import { NoMatch } from '../../shared/payer/errors.ts';
import type { Table } from '../../shared/store/dynamo.ts';

/** Ten a minute: more would let an app find out by guessing whose names a payer knows. */
const rate: Rate = { perSecond: 10 / 60, burst: 10 };

const noMatch = (): GatewayError =>
  new GatewayError(
    'invalid_grant',
    'The health plan found no single member with this identity. Ask the member whether the plan has this name and address, or send them to its sign-in.',
    { detail: 'no match at the payer' },
  );

const tooMany = (waitMs: number): GatewayError =>
  new GatewayError(
    'too_many_requests',
    'An app may make ten calls at a time to this health plan, and have ten members not found in a minute; wait a moment.',
    {
      retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
      detail: 'over ten calls at a time, or ten no-matches a minute',
    },
  );

/**
 * Asks the payer within the limit of answers without a match. The turn is taken before, so that guesses at the same time
 * count too, and given back unless there is no match. So no more than ten calls of a partner are under way at once.
 * @param ask throws NoMatch
 * @throws GatewayError `invalid_grant` without a match, `too_many_requests`, or `temporarily_unavailable` if it cannot be
 * counted
 */
export const limitNoMatches = async <T>(
  { limits, clock }: { readonly limits: Table; readonly clock: Clock },
  { partner, payer }: { readonly partner: string; readonly payer: string },
  ask: () => Promise<T>,
): Promise<T> => {
  const key = `noMatch#${partner}#${payer}`;
  const one = { key, rate, needed: 1, slots: 1, alone: false, ahead: true, crowded: true, seenMs: undefined };
  const { fromMs, takenUntilMs } = await leaseFromTable(limits)({ ...one, now: clock.now }).catch(
    (error: unknown): never => {
      throw unavailable(`limits: ${causeOf(error)}`);
    },
  );
  if (fromMs === undefined) throw tooMany(takenUntilMs + slotMsOf(rate) - clock.now());
  let isTurnSpent = false;
  try {
    return await ask();
  } catch (error) {
    isTurnSpent = error instanceof NoMatch;
    throw isTurnSpent ? noMatch() : error;
  } finally {
    // If it stays taken, the partner has one turn less for six seconds.
    if (!isTurnSpent) await returnSlot(limits, { key, rate }).catch(() => undefined);
  }
};
