import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { Webhook } from 'standardwebhooks';
import { deliverHandler } from '../../../functions/deliver/handler.ts';
import type { SignedRequest } from '../../../functions/deliver/sign.ts';
import { makeEvent, type PartnerEvent } from '../../../functions/shared/events/event.ts';
import { writeWebhookSecret, writeWebhookSecrets } from '../../../functions/shared/events/webhook-secrets.ts';
import { entryIds } from '../../../functions/shared/registry/entry-items.ts';
import { registryOf } from '../../../functions/shared/registry/registry.ts';
import type { Partner } from '../../../functions/shared/registry/types.ts';
import { simulatedDurable, type DurableOptions } from '../../support/durable.ts';
import { localData, startMs, testDeps } from '../../support/gateway.ts';

export const minute = 60_000;
export const hour = 60 * minute;

export const secretOf = (fill: number): string => writeWebhookSecret(new Uint8Array(32).fill(fill));
export const firstSecret = secretOf(1);

/** A post as a receiver got it. `atMs` is since the start. */
interface Got {
  readonly url: string;
  readonly atMs: number;
  readonly id: string;
  readonly request: SignedRequest;
}

type Receiver = (got: Got) => number | Error | Promise<number | Error>;

/** An event of a partner. */
export const eventOf = (change: Partial<Pick<PartnerEvent, 'partner' | 'type'>> & { at?: number } = {}): PartnerEvent =>
  makeEvent(change.type ?? 'export.completed', {
    partner: change.partner ?? 'demo-app',
    atSeconds: startMs / 1000 + (change.at ?? 0),
    data: { grant: 'grant-1', export: 'export-1', payer: 'northwind' },
  });

/** Verifies a request's signatures with the receiver's own software. @throws Error if none is valid */
export const verify = (secret: string, { headers, body }: SignedRequest): unknown =>
  new Webhook(secret).verify(body, headers);

/**
 * Runs `deliver` in simulated time, with receivers by URL. `demo-app` has the webhook `https://a.example.org/`,
 * `demo-partner` `https://b.example.org/`.
 */
export const deliveries = (receivers: Readonly<Record<string, Receiver>>, options: DurableOptions = {}) => {
  const world = testDeps();
  const partners = new Map<string, Partner>();
  const urls: Readonly<Record<string, string>> = {
    'demo-app': 'https://a.example.org/',
    'demo-partner': 'https://b.example.org/',
  };
  for (const partner of localData().partners) {
    const webhook = urls[partner.clientId];
    const { webhook: _, ...without } = partner;
    partners.set(partner.clientId, { ...without, ...(webhook === undefined ? {} : { webhook }) });
  }
  const texts = new Map(['demo-app', 'demo-partner'].map((id) => [id, writeWebhookSecrets([firstSecret])]));
  const client = new SecretsManagerClient({ region: 'eu-central-1' });
  mockClient(client)
    .on(GetSecretValueCommand)
    .callsFake(async ({ SecretId, VersionStage }: Record<string, string>) => {
      const text = texts.get(String(SecretId).replace(/^p2p\/local\/webhooks\//, ''));
      if (text === undefined || VersionStage !== 'AWSCURRENT') {
        throw Object.assign(new Error('no secret'), { name: 'ResourceNotFoundException' });
      }
      return { SecretString: text };
    });
  const got: Got[] = [];
  const registry = {
    partner: async (id: string) =>
      registryOf({ ...localData(), partners: [...partners.values()] }, world.stops).partner(id),
  };
  const durable = simulatedDurable(
    {
      deliver: deliverHandler({
        ...world.deps,
        clock: { now: () => durable.now(), monotonic: () => durable.now() },
        registry: { ...world.deps.registry, partner: (id) => registry.partner(id) },
        limits: { client: world.dynamo.client, name: 'Limits' },
        secrets: { client, prefix: 'p2p/local/webhooks/' },
        post: async (url, request) => {
          const post = { url, atMs: durable.now() - startMs, id: request.headers['webhook-id'] ?? '', request };
          got.push(post);
          const answer = await receivers[url]?.(post);
          if (answer === undefined) throw new Error('no such receiver');
          if (answer instanceof Error) throw answer;
          return answer;
        },
      }),
    },
    { startMs, ...options },
  );
  return {
    ...world,
    durable,
    got,
    registry,
    /** Sets a partner's secrets. Without any, its secret is deleted. */
    setSecrets: (clientId: string, ...secrets: string[]) =>
      secrets.length === 0 ? void texts.delete(clientId) : void texts.set(clientId, writeWebhookSecrets(secrets)),
    setText: (clientId: string, text: string) => void texts.set(clientId, text),
    change: (clientId: string, webhook: string | undefined) => {
      const { webhook: _, ...without } = partners.get(clientId) as Partner;
      partners.set(clientId, webhook === undefined ? without : { ...without, webhook });
    },
    remove: (clientId: string) => void partners.delete(clientId),
    block: (clientId: string) =>
      world.stops.set(entryIds.partner(clientId), { at: startMs / 1000, by: 'operator', reason: 'test' }),
    isDisabled: (clientId: string) => world.dynamo.items('Limits').has(`webhook#${clientId}`),
    start: (event: PartnerEvent, name = event.id) => durable.start('deliver', event, name),
    run: (event: PartnerEvent) => durable.finish(durable.start('deliver', event, event.id)),
    log: () => world.lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
};
