import { existsSync, readFileSync } from 'node:fs';
import { pocketRecord } from './browser-apps.ts';
import type { BrowserApp } from './browser-apps.ts';
import type { PayerChoice } from './payer-choice.ts';
import type { IdentitySettings } from './present-identity.ts';

/** What the app must be told: from the environment, or from the sandbox. */
export interface Settings {
  /** Port on localhost; 0 for any free port. */
  readonly port: number;
  /** Where browsers reach the app, if a proxy is in front of it. @default `http://localhost:{port}` */
  readonly publicOrigin?: string | undefined;
  /** Such as `https://gateway.example`, without a slash at the end. */
  readonly gatewayOrigin: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly payers: readonly PayerChoice[];
  /** The secrets that may have signed an event. Without any, every event is refused. @default none */
  readonly webhookSecrets?: readonly string[];
  /** How members may prove who they are, in place of a sign-in at the plan. @default they may not */
  readonly identity?: IdentitySettings;
  /** The apps that need no server. @default none */
  readonly browserApps?: readonly BrowserApp[];
}

/** A variable of the environment that is missing or wrong. The message is for the person who starts the app. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

type Environment = Readonly<Record<string, string | undefined>>;

const required = (environment: Environment, name: string, example: string): string => {
  const value = environment[name]?.trim() ?? '';
  if (value === '') throw new SettingsError(`${name} is not set. Set it, for example ${name}=${example}`);
  return value;
};

/** An origin without a path. Only this machine may be reached without TLS. */
const originOf = (name: string, value: string): string => {
  const url = URL.parse(value);
  const isLocal = url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal);
  if (url === null || !isSafe)
    throw new SettingsError(`${name} is not an https URL. Write one such as https://gateway.example`);
  const path = url.pathname.replace(/\/$/, '');
  return url.origin + path;
};

const portOf = (value: string): number => {
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
  throw new SettingsError(`PORT is ${JSON.stringify(value)}. Write a port from 0 to 65535`);
};

const payersOf = (value: string): readonly PayerChoice[] =>
  value.split(',').map((entry) => {
    const [id = '', displayName = ''] = entry.split('=').map((part) => part.trim());
    if (/^[a-z0-9-]+$/.test(id) && displayName !== '') return { id, displayName };
    throw new SettingsError(`PAYERS has ${JSON.stringify(entry)}. Write id=Name, separated by commas`);
  });

const listOf = (value: string | undefined): readonly string[] =>
  (value ?? '').split(/[\s,]+/).filter((part) => part !== '');

/** Members may prove who they are if an identity provider is named; the rest is then required. */
const identityOf = (environment: Environment): { readonly identity?: IdentitySettings } => {
  const { IDENTITY_ISSUER: issuer } = environment;
  if (issuer === undefined) return {};
  const file = required(environment, 'PRIVATE_KEY_FILE', 'key.pem');
  if (!existsSync(file)) throw new SettingsError(`PRIVATE_KEY_FILE: ${file} does not exist. Write the path of a file`);
  return {
    identity: {
      issuer: originOf('IDENTITY_ISSUER', issuer),
      clientId: required(environment, 'IDENTITY_CLIENT_ID', 'demo-partner'),
      payers: listOf(required(environment, 'IDENTITY_PAYERS', 'demo-health-plan')),
      key: { privateKey: readFileSync(file, 'utf8'), kid: required(environment, 'PRIVATE_KEY_ID', 'demo-partner-1') },
    },
  };
};

/** Reads the settings. @throws {SettingsError} with the name of the variable and what to write */
export const readSettings = (environment: Environment): Settings => {
  const { PORT: port = '3002', PUBLIC_ORIGIN: publicOrigin, WEBHOOK_SECRETS: webhookSecrets } = environment;
  const { BROWSER_CLIENT_ID: browserClientId } = environment;
  return {
    port: portOf(port),
    ...(publicOrigin === undefined ? {} : { publicOrigin: originOf('PUBLIC_ORIGIN', publicOrigin) }),
    gatewayOrigin: originOf('GATEWAY', required(environment, 'GATEWAY', 'http://localhost:3000')),
    clientId: required(environment, 'CLIENT_ID', 'demo-partner'),
    clientSecret: required(environment, 'CLIENT_SECRET', 'demo-partner-secret'),
    payers: payersOf(required(environment, 'PAYERS', "'demo-health-plan=Demo Health Plan'")),
    webhookSecrets: listOf(webhookSecrets),
    ...identityOf(environment),
    browserApps: browserClientId === undefined ? [] : [pocketRecord(browserClientId)],
  };
};
