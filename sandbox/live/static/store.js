import { isError, searchable } from './text.js';

const mostEvents = 2000;

/** What the page knows, and what of it the filters let through. */
export const createStore = () => {
  const events = new Map();
  const flows = new Map();
  let clearedTo = 0;

  const flowOf = (event) => {
    let flow = flows.get(event.flow);
    for (let depth = 0; flow?.into !== undefined && depth < 100; depth += 1) flow = flows.get(flow.into);
    return flow;
  };

  return {
    /** Takes what the server sent. @returns the ids of events that are new or look different, and of those that are gone */
    take: (messages) => {
      const changed = new Set();
      const renamed = new Set();
      for (const message of messages) {
        if (message.kind === 'flow') {
          if (flows.has(message.id)) renamed.add(message.id);
          flows.set(message.id, message);
        } else if (message.id > clearedTo) {
          events.set(message.id, message);
          changed.add(message.id);
        }
      }
      for (const [id, event] of renamed.size === 0 ? [] : events) {
        if (renamed.has(event.flow) || renamed.has(flowOf(event)?.id)) changed.add(id);
      }
      const gone = [...events.keys()].sort((a, b) => a - b).slice(0, Math.max(0, events.size - mostEvents));
      for (const id of gone) events.delete(id);
      return { changed: [...changed], gone };
    },
    /** Forgets what happened so far. */
    clear: () => {
      clearedTo = Math.max(clearedTo, ...events.keys());
      events.clear();
    },
    /** The server is a new one. */
    reset: () => {
      clearedTo = 0;
      events.clear();
      flows.clear();
    },
    get: (id) => events.get(id),
    flowOf,
    ids: () => [...events.keys()].sort((a, b) => a - b),
    /** Grants in the order in which they began. */
    grants: () => [...flows.values()].filter(({ into, grant }) => into === undefined && grant !== undefined),
    passes: (event, filters) => {
      const flow = flowOf(event);
      if (event.asset === true && !filters.assets) return false;
      if (event.kind === 'stored' && !filters.stored) return false;
      if (filters.errors && !isError(event)) return false;
      if (filters.grant !== '' && flow?.grant !== filters.grant) return false;
      if (filters.payer !== '' && (flow?.payer ?? event.service) !== filters.payer) return false;
      if (filters.partner !== '' && flow?.partner !== filters.partner) return false;
      const words = filters.search.toLowerCase().split(/\s+/).filter(Boolean);
      const text = words.length === 0 ? '' : searchable(event, flow);
      return words.every((word) => text.includes(word));
    },
  };
};
