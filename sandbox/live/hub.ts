import type { Flow, FlowName, LiveEvent, Shown } from './event.ts';
import { createFlows } from './flows.ts';

/** Something that readers get, with its place in the order of changes. */
interface Message {
  readonly seq: number;
  readonly content: LiveEvent | Flow;
}

/** Someone who looks. */
interface Reader {
  /** What changed. @returns false if no more fits; call `resume` when it does */
  readonly take: (contents: readonly (LiveEvent | Flow)[], seq: number) => boolean;
}

/** The last events, for any number of readers. */
export interface Hub {
  /**
   * Adds an event.
   * @param keysOf what the event of this id has in common with others of its flow
   * @returns its id
   */
  readonly add: (event: Shown, keysOf: (id: number) => readonly string[], name?: FlowName) => number;
  readonly get: (id: number) => LiveEvent | undefined;
  /** Changes an event that is still kept. */
  readonly change: (id: number, changes: Partial<Shown>, keys?: readonly string[], name?: FlowName) => void;
  /** @param after the last change that the reader has; 0 for none */
  readonly read: (reader: Reader, after: number) => { readonly resume: () => void; readonly stop: () => void };
}

interface HubOptions {
  /** How many events are kept. */
  readonly mostEvents?: number;
  /** Epoch milliseconds. */
  readonly now?: () => number;
  /** Calls back soon. Changes until then are sent together. */
  readonly soon?: (callBack: () => void) => void;
}

/** How many changes a reader gets at once. */
const mostAtOnce = 200;
const pauseMs = 40;

const soonByTimer = (callBack: () => void): void => void setTimeout(callBack, pauseMs).unref();

/**
 * Keeps the last events in a ring. A reader is only a place in it: one that is slow gets later what is still there, and
 * nobody waits for it.
 */
export const createHub = ({ mostEvents = 2000, now = Date.now, soon = soonByTimer }: HubOptions = {}): Hub => {
  const events = new Map<number, Message & { readonly content: LiveEvent }>();
  const flowMessages = new Map<number, Message & { readonly content: Flow }>();
  const pumps = new Set<() => void>();
  let seq = 0;
  let made = 0;
  let isDue = false;

  const tell = (): void => {
    if (isDue || pumps.size === 0) return;
    isDue = true;
    soon(() => {
      isDue = false;
      for (const pump of pumps) pump();
    });
  };
  const flows = createFlows((flow) => {
    // Set again, so that the order is that of the changes.
    flowMessages.delete(flow.id);
    flowMessages.set(flow.id, { seq: (seq += 1), content: flow });
    const [oldest] = flowMessages.keys();
    if (flowMessages.size > mostEvents && oldest !== undefined) flowMessages.delete(oldest);
    tell();
  });
  const keep = (content: LiveEvent): void => {
    events.delete(content.id);
    events.set(content.id, { seq: (seq += 1), content });
    const [oldest] = events.keys();
    if (events.size > mostEvents && oldest !== undefined) events.delete(oldest);
    tell();
  };
  const since = (after: number): readonly Message[] =>
    [...flowMessages.values(), ...events.values()]
      .filter((message) => message.seq > after)
      .sort((a, b) => a.seq - b.seq);

  return {
    add: (event, keysOf, name) => {
      const id = (made += 1);
      const flow = flows.of(keysOf(id), name);
      keep({ ...event, id, at: now(), ...(flow === undefined ? {} : { flow }) });
      return id;
    },
    get: (id) => events.get(id)?.content,
    change: (id, changes, keys = [], name) => {
      const known = events.get(id)?.content;
      const flow = flows.of(keys, name) ?? known?.flow;
      if (known === undefined) return;
      keep({ ...known, ...changes, ...(flow === undefined ? {} : { flow }) } as LiveEvent);
    },
    read: ({ take }, after) => {
      let at = after;
      let isFull = false;
      const pump = (): void => {
        const found = isFull || at >= seq ? [] : since(at);
        for (let from = 0; from < found.length && !isFull; from += mostAtOnce) {
          const part = found.slice(from, from + mostAtOnce);
          at = part.at(-1)?.seq ?? at;
          isFull = !take(
            part.map(({ content }) => content),
            at,
          );
        }
      };
      pumps.add(pump);
      pump();
      const resume = (): void => {
        isFull = false;
        pump();
      };
      return { resume, stop: () => void pumps.delete(pump) };
    },
  };
};
