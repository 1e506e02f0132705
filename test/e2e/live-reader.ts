import type { Flow, LiveEvent } from '../../sandbox/live/event.ts';
import { eventually } from '../support/eventually.ts';

/** A reader of the live view's stream, as its page is. */
export interface LiveReader {
  /** All that the server sent, byte for byte. */
  readonly text: () => string;
  /** The last state of each event, in the order in which they began. */
  readonly events: () => LiveEvent[];
  readonly flowOf: (event: LiveEvent) => Flow | undefined;
  /** Waits for an event. */
  readonly until: (isIt: (event: LiveEvent) => boolean) => Promise<LiveEvent>;
  readonly close: () => Promise<void>;
}

/** Reads the stream of a live view. */
export const readLive = async (url: string): Promise<LiveReader> => {
  const stopping = new AbortController();
  const answer = await fetch(`${url}/events`, { signal: stopping.signal });
  if (answer.body === null) throw new Error(`The stream answered ${answer.status}`);
  let text = '';
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
    }
  })().catch(() => {});

  const messages = (): (LiveEvent | Flow)[] =>
    text
      .split('\n\n')
      .slice(0, -1)
      .flatMap((frame) => /^data: (\[.*)$/m.exec(frame)?.[1] ?? [])
      .flatMap((data) => JSON.parse(data) as (LiveEvent | Flow)[]);
  const events = (): LiveEvent[] => {
    const byId = new Map<number, LiveEvent>();
    for (const message of messages()) if (message.kind !== 'flow') byId.set(message.id, message);
    return [...byId.values()].toSorted((a, b) => a.id - b.id);
  };
  const flowOf = ({ flow: id }: LiveEvent): Flow | undefined => {
    const flows = new Map<number, Flow>();
    for (const message of messages()) if (message.kind === 'flow') flows.set(message.id, message);
    let flow = flows.get(id ?? 0);
    while (flow?.into !== undefined) flow = flows.get(flow.into);
    return flow;
  };
  return {
    text: () => text,
    events,
    flowOf,
    until: async (isIt) => {
      await eventually(() => events().some(isIt));
      return events().find(isIt) as LiveEvent;
    },
    close: async () => {
      stopping.abort();
      await reading;
    },
  };
};
