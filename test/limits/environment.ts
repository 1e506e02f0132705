/** A process that acts as one execution environment: it takes a turn for each message that it receives. */
import { leaseFromTable } from '../../functions/shared/limits/lease-slots.ts';
import { limiter } from '../../functions/shared/limits/limiter.ts';
import type { Rate } from '../../functions/shared/limits/slots.ts';
import { boundedClock } from '../../functions/shared/store/bounded-clock.ts';
import { dynamoClient } from '../../functions/shared/store/dynamo.ts';

/** What a process is started with, as JSON in its only argument. */
export interface EnvironmentOptions {
  readonly table: string;
  readonly rate: Rate;
  /** How far ahead its clock is, in milliseconds. */
  readonly skewMs: number;
}

/** What it reports about each turn, and when it is ready. */
export interface EnvironmentMessage {
  readonly taken?: boolean;
  readonly failure?: string;
}

const { table, rate, skewMs } = JSON.parse(process.argv[2] ?? '{}') as EnvironmentOptions;
const client = dynamoClient();
const clock = boundedClock(client, { now: () => Date.now() + skewMs, monotonic: () => performance.now() });
const lease = leaseFromTable({ client, name: table });
const takeTurn = limiter({ lease, clock });
const say = (message: EnvironmentMessage): void => void process.send?.(message);

process.on('message', () => {
  void takeTurn('partner#flood', rate).then(({ taken, failure }) =>
    say({ taken, ...(failure === undefined ? {} : { failure }) }),
  );
});
process.on('disconnect', () => process.exit());
// The connection exists before the first turn, as it does after reading the grant. On a busy machine the first call may
// be slow.
void takeTurn('warm-up', rate).then(() => say({}));
