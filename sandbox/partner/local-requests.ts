import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

/** Whose requests a local server answers: it has no password, and any page in a browser on this machine can call it. */
type Callers =
  /** Programs, never a browser. */
  | 'programs'
  /** Programs, the server's own pages, and links that a person follows. */
  | 'ownPages'
  /** Also pages of other origins, for which the server has rules of its own. */
  | 'anyPage';

export interface LocalServerRule {
  readonly callers: Callers;
  /** Where others reach the server, if not at this machine's own name and port. */
  readonly origin?: string | undefined;
}

/** Why a request is not answered. */
interface Refusal {
  readonly status: 421 | 403;
  readonly text: string;
}

/**
 * Whether a request's `Host` names this machine. A page elsewhere whose name was pointed to 127.0.0.1 (DNS rebinding)
 * sends its own name. Clients leave out the port of http, 80.
 */
export const isThisMachine = (host: string | undefined, port: number): boolean => {
  const ports = port === 80 ? ['', ':80'] : [`:${port}`];
  return ['localhost', '127.0.0.1', '[::1]'].some((name) =>
    ports.some((suffix) => host?.toLowerCase() === name + suffix),
  );
};

/** Whether the browser says that a page of another origin asks. Browsers without Fetch Metadata send `Origin` only. */
const isFromOtherPage = ({ headers }: IncomingMessage, publicOrigin: string | undefined): boolean => {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin, host } = headers;
  return origin !== undefined && origin !== `http://${host}` && origin !== publicOrigin;
};

const isLink = ({ method, headers }: IncomingMessage): boolean =>
  (method === 'GET' || method === 'HEAD') && headers['sec-fetch-mode'] === 'navigate';

const isFromBrowser = ({ headers }: IncomingMessage): boolean =>
  headers.origin !== undefined || headers['sec-fetch-site'] !== undefined;

/**
 * Why a local server must not answer this request; undefined if it may. All servers of the sandbox use this. It is in this
 * folder because the folder can be copied by itself.
 */
export const localRefusal = (request: IncomingMessage, { callers, origin }: LocalServerRule): Refusal | undefined => {
  const { host } = request.headers;
  const port = request.socket.localPort ?? 0;
  if (!isThisMachine(host, port) && (origin === undefined || host !== new URL(origin).host)) {
    return { status: 421, text: `This server is at ${origin ?? `http://localhost:${port}`} only.` };
  }
  if (callers === 'programs' && isFromBrowser(request)) {
    return { status: 403, text: 'No browser may call this server.' };
  }
  if (callers === 'ownPages' && isFromOtherPage(request, origin) && !isLink(request)) {
    return { status: 403, text: 'Other sites may not call this server.' };
  }
  return undefined;
};

export const refuse = (response: ServerResponse, { status, text }: Refusal): void => {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
};

/** Answers only the requests that the rule allows. */
export const guarded =
  (rule: LocalServerRule, listener: RequestListener): RequestListener =>
  (request, response) => {
    const refusal = localRefusal(request, rule);
    if (refusal === undefined) listener(request, response);
    else refuse(response, refusal);
  };
