import { createHash, randomBytes } from 'node:crypto';
import { UsageError } from '../bin/shared/errors.ts';
import { clientSecret, id, redirectUri, webhook as webhookUrl } from '../config/checks/rules.ts';
import type { LocalPartner } from '../config/local.ts';

/** An app that `--client` registers. */
export interface AskedClient {
  readonly clientId: string;
  readonly redirectUris: readonly string[];
  /** Whether it is a confidential client: with a secret that the stack makes, or with this one. */
  readonly secret: 'none' | 'made' | { readonly value: string };
  /** Where it hears of events. @default it hears of none */
  readonly webhook?: string;
}

/** A registered app, with its secret unless it is public, and its webhook with the secrets that sign events. */
export interface LocalClient {
  readonly clientId: string;
  readonly redirectUris: readonly string[];
  readonly secret?: string;
  readonly webhook?: { readonly url: string; readonly secrets: readonly string[] };
}

/** The text before the first `=`, and the text after it. */
const splitAt = (text: string): readonly [before: string, after: string | undefined] => {
  const [before = ''] = text.split('=', 1);
  return [before, text.includes('=') ? text.slice(before.length + 1) : undefined];
};

const refuse = (flag: string, text: string, problem: string): never => {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  throw new UsageError(`--${flag} ${JSON.stringify(shown)}: ${problem}`);
};

/** Each client's redirect URIs, by client id, in the order of the flags. */
const urisOf = (clients: readonly string[], taken: readonly string[]): ReadonlyMap<string, readonly string[]> => {
  const byId = new Map<string, readonly string[]>();
  for (const text of clients) {
    const [clientId, uri] = splitAt(text);
    if (uri === undefined || uri === '') {
      refuse(
        'client',
        text,
        'has no redirect URI; write ID=REDIRECT_URI, such as my-app=http://localhost:5210/callback',
      );
    }
    const problem = id(clientId);
    if (problem !== undefined) refuse('client', text, `its id ${problem.replace('northwind-health', 'my-app')}`);
    if (taken.includes(clientId)) {
      refuse('client', text, `${clientId} is one of the sandbox's own clients; choose another id`);
    }
    byId.set(clientId, [...(byId.get(clientId) ?? []), uri ?? '']);
  }
  return byId;
};

/** Whether a client has a secret, by client id. */
const secretsOf = (secrets: readonly string[], ids: readonly string[]): ReadonlyMap<string, AskedClient['secret']> => {
  const byId = new Map<string, AskedClient['secret']>();
  for (const text of secrets) {
    const [clientId, value] = splitAt(text);
    // Only the id is quoted: the rest is a secret.
    if (!ids.includes(clientId)) {
      refuse('client-secret', clientId, `is for a client of this start; add --client ${clientId}=REDIRECT_URI`);
    }
    if (byId.has(clientId)) refuse('client-secret', clientId, 'is given twice; leave one out');
    const problem = value === undefined ? undefined : clientSecret(value);
    if (problem !== undefined) refuse('client-secret', clientId, `its secret ${problem.replace(/; .*$/, '')}`);
    byId.set(clientId, value === undefined ? 'made' : { value });
  }
  return byId;
};

/** Each client's webhook, by client id. */
const webhooksOf = (webhooks: readonly string[], ids: readonly string[]): ReadonlyMap<string, string> => {
  const byId = new Map<string, string>();
  for (const text of webhooks) {
    const [clientId, url = ''] = splitAt(text);
    if (!ids.includes(clientId)) {
      refuse('webhook', text, `is for a client of this start; add --client ${clientId}=REDIRECT_URI`);
    }
    if (byId.has(clientId)) refuse('webhook', text, `${clientId} has a webhook already; leave one out`);
    const problem = url === '' ? 'is missing; write ID=URL, such as my-app=http://localhost:8080/' : webhookUrl(url);
    if (problem !== undefined) refuse('webhook', text, `its URL ${problem}`);
    byId.set(clientId, url);
  }
  return byId;
};

/** The flags about clients, as they were given. */
interface ClientFlags {
  readonly clients?: readonly string[];
  readonly secrets?: readonly string[];
  readonly webhooks?: readonly string[];
}

/**
 * Reads `--client ID=REDIRECT_URI`, `--client-secret ID[=SECRET]` and `--webhook ID=URL`, by the rules of the configuration.
 * @param taken ids that the stage already has
 * @throws UsageError with one line
 */
export const readClients = (
  { clients = [], secrets = [], webhooks = [] }: ClientFlags,
  taken: readonly string[],
): readonly AskedClient[] => {
  const uris = urisOf(clients, taken);
  const secretOf = secretsOf(secrets, [...uris.keys()]);
  const webhookOf = webhooksOf(webhooks, [...uris.keys()]);
  return [...uris].map(([clientId, redirectUris]) => {
    const secret = secretOf.get(clientId) ?? 'none';
    for (const [index, uri] of redirectUris.entries()) {
      const problem = redirectUri(secret === 'none')(uri)?.replace(
        'clientAuthentication: ["none"]',
        'no --client-secret',
      );
      if (problem !== undefined) refuse('client', `${clientId}=${uri}`, `its redirect URI ${problem}`);
      if (redirectUris.indexOf(uri) !== index) refuse('client', `${clientId}=${uri}`, 'is given twice; leave one out');
    }
    const webhook = webhookOf.get(clientId);
    return webhook === undefined ? { clientId, redirectUris, secret } : { clientId, redirectUris, secret, webhook };
  });
};

/** Gives each client its secrets. @param made makes one for a client id, or finds the one of an earlier start */
export const registerClients = (
  asked: readonly AskedClient[],
  made: (clientId: string) => string,
): readonly LocalClient[] =>
  asked.map(({ clientId, redirectUris, secret, webhook }) => ({
    clientId,
    redirectUris,
    ...(secret === 'none' ? {} : { secret: secret === 'made' ? made(clientId) : secret.value }),
    ...(webhook === undefined ? {} : { webhook: { url: webhook, secrets: [newWebhookSecret()] } }),
  }));

/** A client secret: 256 random bits in hex, which needs no escaping anywhere. */
export const newClientSecret = (): string => randomBytes(32).toString('hex');

/** A secret that signs events, as Standard Webhooks writes it. */
const newWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/** `my-app` as the consent page shows it: `My App`. */
const nameOf = (clientId: string): string =>
  clientId
    .split('-')
    .filter((word) => word !== '')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join(' ') || clientId;

const originsOf = (uris: readonly string[]): readonly string[] => [
  ...new Set(uris.filter((uri) => /^https?:/.test(uri)).map((uri) => new URL(uri).origin)),
];

/** The client's entry in the stage. Its member is asked by the gateway, as in production. */
export const partnerOf = ({ clientId, redirectUris, secret, webhook }: LocalClient): LocalPartner => {
  const [site] = originsOf(redirectUris);
  return {
    clientId,
    name: nameOf(clientId),
    ...(site === undefined ? {} : { homePage: `${site}/` }),
    redirectUris,
    consent: 'gateway',
    ...(webhook === undefined ? {} : { webhook: webhook.url }),
    ...(secret === undefined
      ? { clientAuthentication: ['none'], webOrigins: originsOf(redirectUris) }
      : {
          clientAuthentication: ['client_secret_basic', 'client_secret_post'],
          secretHashes: [createHash('sha256').update(secret).digest('base64url')],
        }),
  };
};
