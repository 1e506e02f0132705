import { GatewayError } from '../../shared/errors.ts';
import type { Breaker } from '../../shared/store/breaker-item.ts';

/** Makes the error for a call that a breaker keeps from its payer. It counts as a failure of the payer. */
export const refuse = (why: string, waitMs: number): GatewayError =>
  new GatewayError('temporarily_unavailable', 'The health plan does not answer at the moment.', {
    advice: 'Please try again later.',
    retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
    detail: `breaker: ${why}`,
    signal: 'payerDown',
  });

/** For a call that comes while a breaker is open, or its probe is under way. */
export const refuseAtOpen = ({ openUntilMs = 0 }: Breaker, nowMs: number): GatewayError =>
  refuse('open', openUntilMs - nowMs);
export const refuseBesideProbe = (lateMs: number): GatewayError => refuse('its probe is under way', lateMs);

/** For a call that was waiting when the breaker opened. */
export const refuseWaiting = ({ openUntilMs = 0 }: Breaker, nowMs: number): GatewayError =>
  refuse('opened while the call waited', openUntilMs - nowMs);
