import { startPayer } from '../../sandbox/payer/server.ts';
import type { PayerOptions, RequestLogLine } from '../../sandbox/payer/server.ts';
import { freePort } from '../../sandbox/ports.ts';

export const member1 = {
  firstName: 'Mayte822',
  lastName: 'Venegas795',
  birthDate: '01/04/2011',
  memberId: '01-testmemid',
  postalCode: '02116',
  email: 'mayte@example.com',
};

export const member2 = {
  firstName: 'Large123',
  lastName: 'Record456',
  birthDate: '02/03/1970',
  memberId: '02-testmemid',
  postalCode: '02116',
  email: 'large@example.com',
};

export interface RunningPayer {
  readonly url: string;
  readonly redirectUri: string;
  readonly lines: RequestLogLine[];
  close(): Promise<void>;
  reopen(): Promise<void>;
}

/** Starts a payer on a free port, with a redirect URI that nothing listens on: the walks stop there. */
export const runPayer = async ({
  redirectUris = ['http://localhost:9/oauth2/callback/payer'],
  ...options
}: Pick<
  PayerOptions,
  | 'preset'
  | 'displayName'
  | 'clientId'
  | 'client'
  | 'accessTokenSeconds'
  | 'now'
  | 'insists'
  | 'identitySignIn'
  | 'exchange'
> & {
  readonly redirectUris?: readonly string[];
}): Promise<RunningPayer> => {
  const lines: RequestLogLine[] = [];
  const [redirectUri = '', ...furtherRedirectUris] = redirectUris;
  const payer = await startPayer({
    ...options,
    host: '127.0.0.1',
    port: await freePort(),
    gatewayRedirectUri: redirectUri,
    furtherRedirectUris,
    log: (line) => lines.push(line),
  });
  return { ...payer, redirectUri, lines };
};

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** Posts a form and reads the JSON that comes back. */
export const post = async (url: string, form: Readonly<Record<string, string>>): Promise<Answer> => {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form) });
  const text = await response.text();
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  return { status: response.status, headers: response.headers, body };
};

/** Reads from a payer's FHIR API. */
export const readFhir = async (payer: RunningPayer, path: string, token?: string): Promise<Answer> => {
  const response = await fetch(`${payer.url}/r4/${path}`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
};

/** A query parameter of a redirect, or null. */
export const parameter = (location: string, name: string): string | null => {
  return new URL(location).searchParams.get(name);
};
