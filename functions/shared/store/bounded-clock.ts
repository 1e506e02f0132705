import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../clock.ts';

/** When DynamoDB answered, to the second, and between which times of our monotonic clock. Milliseconds. */
interface DatedAnswer {
  readonly dateMs: number;
  readonly sentAt: number;
  readonly receivedAt: number;
}

/**
 * The time, corrected by DynamoDB's: a `Date` header (RFC 9110 §6.6.1) gives the second of the answer, so a clock
 * outside of that second is moved to its nearest edge.
 */
export const boundTime = (nowMs: number, at: number, { dateMs, sentAt, receivedAt }: DatedAnswer): number =>
  Math.min(Math.max(nowMs, dateMs + (at - receivedAt)), dateMs + 1000 + (at - sentAt));

const dateOf = (response: unknown): number => {
  const { headers = {} } = (response ?? {}) as { headers?: Readonly<Record<string, string>> };
  return Date.parse(headers['date'] ?? '');
};

/**
 * A clock on which all environments agree to about a second, however wrong their own clocks are: every answer to this
 * client corrects it. Times that are shared in a table need it.
 */
export const boundedClock = (client: Pick<DynamoDBClient, 'middlewareStack'>, clock: Clock): Clock => {
  let last: DatedAnswer | undefined;
  client.middlewareStack.add(
    (next) => async (args) => {
      const sentAt = clock.monotonic();
      const result = await next(args);
      const dateMs = dateOf(result.response);
      if (!Number.isNaN(dateMs)) last = { dateMs, sentAt, receivedAt: clock.monotonic() };
      return result;
    },
    // Innermost, so that it also sees refusals.
    { step: 'deserialize', priority: 'low', name: 'noteDate' },
  );
  return {
    monotonic: clock.monotonic,
    now: () => (last === undefined ? clock.now() : boundTime(clock.now(), clock.monotonic(), last)),
  };
};
