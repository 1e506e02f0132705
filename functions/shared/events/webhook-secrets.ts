import { parseObject } from '../json/json-object.ts';

/*
 * A partner's webhook secrets, in Secrets Manager under `p2p/{stage}/webhooks/{clientId}`: {"secrets": ["whsec_…"]}.
 * During a rotation there are two, the newer one first.
 */

/** The name of a partner's secret. @param prefix with a slash at its end */
export const webhookSecretName = (prefix: string, clientId: string): string => prefix + clientId;

export const webhookSecretPrefix = (stage: string): string => `p2p/${stage}/webhooks/`;

/** Bytes of a key. Standard Webhooks allows 24 to 64. */
export const webhookKeyBytes = 32;
const form = /^whsec_([A-Za-z0-9+/]{32,88}={0,2})$/;

/** A key as Standard Webhooks writes it. */
export const writeWebhookSecret = (key: Uint8Array): string => `whsec_${Buffer.from(key).toString('base64')}`;

export const writeWebhookSecrets = (secrets: readonly string[]): string => JSON.stringify({ secrets });

/** The secrets in the text; undefined unless it holds one or two valid ones. */
export const parseWebhookSecrets = (text: string): readonly string[] | undefined => {
  const secrets = parseObject(text)?.['secrets'];
  if (!Array.isArray(secrets) || secrets.length === 0 || secrets.length > 2) return undefined;
  return secrets.every((secret) => typeof secret === 'string' && form.test(secret)) ? (secrets as string[]) : undefined;
};

/** The key in a valid secret. */
export const webhookKey = (secret: string): Uint8Array => Buffer.from(form.exec(secret)?.[1] ?? '', 'base64');
