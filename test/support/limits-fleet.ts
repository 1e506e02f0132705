import { leaseFromTable } from '../../functions/shared/limits/lease-slots.ts';
import { limiter, type Turn } from '../../functions/shared/limits/limiter.ts';
import type { Rate } from '../../functions/shared/limits/slots.ts';
import { memoryDynamo } from './memory-dynamo.ts';
import { skewedClocks, skewedStartMs } from './skewed-clocks.ts';

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

/**
 * Environments that share only one table in memory. Each has its own clock.
 */
export const limitsFleet = ({ rate, skewsMs, key = 'partner#a' }: FleetOptions) => {
  const dynamo = memoryDynamo();
  const time = { ms: skewedStartMs };
  const lease = leaseFromTable({ client: dynamo.client, name: 'Limits' });
  const environments = skewedClocks(time, skewsMs).map((clock) => limiter({ lease, clock }));
  return {
    dynamo,
    /** Makes the call when its time has come. */
    call: ({ atMs, environment }: FleetCall): Promise<Turn> => {
      time.ms = skewedStartMs + atMs;
      return environments[environment % environments.length]!(key, rate);
    },
    writes: () => dynamo.calls().filter((name) => name === 'UpdateItem').length,
  };
};
