/** The measured requests. Each is prepared, then sent, and its answer is checked. */
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

/** Sends a prepared request. @throws Error if the answer is not the expected one */
type Send = () => Promise<void>;

/** Begins a series of requests. Each call prepares one. */
export type Begin = (gateway: Gateway) => () => Promise<Send>;

export const authorizing: Begin = (gateway) => async () => {
  const event = authorizeEvent();
  return async () => void redirectOf(await gateway.authorize(event));
};

export const returning: Begin = (gateway) => async () => {
  const event = callbackEvent(await gateway.authorize(authorizeEvent()));
  return async () => void sentBack(await gateway.callback(event), 'code');
};

export const redeeming: Begin = (gateway) => async () => {
  const event = redeemEvent(await logIn(gateway));
  return async () => void pairOf(await gateway.token(event));
};

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
  let held: Promise<Pair> | undefined;
  return async () => {
    const { access_token: token } = await (held ??= connect(gateway));
    const event = patientEvent(token);
    return async () => {
      const status = await gateway.fetch(event);
      if (status !== 200) throw new Error(`no answer, but ${status}`);
    };
  };
};
