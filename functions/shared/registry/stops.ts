import { GatewayError } from '../errors.ts';

/** An operator's stop of a partner (a block) or of a payer (a pause). */
export interface Stop {
  /** Epoch seconds. */
  readonly at: number;
  /** When a pause ends by itself, epoch seconds. @default when an operator ends it */
  readonly until?: number | undefined;
  /** The operator's AWS identity (ARN). */
  readonly by: string;
  readonly reason: string;
}

/** Whether it ends the stop before: tools end one by another that is over, so that the audit has who did it and why. */
export const isEnd = ({ at, until }: Stop): boolean => at > 0 && until === at;

/** Whether a pause holds now, in epoch seconds. */
export const isPaused = (stop: Stop | undefined, now: number): stop is Stop =>
  stop !== undefined && !isEnd(stop) && (stop.until === undefined || stop.until > now);

/** Whether a block holds. Only an operator ends one, so any other `until`, written by hand, means nothing. */
export const isBlocked = (stop: Stop | undefined): stop is Stop => stop !== undefined && !isEnd(stop);

/** How long a caller waits before it asks again, if the pause has no end. */
const usualPauseSeconds = 300;

/** Makes the error for a partner that an operator has blocked. It tells neither who nor why. */
export const blockedPartner = (): GatewayError =>
  new GatewayError('unauthorized_client', 'This app has been blocked by the operator of this gateway.', {
    status: 403,
    detail: 'the partner is blocked',
    page: 'blockedApp',
    stop: 'block',
  });

/** Makes the error for a payer that an operator has paused. @param now epoch seconds */
export const pausedPayer = ({ until }: Stop, now: number): GatewayError =>
  new GatewayError('temporarily_unavailable', 'This health plan is paused by the operator of this gateway.', {
    retryAfterSeconds: until === undefined ? usualPauseSeconds : Math.max(1, Math.ceil(until - now)),
    detail: 'the payer is paused',
    stop: 'pause',
  });
