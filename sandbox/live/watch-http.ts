import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Hop, Lane } from './event.ts';
import type { Hub } from './hub.ts';
import { eventKey, hopKey, keysOfAuthorization, keysOfParameters, keysOfUrl } from './keys.ts';
import { maskAnswerHeaders, maskRequestHeaders } from './mask-headers.ts';
import { maskPath, maskQuery, type Mask } from './mask-url.ts';
import type { OpenHop, OpenHops } from './open-hops.ts';
import { membersOf, onAnswerBody, onRequestBody } from './tap-bodies.ts';

/** Names in lower case. Node takes the headers of `writeHead` as an object or as a flat list. */
const namesLowered = (headers: unknown): OutgoingHttpHeaders => {
  if (typeof headers !== 'object' || headers === null) return {};
  const pairs: (readonly [string, unknown])[] = Array.isArray(headers)
    ? headers.flatMap((name: unknown, index) => (index % 2 === 0 ? [[String(name), headers[index + 1]] as const] : []))
    : Object.entries(headers);
  return Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value as string]));
};

/** Calls back when the head of an answer is written. Headers that `writeHead` gets are not kept by the response. */
export const onAnswerHead = (
  response: ServerResponse,
  callBack: (status: number, headers: OutgoingHttpHeaders) => void,
): void => {
  const writeHead = response.writeHead.bind(response) as (...given: readonly unknown[]) => ServerResponse;
  response.writeHead = (...given: readonly unknown[]): ServerResponse => {
    const set = response.getHeaders();
    const result = writeHead(...given);
    callBack(response.statusCode, { ...set, ...namesLowered(given.at(-1)) });
    return result;
  };
};

/** A server whose requests are shown. */
export interface WatchedServer {
  /** `gateway`, `partner` or a payer's id. */
  readonly service: string;
  readonly port: number;
}

/** Node publishes each request that any server of the process gets, before the server's own listeners. */
const channel = 'http.server.request.start';

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Their requests are forms and their answers small JSON, with tokens. */
const isTokenPath = (path: string): boolean => /^\/oauth2\/(?:token|revoke|introspect)$/.test(path);

const assets = new Set(['style', 'script', 'image', 'font', 'manifest']);

const laneOf = (service: string): Lane => {
  if (service === 'gateway') return 'gateway';
  return service === 'partner' ? 'app' : 'payer';
};

const isBrowsers = (path: string): boolean => /^\/(?:$|connect|oauth2\/(?:authorize|callback)\b)/.test(path);

const isForPrograms = (path: string): boolean =>
  /^\/(?:r4\b|webhooks$|oauth2\/(?:token|revoke|jwks|userinfo)$)/.test(path);

/** Who asks. A payer and the partner app get requests of browsers, and on some paths of the gateway. */
const callerOf = ({ headers }: IncomingMessage, to: Lane, path: string): Lane => {
  const isBrowser = headers['user-agent']?.startsWith('Mozilla/') === true;
  if (to === 'gateway') return isBrowser || isBrowsers(path) ? 'browser' : 'app';
  return !isBrowser && isForPrograms(path) ? 'gateway' : 'browser';
};

const payerIn = (path: string, { known }: Mask): string | undefined =>
  path.split('/').find((segment) => known.payers.has(segment));

/** Shows every request to the servers as a hop. @returns how to stop */
export const watchHttp = (servers: readonly WatchedServer[], hub: Hub, mask: Mask, open: OpenHops): (() => void) => {
  const byPort = new Map(servers.map(({ port, service }) => [port, service]));

  const begin = (request: IncomingMessage, response: ServerResponse, service: string): void => {
    const startedAtMs = performance.now();
    const url = URL.parse(`http://${service}${request.url ?? '/'}`) ?? new URL('http://unknown/');
    const to = laneOf(service);
    const from = callerOf(request, to, url.pathname);
    const payer = to === 'payer' ? service : payerIn(url.pathname, mask);
    const hop: Hop = {
      kind: 'hop',
      from,
      to,
      service,
      method: methods.has(request.method ?? '') ? (request.method ?? '') : 'another method',
      path: maskPath(url.pathname, mask),
      query: maskQuery(url.searchParams, mask),
      request: maskRequestHeaders(request.headers, mask),
      ...(assets.has(String(request.headers['sec-fetch-dest'])) ? { asset: true } : {}),
    };
    const eventId = request.headers['webhook-id'];
    const cause = open.causeOf({ from, to, payer });
    const keysOf = (own: number): string[] => [
      hopKey(own),
      ...keysOfUrl(url),
      ...keysOfAuthorization(request.headers.authorization),
      ...(cause === undefined ? [] : [cause]),
      ...(from === 'gateway' && typeof eventId === 'string' ? [eventKey(eventId)] : []),
    ];
    const id = hub.add(hop, hop.asset === true ? () => [] : keysOf, payer === undefined ? {} : { payer });
    const opened: OpenHop = { id, from, to, payer, response };
    open.add(opened);

    const answered = (status: number, headers: OutgoingHttpHeaders): void => {
      const location = headers['location'] ?? headers['content-location'];
      const target = typeof location === 'string' ? URL.parse(location, url) : null;
      const keys = target === null ? [] : [hopKey(id), ...keysOfUrl(target)];
      hub.change(id, { status, answer: maskAnswerHeaders(headers, mask) }, keys);
    };
    const said = (name: 'form' | 'body', members: readonly (readonly [string, string])[]): void =>
      hub.change(id, { [name]: maskQuery(members, mask) }, [hopKey(id), ...keysOfParameters(members)]);
    if (isTokenPath(url.pathname)) {
      onRequestBody(request, (text) => quietly(() => said('form', [...new URLSearchParams(text)])));
      onAnswerBody(response, (text) => quietly(() => said('body', membersOf(text))));
    }
    onAnswerHead(response, (status, headers) => quietly(() => answered(status, headers)));
    response.once('close', () => {
      open.remove(opened);
      quietly(() => hub.change(id, { ms: Math.round(performance.now() - startedAtMs) }));
    });
  };

  const onRequest = (message: unknown): void => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    const service = byPort.get(request.socket.localPort ?? 0);
    if (service !== undefined) quietly(() => begin(request, response, service));
  };
  subscribe(channel, onRequest);
  return () => void unsubscribe(channel, onRequest);
};

/** Whatever goes wrong while something is shown is no concern of what is shown. */
const quietly = (show: () => void): void => {
  try {
    show();
  } catch {
    // Not shown.
  }
};
