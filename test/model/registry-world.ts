import { GetItemCommand, ScanCommand, ThrottlingException, type AttributeValue } from '@aws-sdk/client-dynamodb';
import type { RegistryTable } from '../../bin/shared/registry-table.ts';
import { memoryDynamo } from '../support/memory-dynamo.ts';

export type Item = Record<string, AttributeValue>;

/** A write that the table has made. */
export interface Write {
  readonly actor: string;
  readonly entryId: string;
  readonly before: Item | undefined;
  readonly after: Item;
}

/** How often something goes wrong with a call, each from 0 to 1. */
export interface Faults {
  /** DynamoDB throttles: nothing is done. */
  readonly throttled: number;
  /** It is done, but the answer is lost. */
  readonly lost: number;
  /** It fails in a way that is not repeated, done or not. */
  readonly failed: number;
  /** The process dies, before the call or after it. */
  readonly death: number;
}

const named = (name: string): Error => Object.assign(new Error(`${name} (injected)`), { name });

const quiet = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/**
 * A table Registry in memory, whose callers take turns in a random order, one call at a time, and whose calls fail at
 * random. A scan answers in pages of a few items, so that writes fall between them.
 */
export const registryWorld = (random: () => number, faults: Faults) => {
  const dynamo = memoryDynamo();
  const items = dynamo.items('Registry');
  const send = dynamo.client.send.bind(dynamo.client) as (command: object) => Promise<object>;
  const writes: Write[] = [];
  const dead = new Set<string>();
  const waiting: { readonly actor: string; readonly go: () => void }[] = [];
  let calm = true;

  const make = async (actor: string, command: { input: { Key?: Item } }): Promise<object> => {
    const entryId = command.input.Key?.['entryId']?.S ?? '';
    const before = items.get(entryId);
    if (command instanceof ScanCommand) {
      return send(new ScanCommand({ ...command.input, Limit: 1 + Math.floor(random() * 12) }));
    }
    const answer = await send(command);
    const after = items.get(entryId);
    if (!(command instanceof GetItemCommand)) writes.push({ actor, entryId, before, after: after ?? {} });
    return answer;
  };

  const perform = async (actor: string, command: { input: object }): Promise<object> => {
    const at = calm ? 1 : random();
    const { throttled, lost, failed, death } = faults;
    if (at < throttled) throw new ThrottlingException({ message: 'slow', $metadata: {} });
    const isDone = at >= throttled + lost + failed + death || random() < 0.5 || at < throttled + lost;
    const made = isDone ? await make(actor, command) : {};
    if (at < throttled + lost) throw named('TimeoutError');
    if (at < throttled + lost + failed) throw named('AccessDeniedException');
    if (at >= throttled + lost + failed + death) return made;
    dead.add(actor);
    return new Promise(() => {});
  };

  /** The table as one process sees it. */
  const tableOf = (actor: string): RegistryTable => {
    const { client } = memoryDynamo();
    const wait = (): Promise<void> =>
      new Promise((resolve) => {
        waiting.push({ actor, go: resolve });
      });
    Object.assign(client, {
      send: async (command: { input: object }) => {
        await wait();
        return perform(actor, command);
      },
    });
    return { client, name: 'Registry', wait };
  };

  /** Runs every process, one step at a time, until each has ended or died. */
  const run = async (): Promise<void> => {
    await quiet();
    while (waiting.length > 0) {
      const [next] = waiting.splice(Math.floor(random() * waiting.length), 1);
      if (next !== undefined && !dead.has(next.actor)) next.go();
      await quiet();
    }
  };

  return {
    items,
    writes,
    dead,
    tableOf,
    run,
    /** From now on calls fail at random, or none does. At first, none does. */
    setFaulty: (faulty: boolean) => void (calm = !faulty),
  };
};
