import type { Flow, FlowName } from './event.ts';

const mostFlows = 2000;
const mostKeys = 20_000;

/** Finds which events belong together, by what they have in common: a state, a sign-in, a grant. */
export interface Flows {
  /** The flow of these keys. Keys of several flows make them one. @returns undefined without keys */
  readonly of: (keys: readonly string[], name?: FlowName) => number | undefined;
  readonly all: () => Iterable<Flow>;
}

/** @param changed gets each new and changed flow */
export const createFlows = (changed: (flow: Flow) => void): Flows => {
  const flows = new Map<number, Flow>();
  const byKey = new Map<string, number>();
  let made = 0;

  const rootOf = (id: number): Flow | undefined => {
    let flow = flows.get(id);
    while (flow?.into !== undefined) flow = flows.get(flow.into);
    return flow;
  };
  const keep = (flow: Flow): Flow => {
    flows.set(flow.id, flow);
    changed(flow);
    return flow;
  };
  const begin = (): Flow => {
    const [oldest] = flows.keys();
    if (flows.size >= mostFlows && oldest !== undefined) flows.delete(oldest);
    return keep({ kind: 'flow', id: (made += 1) });
  };
  /** Two grants are never one flow, whatever seems to connect them. */
  const mayJoin = (one: Flow, other: FlowName): boolean =>
    one.grant === undefined || other.grant === undefined || one.grant === other.grant;

  const join = (one: Flow, other: Flow): Flow => {
    if (one.id === other.id || !mayJoin(one, other)) return one;
    const [first, second] = one.id < other.id ? [one, other] : [other, one];
    keep({ kind: 'flow', id: second.id, into: first.id });
    return keep({ ...second, ...first });
  };
  const remember = (key: string, id: number): void => {
    byKey.delete(key);
    byKey.set(key, id);
    const [oldest] = byKey.keys();
    if (byKey.size > mostKeys && oldest !== undefined) byKey.delete(oldest);
  };
  const nameIt = (flow: Flow, name: FlowName): Flow => {
    const named = { ...name, ...flow };
    const isNew = (['grant', 'payer', 'partner'] as const).some((part) => named[part] !== flow[part]);
    return isNew && mayJoin(flow, name) ? keep(named) : flow;
  };

  return {
    of: (keys, name = {}) => {
      if (keys.length === 0) return undefined;
      const known = keys.flatMap((key) => rootOf(byKey.get(key) ?? 0) ?? []);
      // The grant's own flow comes first: what is in it stays in it.
      const [first, ...others] = known.toSorted(
        (a, b) => Number(b.grant === name.grant) - Number(a.grant === name.grant),
      );
      const flow = nameIt(others.reduce(join, first ?? begin()), name);
      // Flows that are in use stay.
      flows.delete(flow.id);
      flows.set(flow.id, flow);
      for (const key of keys) {
        const before = rootOf(byKey.get(key) ?? 0);
        if (before === undefined || before.id === flow.id) remember(key, flow.id);
      }
      return flow.id;
    },
    all: () => flows.values(),
  };
};
