import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { binaryOf, textOf, type PayerRecord } from './record.ts';

/** A request below the payer's FHIR base. */
export interface Asked {
  /** Starts at 1. */
  readonly number: number;
  readonly path: string;
  readonly token: string;
  readonly atMs: number;
}

/** A failure in place of the payer's normal answer. */
export type Trouble =
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: number }
  /** The connection breaks in the middle of the answer. */
  | { readonly kind: 'cut' };

export interface RecordPayer {
  readonly port: number;
  readonly requests: readonly Asked[];
  /** Every token issued so far. */
  readonly tokens: readonly string[];
  /** Makes the payer refuse every token issued so far. */
  readonly endTokens: () => void;
  /** Stops listening for this long, as if it were restarted. */
  readonly restart: (ms: number) => Promise<void>;
  /** Sets a function that decides which requests fail from now on. */
  readonly trouble: (makes: (asked: Asked) => Trouble | undefined) => void;
  readonly close: () => Promise<void>;
}

/**
 * Starts a payer with one member, whose resources are made on request. It has searches by type, reads, and a token
 * endpoint.
 */
/** A CapabilityStatement that declares these types. */
const statementOf = (types: readonly string[]): string =>
  JSON.stringify({
    resourceType: 'CapabilityStatement',
    rest: [{ mode: 'server', resource: types.map((type) => ({ type, interaction: [{ code: 'search-type' }] })) }],
  });

export const startRecordPayer = async (
  record: PayerRecord,
  { pageSize = 100, pageMs = 0, base }: { pageSize?: number; pageMs?: number; base: (port: number) => string },
): Promise<RecordPayer> => {
  const requests: Asked[] = [];
  const tokens: string[] = [];
  let accepted = new Set<string>();
  let makesTrouble: (asked: Asked) => Trouble | undefined = () => undefined;
  let port = 0;

  const pageOf = (type: string, page: number): string => {
    const count = record.counts[type] ?? 0;
    const from = page * pageSize;
    const to = Math.min(count, from + pageSize);
    const url = `${base(port)}/${type}?patient=${record.patient}&page=${page + 1}`;
    const next = to < count ? `, {"relation": "next", "url": "${url}"}` : '';
    const entries = Array.from(
      { length: Math.max(0, to - from) },
      (_, at) => `{"resource": ${textOf(record, type, from + at, base(port))}, "search": {"mode": "match"}}`,
    );
    return `{"resourceType": "Bundle", "type": "searchset", "total": ${count},\n"link": [{"relation": "self", "url": "x"}${next}],\n"entry": [${entries.join(',\n')}]}`;
  };

  const issueToken = (response: ServerResponse): void => {
    const token = `payer-access-secret-${tokens.length + 1}`;
    tokens.push(token);
    accepted.add(token);
    const body = { access_token: token, refresh_token: 'payer-refresh-secret', token_type: 'Bearer', expires_in: 3600 };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'POST') return issueToken(response.on('error', () => undefined));
    const url = new URL(request.url ?? '/', base(port));
    const path = url.href.slice(base(port).length + 1);
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    const asked = { number: requests.length + 1, path, token, atMs: performance.now() };
    requests.push(asked);
    if (pageMs > 0) await sleep(pageMs);
    const type = { 'content-type': 'application/fhir+json' };
    const trouble = accepted.has(token) ? makesTrouble(asked) : ({ kind: 'status', status: 401 } as const);
    if (trouble?.kind === 'status') {
      const wait = 'retryAfter' in trouble ? { 'retry-after': String(trouble.retryAfter) } : {};
      response.writeHead(trouble.status, { ...type, ...wait }).end('{}');
      return;
    }
    const [name = '', id = ''] = path.split(/[/?]/);
    if (name === 'Binary') {
      const bytes = function* () {
        for (const chunk of binaryOf(record, Number(id.slice(1)))) {
          yield chunk;
          if (trouble?.kind === 'cut') throw new Error('cut');
        }
      };
      response.writeHead(200, { 'content-type': 'application/pdf' });
      await pipeline(bytes, response).catch(() => undefined);
      return;
    }
    const body =
      name === 'metadata'
        ? statementOf(Object.keys(record.counts))
        : name === 'Practitioner'
          ? textOf(record, name, Number(id.slice(1)), base(port))
          : pageOf(name, Number(url.searchParams.get('page') ?? 0));
    response.writeHead(200, { ...type, 'content-length': Buffer.byteLength(body) });
    if (trouble?.kind !== 'cut') response.end(body);
    else response.write(body.slice(0, body.length / 2), () => response.destroy());
  };

  const listen = async (on: number): Promise<Server> => {
    const made = createServer((request, response) => void answer(request, response));
    made.listen(on, '127.0.0.1');
    await once(made, 'listening');
    return made;
  };
  const stop = async (running: Server): Promise<void> => {
    const closed = once(running, 'close');
    running.close();
    running.closeAllConnections();
    await closed;
  };
  let server = await listen(0);
  port = (server.address() as AddressInfo).port;
  return {
    port,
    requests,
    tokens,
    endTokens: () => {
      accepted = new Set();
    },
    restart: async (ms) => {
      await stop(server);
      await sleep(ms);
      server = await listen(port);
    },
    trouble: (makes) => {
      makesTrouble = makes;
    },
    close: () => stop(server),
  };
};
