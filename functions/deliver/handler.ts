import type { DurableExecutionHandler } from '@aws/durable-execution-sdk-js';
import type { PartnerEvent } from '../shared/events/event.ts';
import { embeddedMetrics } from '../shared/metrics/metrics.ts';
import { attempt, type Attempt } from './attempt.ts';
import type { DeliverDeps } from './deps.ts';
import { waitSeconds } from './schedule.ts';

/** How a delivery ended. */
export interface Delivered {
  readonly outcome: Attempt['outcome'];
  readonly tries: number;
  /** Why the last try failed. */
  readonly detail?: string;
}

/** The result of one try, as the execution's history stores it. */
interface Tried {
  readonly attempt: Attempt;
  /** Absent if there is no further try. */
  readonly waitSeconds?: number;
}

/** From 0 up to 1. */
const randomOf = ({ randomBytes }: DeliverDeps): number => Buffer.from(randomBytes(4)).readUInt32BE() / 2 ** 32;

/** A test event is tried once, since its sender waits for the result. */
const waitAfter = (deps: DeliverDeps, { type }: PartnerEvent, tries: number): number | undefined =>
  type === 'webhook.test' ? undefined : waitSeconds(tries, randomOf(deps));

/** One line for each try. The URL is not logged: it may contain a secret of the partner's. */
const writeLine = (
  { clock, registry, writeLog }: DeliverDeps,
  { id, partner, type }: PartnerEvent,
  { tries, attempt: tried, waitSeconds: wait, ms }: Tried & { readonly tries: number; readonly ms: number },
): void => {
  const failed = tried.outcome === 'failed';
  // The sender of a test event sees the result, so no alarm is needed.
  const forGood = failed && wait === undefined && type !== 'webhook.test';
  writeLog(
    JSON.stringify({
      level: forGood ? 'error' : failed || tried.outcome === 'gone' ? 'warn' : 'info',
      time: new Date(clock.now()).toISOString(),
      function: 'deliver',
      event: id,
      type,
      partner,
      tries,
      ...tried,
      ...(wait === undefined ? {} : { waitSeconds: wait }),
      ms,
      ...embeddedMetrics(registry.stage, clock.now(), [
        { dimensions: [[]], metrics: { deliveryFailed: forGood ? 1 : undefined } },
      ]),
    }),
  );
};

const tryOnce = async (deps: DeliverDeps, event: PartnerEvent, tries: number): Promise<Tried> => {
  const began = deps.clock.monotonic();
  const made = await attempt(deps, event);
  const wait = made.outcome === 'failed' ? waitAfter(deps, event, tries) : undefined;
  const tried = { attempt: made, ...(wait === undefined ? {} : { waitSeconds: wait }) };
  writeLine(deps, event, { ...tried, tries, ms: Math.round(deps.clock.monotonic() - began) });
  return tried;
};

/**
 * Delivers one event to one partner: posts it, and on failure waits and posts it again, for three days. An event that no
 * try delivered has its own alarm, and can be sent again from the execution's history. It is no failure of the execution,
 * which would put it among the events that Lambda gave up.
 */
export const deliverHandler =
  (deps: DeliverDeps): DurableExecutionHandler<PartnerEvent, Delivered> =>
  async (event, context) => {
    for (let tries = 1; ; tries += 1) {
      const { attempt: made, waitSeconds: seconds } = await context.step('post', () => tryOnce(deps, event, tries));
      if (made.outcome !== 'failed') return { outcome: made.outcome, tries };
      if (seconds === undefined) return { outcome: 'failed', tries, detail: made.detail };
      await context.wait('until the next try', { seconds });
    }
  };
