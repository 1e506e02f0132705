import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { nowSeconds } from '../shared/clock.ts';
import { asGatewayError, causeOf, GatewayError } from '../shared/errors.ts';
import type { PartnerEvent } from '../shared/events/event.ts';
import { parseWebhookSecrets, webhookKey, webhookSecretName } from '../shared/events/webhook-secrets.ts';
import { disabledSince, disableWebhook } from '../shared/store/webhooks.ts';
import type { DeliverDeps } from './deps.ts';
import { signEvent } from './sign.ts';

/** The result of one try. */
export type Attempt =
  | { readonly outcome: 'delivered'; readonly status: number }
  /** The event has no receiver any more. */
  | { readonly outcome: 'partnerRemoved' | 'partnerBlocked' | 'noWebhook' | 'disabled' }
  /** The receiver answered 410: it wants no more events. */
  | { readonly outcome: 'gone'; readonly status: 410 }
  /** @property detail a status, or the name of what was thrown */
  | { readonly outcome: 'failed'; readonly detail: string };

/** Finds the partner's URL, or the reason not to send. @throws GatewayError if the registry cannot be read */
const findUrl = async ({ registry, limits }: DeliverDeps, clientId: string): Promise<string | Attempt> => {
  try {
    const partner = await registry.partner(clientId);
    if (partner === undefined) return { outcome: 'partnerRemoved' };
    if (partner.webhook === undefined) return { outcome: 'noWebhook' };
    if ((await disabledSince(limits, clientId)) !== undefined) return { outcome: 'disabled' };
    return partner.webhook;
  } catch (error) {
    if (asGatewayError(error).stop === 'block') return { outcome: 'partnerBlocked' };
    throw error;
  }
};

/** @throws Error without any part of the secret */
const readKeys = async ({ secrets }: DeliverDeps, clientId: string): Promise<readonly Uint8Array[]> => {
  const SecretId = webhookSecretName(secrets.prefix, clientId);
  const { SecretString = '' } = await secrets.client.send(
    new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' }),
  );
  const found = parseWebhookSecrets(SecretString);
  if (found === undefined) throw Object.assign(new Error('not in its form'), { code: 'SECRET' });
  return found.map(webhookKey);
};

const send = async (deps: DeliverDeps, event: PartnerEvent, url: string): Promise<Attempt> => {
  const keys = await readKeys(deps, event.partner);
  const status = await deps.post(url, signEvent(event, keys, nowSeconds(deps.clock)));
  if (status >= 200 && status < 300) return { outcome: 'delivered', status };
  if (status !== 410) return { outcome: 'failed', detail: `status ${status}` };
  await disableWebhook(deps.limits, event.partner, nowSeconds(deps.clock));
  return { outcome: 'gone', status };
};

/** Tries once to deliver an event. It never throws. The URL and the secret are read again each time. */
export const attempt = async (deps: DeliverDeps, event: PartnerEvent): Promise<Attempt> => {
  try {
    const url = await findUrl(deps, event.partner);
    return typeof url === 'string' ? await send(deps, event, url) : url;
  } catch (error) {
    const detail = error instanceof GatewayError ? (error.detail ?? error.code) : causeOf(error);
    return { outcome: 'failed', detail };
  }
};
