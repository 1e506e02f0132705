import { Agent, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import httpProxy from 'http-proxy';
import type { PayerCall } from '../calls.ts';

const agent = new Agent({ keepAlive: true });
const proxy = httpProxy.createProxyServer({ agent });

/** A request as a server would have read it. The proxy is called in process, as our handlers are. */
const incoming = (url: URL, headers: Record<string, string>): IncomingMessage =>
  Object.assign(Readable.from([]), {
    method: 'GET',
    url: url.pathname + url.search,
    headers,
    httpVersion: '1.1',
    socket: { destroyed: false },
  }) as unknown as IncomingMessage;

interface Sent {
  statusCode: number;
}

const outgoing = (): Writable & Sent =>
  Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
    statusCode: 0,
    setHeader: () => undefined,
  });

/** Passes a read on to the payer and discards the answer. @throws Error if it is not a 200 */
export const proxyGet = async ([input, init]: PayerCall): Promise<void> => {
  const url = new URL(input);
  const response = outgoing();
  const served = response as unknown as ServerResponse;
  proxy.web(incoming(url, init.headers as Record<string, string>), served, { target: url.origin }, (error) =>
    response.destroy(error),
  );
  await finished(response);
  if (response.statusCode !== 200) throw new Error(`the proxy answered ${response.statusCode}`);
};
