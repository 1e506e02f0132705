import type { Partner } from '../../config/stage.ts';
import type { Clock } from '../shared/deps.ts';
import { GatewayError } from '../shared/errors.ts';

/**
 * A token bucket a partner, in this execution environment: it keeps one partner from starving another here, and
 * promises nothing about the fleet.
 */
export const rateLimiter = ({ monotonic }: Clock): ((partner: Partner) => void) => {
  const buckets = new Map<string, { left: number; atMs: number }>();
  return ({ clientId, rate }) => {
    const now = monotonic();
    const bucket = buckets.get(clientId) ?? { left: rate.burst, atMs: now };
    const left = Math.min(rate.burst, bucket.left + ((now - bucket.atMs) / 1000) * rate.perSecond);
    buckets.set(clientId, { left: left < 1 ? left : left - 1, atMs: now });
    if (left < 1) {
      throw new GatewayError('too_many_requests', 'Too many requests; wait a moment.', {
        status: 429,
        retryAfterSeconds: Math.max(1, Math.ceil((1 - left) / rate.perSecond)),
      });
    }
  };
};
