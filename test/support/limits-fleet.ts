import { leaseFromTable } from '../../functions/shared/limits/lease-slots.ts';
import { limiter, type Turn } from '../../functions/shared/limits/limiter.ts';
import type { Rate } from '../../functions/shared/limits/slots.ts';
import { boundTime } from '../../functions/shared/store/bounded-clock.ts';
import { memoryDynamo } from './memory-dynamo.ts';

/** One call to one environment of a fleet, at the fleet's true time. */
export interface FleetCall {
  readonly atMs: number;
  readonly environment: number;
}

interface FleetOptions {
  readonly rate: Rate;
  /** How far ahead each environment's clock is, in milliseconds. */
  readonly skewsMs: readonly number[];
  /** @default `partner#a` */
  readonly key?: string;
}

/** Where the true time starts: not at a full second, so that a `Date` is behind it. */
const startMs = Date.UTC(2026, 5, 1, 12) + 700;

/**
 * Environments that share only one table in memory. Each has its own clock, which every call to the table bounds by a
 * `Date` in full seconds, as `boundedClock` does with DynamoDB's answers.
 */
export const limitsFleet = ({ rate, skewsMs, key = 'partner#a' }: FleetOptions) => {
  const dynamo = memoryDynamo();
  const time = { ms: startMs };
  const lease = leaseFromTable({ client: dynamo.client, name: 'Limits' });
  const environments = skewsMs.map((skewMs, index) => {
    const bootedMs = startMs - index * 1234;
    const monotonic = (): number => time.ms - bootedMs;
    // The grant is read before each turn, so an answer with a date has just arrived.
    const now = (): number => {
      const dateMs = Math.floor(time.ms / 1000) * 1000;
      return boundTime(time.ms + skewMs, monotonic(), { dateMs, sentAt: monotonic(), receivedAt: monotonic() });
    };
    return limiter({ lease, clock: { now, monotonic } });
  });
  return {
    dynamo,
    /** Makes the call when its time has come. */
    call: ({ atMs, environment }: FleetCall): Promise<Turn> => {
      time.ms = startMs + atMs;
      return environments[environment % environments.length]!(key, rate);
    },
    writes: () => dynamo.calls().filter((name) => name === 'UpdateItem').length,
  };
};
