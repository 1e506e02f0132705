import type { ServerResponse } from 'node:http';
import type { Lane } from './event.ts';
import { grantKey, hopKey } from './keys.ts';

/** A request that is not answered yet. */
export interface OpenHop {
  readonly id: number;
  readonly from: Lane;
  readonly to: Lane;
  readonly payer: string | undefined;
  readonly response: ServerResponse;
  /** The function that answers, and the id of its invocation. */
  invoked?: { readonly name: string; readonly id: string };
}

type Asked = Pick<OpenHop, 'from' | 'to' | 'payer'>;

/** The requests under way, to tell which one made another happen. */
export interface OpenHops {
  readonly add: (hop: OpenHop) => void;
  readonly remove: (hop: OpenHop) => void;
  /** The key of the hop or grant on whose behalf a request is made; undefined if it begins something. */
  readonly causeOf: (asked: Asked) => string | undefined;
  /** The key of the only hop that a function is working on. */
  readonly ofFunction: (name: string) => string | undefined;
  /** Notes which invocation answers a request. @returns the hop */
  readonly invoked: (response: ServerResponse, name: string, invocationId: string) => OpenHop | undefined;
  /** Notes for which grant a job without a request works. */
  readonly works: (grantId: string, payer: string) => void;
}

/** Keeps none. */
export const createOpenHops = (): OpenHops => {
  const open = new Set<OpenHop>();
  const lastJobs = new Map<string, string>();
  const latest = (isIt: (hop: OpenHop) => boolean): OpenHop | undefined => [...open].findLast(isIt);
  const only = (isIt: (hop: OpenHop) => boolean): OpenHop | undefined => {
    const found = [...open].filter(isIt);
    return found.length === 1 ? found[0] : undefined;
  };
  const keyOf = (hop: OpenHop | undefined): string | undefined => (hop === undefined ? undefined : hopKey(hop.id));

  return {
    add: (hop) => void open.add(hop),
    remove: (hop) => void open.delete(hop),
    causeOf: ({ from, to, payer }) => {
      if (from === 'gateway' && to === 'payer') {
        const request = latest(
          (hop) => hop.to === 'gateway' && (hop.payer ?? payer) === payer && hop.invoked !== undefined,
        );
        const grant = lastJobs.get(payer ?? '');
        return keyOf(request) ?? (grant === undefined ? undefined : grantKey(grant));
      }
      return from === 'app' ? keyOf(only((hop) => hop.to === 'app' && hop.from === 'browser')) : undefined;
    },
    ofFunction: (name) => keyOf(only(({ invoked }) => invoked?.name === name)),
    invoked: (response, name, id) => {
      const hop = latest((one) => one.response === response);
      if (hop !== undefined) hop.invoked = { name, id };
      return hop;
    },
    works: (grantId, payer) => void lastJobs.set(payer, grantId),
  };
};
