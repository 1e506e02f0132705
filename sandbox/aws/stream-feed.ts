import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { eventFilter } from './event-filter.ts';
import { ThrottledError } from './lambda.ts';
import type { MappingSpec } from './template-data.ts';

/** Delivers records to functions as Lambda's event source mappings do. */
export interface StreamFeed {
  readonly offer: (record: DynamoDBRecord) => void;
  /** Resolves when every record was delivered, except those held by a pause. @throws Error if the feed closes first */
  readonly idle: () => Promise<void>;
  /** Stops delivering, as if the mappings were disabled. The streams keep the records until `resume`. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Delivers again, in order, what was delivered so far, as Lambda does when it resumes from an earlier position in a shard. */
  readonly rewind: () => void;
  /** Ends at once. Undelivered records are lost along with the tables. */
  readonly close: () => Promise<void>;
}

/** What AWS may do at any time, and does not do here unless a test asks for it. */
export interface StreamHabits {
  /** Each batch comes again after the function has taken it: delivery is at least once. */
  readonly twice?: boolean;
  /** Keeps what was delivered, so that `rewind` can deliver it again minutes later. */
  readonly rewinds?: boolean;
  /** How many shards a stream has. The changes of one item are in one, and shards are read side by side. @default 1 */
  readonly shards?: number;
}

/** Passes an event to a function. @throws Error if the function fails */
export type Deliver = (functionName: string, event: DynamoDBStreamEvent) => Promise<unknown>;

/** DynamoDB drops what waits in a stream for longer (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html). */
const keptSeconds = 86_400;

const firstPauseMs = 50;
const longestPauseMs = 5000;

/** Waits before the next try, and ends early where the signal aborts. */
type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

const waitRealTime: Wait = (ms, signal) => delay(ms, undefined, { signal }).catch(() => {});

/**
 * How many records of a batch count as processed: all before the first one that the function's answer names as failed.
 * None, if the answer names a record that is not in the batch
 * (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
 */
const takenOf = (batch: readonly DynamoDBRecord[], answer: unknown): number => {
  const { batchItemFailures = [] } = (answer ?? {}) as Partial<DynamoDBBatchResponse>;
  const failed = batchItemFailures.map(({ itemIdentifier }) =>
    batch.findIndex(({ dynamodb }) => dynamodb?.SequenceNumber === itemIdentifier),
  );
  return failed.length === 0 ? batch.length : Math.max(0, Math.min(...failed));
};

/** One shard of a mapping: a queue and at most one invocation at a time, so that records arrive in order. */
const feedOf = (
  mapping: MappingSpec,
  deliver: Deliver,
  wait: Wait,
  nowMs: () => number,
  { twice = false, rewinds = false }: StreamHabits,
): StreamFeed => {
  const passes = eventFilter(mapping.filters);
  const queue: DynamoDBRecord[] = [];
  const delivered: DynamoDBRecord[] = [];
  const closed = new AbortController();
  const { signal } = closed;
  let running = Promise.resolve();
  let isRunning = false;
  let isPaused = false;

  const send = (batch: readonly DynamoDBRecord[]): Promise<'failed' | 'throttled' | { readonly taken: number }> =>
    deliver(mapping.functionName, { Records: [...batch] }).then(
      (answer) => ({ taken: mapping.namesFailures ? takenOf(batch, answer) : batch.length }),
      (error: unknown) => (error instanceof ThrottledError ? 'throttled' : 'failed'),
    );

  const isKept = ({ dynamodb: { ApproximateCreationDateTime: at } = {} }: DynamoDBRecord): boolean =>
    at === undefined || nowMs() / 1000 - at <= keptSeconds;

  /** Retries until the function takes them, or the stream drops them. */
  const insist = async (all: readonly DynamoDBRecord[]): Promise<void> => {
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const batch = all.filter(isKept);
      if (batch.length === 0) return;
      const outcome = await send(batch);
      if (typeof outcome === 'object') {
        if (outcome.taken === batch.length) return;
        if (outcome.taken > 0) return insist(batch.slice(outcome.taken));
      }
      // A throttled batch reached no function, so splitting it would not help.
      if (outcome === 'failed' && mapping.bisect && batch.length > 1) {
        const middle = Math.ceil(batch.length / 2);
        await insist(batch.slice(0, middle));
        return insist(batch.slice(middle));
      }
      await wait(pauseMs, signal);
    }
  };

  const hasWork = (): boolean => queue.length > 0 && !isPaused && !signal.aborted;
  const run = async (): Promise<void> => {
    while (hasWork()) {
      const batch = queue.splice(0, mapping.batchSize);
      await insist(batch);
      if (twice) await insist(batch);
      if (rewinds) delivered.push(...batch);
    }
    isRunning = false;
  };

  const untilIdle = async (): Promise<void> => {
    await running;
    // Another waiting caller may have added records in the meantime.
    if (isRunning) await untilIdle();
  };

  const start = (): void => {
    if (isRunning || isPaused) return;
    isRunning = true;
    running = run();
  };

  return {
    offer: (record) => {
      if (record.eventSourceARN !== mapping.streamArn || !passes(record)) return;
      queue.push(record);
      start();
    },
    pause: () => {
      isPaused = true;
    },
    resume: () => {
      isPaused = false;
      start();
    },
    rewind: () => {
      queue.unshift(...delivered.splice(0));
      start();
    },
    idle: async () => {
      await untilIdle();
      if (signal.aborted) throw new Error(`The local stack closed before ${mapping.functionName} had every record`);
    },
    close: async () => {
      closed.abort();
      await running;
    },
  };
};

/** The shard of a record, by its item's key. */
const shardOf = ({ dynamodb: { Keys: keys = {} } = {} }: DynamoDBRecord, shards: number): number =>
  shards === 1 ? 0 : createHash('sha256').update(JSON.stringify(keys)).digest().readUInt32BE() % shards;

/**
 * Creates the feed for all mappings. It ignores their batching windows, since local invocations cost nothing.
 */
export const streamFeed = (
  mappings: readonly MappingSpec[],
  deliver: Deliver,
  wait: Wait = waitRealTime,
  nowMs: () => number = Date.now,
  habits: StreamHabits = {},
): StreamFeed => {
  const { shards = 1 } = habits;
  const all = mappings.map((mapping) =>
    Array.from({ length: shards }, () => feedOf(mapping, deliver, wait, nowMs, habits)),
  );
  const feeds = all.flat();
  return {
    offer: (record) => all.forEach((ofMapping) => ofMapping[shardOf(record, shards)]?.offer(record)),
    idle: async () => {
      await Promise.all(feeds.map((feed) => feed.idle()));
    },
    pause: () => feeds.forEach((feed) => feed.pause()),
    resume: () => feeds.forEach((feed) => feed.resume()),
    rewind: () => feeds.forEach((feed) => feed.rewind()),
    close: async () => {
      await Promise.all(feeds.map((feed) => feed.close()));
    },
  };
};
