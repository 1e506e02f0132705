/** The measured requests. Each is prepared, then sent, and its answer is checked. */
import type { ApiEvent } from '../functions/shared/http/api.ts';
import type { Gateway } from './gateway.ts';
import {
  authorizeEvent,
  callbackEvent,
  connect,
  logIn,
  pairOf,
  patientEvent,
  redeemEvent,
  redirectOf,
  refreshEvent,
  sentBack,
  type Pair,
} from './walk.ts';

/** A request that was prepared: an event, and the function that it is for. */
export interface Prepared {
  readonly to: keyof Gateway;
  readonly event: ApiEvent;
}

/** The requests that are measured one by one. */
export type RequestName = 'authorize' | 'callback' | 'token' | 'refresh' | 'fetch';

/** Prepares one request of each kind, with a login of its own where it needs one. */
export const prepare: Readonly<Record<RequestName, (gateway: Gateway) => Promise<Prepared>>> = {
  authorize: async () => ({ to: 'authorize', event: authorizeEvent() }),
  callback: async (gateway) => ({
    to: 'callback',
    event: callbackEvent(await gateway.authorize(authorizeEvent())),
  }),
  token: async (gateway) => ({ to: 'token', event: redeemEvent(await logIn(gateway)) }),
  refresh: async (gateway) => ({ to: 'token', event: refreshEvent((await connect(gateway)).refresh_token) }),
  fetch: async (gateway) => ({ to: 'fetch', event: patientEvent((await connect(gateway)).access_token) }),
};

/** Sends a prepared request. @throws Error if the answer is not the expected one */
export const send = async (gateway: Gateway, { to, event }: Prepared): Promise<void> => {
  switch (to) {
    case 'authorize':
      return void redirectOf(await gateway.authorize(event));
    case 'callback':
      return void sentBack(await gateway.callback(event), 'code');
    case 'token':
      return void pairOf(await gateway.token(event));
    case 'fetch': {
      const status = await gateway.fetch(event);
      if (status !== 200) throw new Error(`no answer, but ${status}`);
    }
  }
};

/** Sends what was prepared. @throws Error if the answer is not the expected one */
type Send = () => Promise<void>;

/** Begins a series of requests. Each call prepares one. */
export type Begin = (gateway: Gateway) => () => Promise<Send>;

/** Requests of one kind, each with a login of its own. */
export const each =
  (name: RequestName): Begin =>
  (gateway) =>
  async () => {
    const prepared = await prepare[name](gateway);
    return () => send(gateway, prepared);
  };

export const authorizing = each('authorize');

/** From the payer's redirect to the partner's tokens. */
export const returningAndRedeeming: Begin = (gateway) => async () => {
  const event = callbackEvent(await gateway.authorize(authorizeEvent()));
  return async () => void pairOf(await gateway.token(redeemEvent(await gateway.callback(event))));
};

/** Refreshes one grant repeatedly. */
export const refreshing: Begin = (gateway) => {
  let held: Promise<Pair> | undefined;
  return async () => {
    const first = (held ??= connect(gateway));
    await first;
    return async () => {
      const { refresh_token: token } = await (held ?? first);
      held = Promise.resolve(pairOf(await gateway.token(refreshEvent(token))));
    };
  };
};

/** Reads the 2 KB patient repeatedly with one grant. */
export const reading: Begin = (gateway) => {
  let held: Promise<Prepared> | undefined;
  return async () => {
    const prepared = await (held ??= prepare.fetch(gateway));
    return () => send(gateway, prepared);
  };
};
