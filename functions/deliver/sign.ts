import { createHmac } from 'node:crypto';
import type { PartnerEvent } from '../shared/events/event.ts';

/** A webhook request as Standard Webhooks describes it (https://www.standardwebhooks.com). */
export interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const signature = (secret: Uint8Array, content: string): string =>
  `v1,${createHmac('sha256', secret).update(content).digest('base64')}`;

/**
 * An event as a signed request: one signature for each secret, so that the partner can rotate secrets.
 * @param atSeconds when it is sent, in epoch seconds
 */
export const signEvent = (
  { id, type, timestamp, data }: PartnerEvent,
  secrets: readonly Uint8Array[],
  atSeconds: number,
): SignedRequest => {
  const body = JSON.stringify({ type, timestamp, data });
  const content = `${id}.${atSeconds}.${body}`;
  return {
    headers: {
      'content-type': 'application/json',
      'user-agent': 'p2p-gateway',
      'webhook-id': id,
      'webhook-timestamp': String(atSeconds),
      'webhook-signature': secrets.map((secret) => signature(secret, content)).join(' '),
    },
    body,
  };
};
