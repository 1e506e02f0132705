import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../../shared/deps.ts';

/** When DynamoDB made an answer, to the second, and between which times of our monotonic clock. Milliseconds. */
interface DatedAnswer {
  readonly dateMs: number;
  readonly sentAt: number;
  readonly receivedAt: number;
}

/**
 * The time, no further from DynamoDB's own than can be: a `Date` (RFC 9110 §6.6.1) says the second in which the answer
 * was made, so a clock outside of that second is taken to its edge.
 */
export const boundTime = (nowMs: number, at: number, { dateMs, sentAt, receivedAt }: DatedAnswer): number =>
  Math.min(Math.max(nowMs, dateMs + (at - receivedAt)), dateMs + 1000 + (at - sentAt));

const dateOf = (response: unknown): number => {
  const { headers = {} } = (response ?? {}) as { headers?: Readonly<Record<string, string>> };
  return Date.parse(headers['date'] ?? '');
};

/**
 * A clock that all environments agree on to about a second, however wrong their own are: each answer of this client to
 * whatever call sets it right. What is shared in a table and compared with the time needs it.
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
    // Innermost, so that refusals are seen as well as answers.
    { step: 'deserialize', priority: 'low', name: 'noteDate' },
  );
  return {
    monotonic: clock.monotonic,
    now: () => (last === undefined ? clock.now() : boundTime(clock.now(), clock.monotonic(), last)),
  };
};
