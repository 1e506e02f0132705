import { DynamoDBClient, type GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { Registry } from '../../functions/shared/registry/registry.ts';
import { tableRegistry } from '../../functions/shared/registry/table-registry.ts';
import type { Item } from '../../functions/shared/store/items.ts';
import { localData, startMs } from '../support/gateway.ts';

/** How often a read fails, from 0 to 1, and how long one may take. */
export interface Faults {
  /** DynamoDB throttles or refuses: the read fails. */
  readonly failed: number;
  /** The answer is lost, so the read fails after its time. */
  readonly lost: number;
  readonly slowestMs: number;
}

/** One execution environment of a function. */
export interface Environment {
  readonly registry: Registry;
  /** When its reads failed, in the simulation's time. */
  readonly failedAt: readonly number[];
  readonly lines: readonly string[];
  /** Lambda freezes it until then: nothing runs, and its monotonic clock stands still. */
  readonly freeze: (untilMs: number) => void;
  readonly frozenUntilMs: () => number;
  /** Sets its wall clock back. */
  readonly setBack: (ms: number) => void;
}

interface Planned {
  readonly at: number;
  readonly run: () => void | Promise<void>;
}

/** Runs everything that waits for no time. */
const quiet = async (): Promise<void> => {
  await new Promise((resolve) => setImmediate(resolve));
};

/** What a read with all its tries takes at most. */
const longestReadMs = 2500;

/**
 * Time that passes only from one planned event to the next, and environments that read items at a random moment of each
 * read.
 * @param items the table as it is at each moment
 */
export const simulation = (random: () => number, items: ReadonlyMap<string, Item>, faults: () => Faults) => {
  const planned: Planned[] = [];
  let nowMs = startMs;
  const between = (least: number, most: number): number => least + Math.floor(random() * (most - least));
  const plan = (at: number, run: Planned['run']): void => void planned.push({ at, run });

  /** Runs what is planned, in order of time. */
  const run = async (): Promise<void> => {
    while (planned.length > 0) {
      let next = 0;
      for (let index = 1; index < planned.length; index += 1) {
        if ((planned[index] as Planned).at < (planned[next] as Planned).at) next = index;
      }
      const [event] = planned.splice(next, 1) as [Planned];
      nowMs = Math.max(nowMs, event.at);
      await event.run();
      await quiet();
    }
  };

  const environment = (): Environment => {
    let [frozenMs, backMs, frozenUntilMs] = [0, 0, 0];
    const failedAt: number[] = [];
    const lines: string[] = [];
    const { stage, lifetimes } = localData();

    const read = (key: string): Promise<object> => {
      const { failed, lost, slowestMs } = faults();
      const [fate, startedMs] = [random(), nowMs];
      const takesMs = fate < lost ? longestReadMs : between(1, slowestMs);
      let item: Item | undefined;
      return new Promise((resolve, reject) => {
        plan(startedMs + between(0, takesMs), () => {
          item = items.get(key);
        });
        const end = (): void => {
          // A frozen environment learns of the end when it goes on.
          if (nowMs < frozenUntilMs) return plan(frozenUntilMs + between(0, 50), end);
          if (fate >= lost + failed) return resolve(item === undefined ? {} : { Item: item });
          failedAt.push(nowMs);
          reject(Object.assign(new Error('injected'), { name: fate < lost ? 'TimeoutError' : 'ThrottlingException' }));
        };
        plan(startedMs + takesMs, end);
      });
    };
    const client = Object.assign(new DynamoDBClient({ region: 'eu-central-1' }), {
      send: (command: GetItemCommand) => read(command.input.Key?.['entryId']?.S ?? ''),
    });
    return {
      registry: tableRegistry({
        table: { client, name: 'Registry' },
        clock: { now: () => nowMs - backMs, monotonic: () => nowMs - frozenMs },
        writeLog: (line) => void lines.push(line),
        stage,
        lifetimes,
      }),
      failedAt,
      lines,
      freeze: (untilMs) => {
        frozenMs += untilMs - nowMs;
        frozenUntilMs = untilMs;
      },
      frozenUntilMs: () => frozenUntilMs,
      setBack: (ms) => void (backMs += ms),
    };
  };

  return { plan, run, between, environment, nowMs: () => nowMs };
};
