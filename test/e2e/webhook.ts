import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { writeWebhookSecret } from '../../functions/shared/events/webhook-secrets.ts';
import { close, listen } from '../../sandbox/aws/listen.ts';

/** A partner's receiver that wants no more events: it answers 410. */
export interface Webhook {
  readonly url: string;
  readonly secret: string;
  readonly close: () => Promise<void>;
}

export const startWebhook = async (): Promise<Webhook> => {
  const server = createServer((request, response) => {
    request.resume();
    void once(request, 'end').then(() => response.writeHead(410).end());
  });
  const url = `http://localhost:${await listen(server, 0, '127.0.0.1')}/webhooks`;
  return { url, secret: writeWebhookSecret(randomBytes(32)), close: () => close(server) };
};
