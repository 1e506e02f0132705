import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { close, listen } from '../../sandbox/aws/listen.ts';

/** How one call in twenty goes wrong. */
const faults = ['a 500', 'no answer', 'a reset', 'a slow answer'] as const;
type Fault = (typeof faults)[number];
const faultShare = 0.05;
const slowMs = 2000;

/** So short that a grant's payer tokens are refreshed again and again. Seconds. */
const accessTokenSeconds = 120;

/** A strict payer that signs everybody in at once, and fails at random. */
export interface SoakPayer {
  readonly port: number;
  /** Faults so far, by kind. */
  readonly faults: Readonly<Record<Fault, number>>;
  /**
   * Whether this member's payer tokens were rotated by an answer that the gateway never got: the grant is lost then, as
   * with every payer that rotates.
   */
  readonly lostRotation: (patient: string) => boolean;
  readonly close: () => Promise<void>;
}

/** Numbers from 0 to 1 that are the same in every run. */
const chances = (seed: number): (() => number) => {
  let drawn = 0;
  return () => {
    drawn += 1;
    return createHash('sha256').update(`${seed}.${drawn}`).digest().readUInt32BE() / 2 ** 32;
  };
};

interface Login {
  readonly patient: string;
  refresh: string;
}

const json = (response: ServerResponse, status: number, value: unknown, type = 'application/json'): void =>
  void response.writeHead(status, { 'content-type': type }).end(JSON.stringify(value));

/** A searchset of some size, so that bodies are really streamed. */
const bundleFor = (patient: string): object => ({
  resourceType: 'Bundle',
  type: 'searchset',
  entry: Array.from({ length: 20 }, (_none, index) => ({
    resource: {
      resourceType: 'Observation',
      id: `${patient}-${index}`,
      subject: { reference: `Patient/${patient}` },
      valueString: 'x'.repeat(500),
    },
    search: { mode: 'match' },
  })),
});

/** Sends the browser back at once, with a code. */
const authorize = (url: URL, origin: string, response: ServerResponse): void => {
  const back = new URL(url.searchParams.get('redirect_uri') ?? '');
  back.searchParams.set('code', randomUUID());
  back.searchParams.set('state', url.searchParams.get('state') ?? '');
  back.searchParams.set('iss', origin);
  response.writeHead(302, { location: back.href }).end();
};

/** Starts it on a free port. */
export const startSoakPayer = async (seed: number): Promise<SoakPayer> => {
  const chance = chances(seed);
  const counted: Record<Fault, number> = { 'a 500': 0, 'no answer': 0, 'a reset': 0, 'a slow answer': 0 };
  const byRefresh = new Map<string, Login>();
  const byAccess = new Map<string, Login>();
  const lost = new Set<string>();

  const rotate = (login: Login): object => {
    byRefresh.delete(login.refresh);
    login.refresh = randomUUID();
    byRefresh.set(login.refresh, login);
    const access = randomUUID();
    byAccess.set(access, login);
    // What has expired is forgotten, so that this process does not grow.
    setTimeout(() => byAccess.delete(access), accessTokenSeconds * 1000).unref();
    return {
      access_token: access,
      refresh_token: login.refresh,
      token_type: 'Bearer',
      expires_in: accessTokenSeconds,
      scope: 'launch/patient patient/*.rs offline_access',
      patient: login.patient,
    };
  };
  const token = (form: URLSearchParams): { status: number; value: object; rotated?: Login } => {
    if (form.get('grant_type') === 'authorization_code') {
      return { status: 200, value: rotate({ patient: randomUUID(), refresh: '' }) };
    }
    const login = byRefresh.get(form.get('refresh_token') ?? '');
    if (login === undefined) return { status: 400, value: { error: 'invalid_grant' } };
    return { status: 200, value: rotate(login), rotated: login };
  };
  const serve = (path: string, form: URLSearchParams, request: IncomingMessage, response: ServerResponse): void => {
    if (path === '/oauth2/token') {
      const { status, value, rotated } = token(form);
      if (rotated !== undefined) {
        const notSent = (): void => void (response.writableFinished ? undefined : lost.add(rotated.patient));
        if (response.destroyed) notSent();
        else response.once('close', notSent);
      }
      json(response, status, value);
    } else if (path === '/oauth2/revoke') {
      byRefresh.delete(form.get('token') ?? '');
      json(response, 200, {});
    } else {
      const login = byAccess.get((request.headers.authorization ?? '').slice('Bearer '.length));
      if (login === undefined) json(response, 401, {});
      else json(response, 200, bundleFor(login.patient), 'application/fhir+json');
    }
  };

  let origin = '';
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', origin);
    const form = new URLSearchParams(await text(request));
    if (url.pathname === '/oauth2/authorize') return authorize(url, origin, response);
    const fault = chance() < faultShare ? faults[Math.floor(chance() * faults.length)] : undefined;
    if (fault !== undefined) counted[fault] += 1;
    if (fault === 'a 500') return json(response, 500, {});
    // The gateway gives up by itself.
    if (fault === 'no answer') return undefined;
    if (fault === 'a slow answer') await sleep(slowMs);
    if (fault === 'a reset') {
      response.destroy();
      // Half of the connections that break do so after the payer has rotated.
      if (chance() < 0.5) return undefined;
    }
    return serve(url.pathname, form, request, response);
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  // A browser whose connection is closed just as it asks again would be no fault of anybody's.
  server.keepAliveTimeout = 120_000;
  const port = await listen(server, 0, '127.0.0.1');
  origin = `http://127.0.0.1:${port}`;
  return { port, faults: counted, lostRotation: (patient) => lost.has(patient), close: () => close(server) };
};
