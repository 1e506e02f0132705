import type { Clock } from '../../shared/clock.ts';
import { causeOf, GatewayError, unavailable } from '../../shared/errors.ts';
import { leaseFromTable, returnSlot } from '../../shared/limits/lease-slots.ts';
import { slotMsOf, type Rate } from '../../shared/limits/slots.ts';
import { NoMatch } from '../../shared/payer/errors.ts';
import type { Table } from '../../shared/store/dynamo.ts';

/** Ten a minute, so that an app cannot discover a payer's members by guessing. */
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
 * Asks the payer, within the limit on answers without a match. A turn is taken before the call, so that simultaneous guesses
 * count, and given back unless there was no match. A partner can therefore have at most ten calls in progress.
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
    // If this fails, the partner has one turn fewer for six seconds.
    if (!isTurnSpent) await returnSlot(limits, { key, rate }).catch(() => undefined);
  }
};
