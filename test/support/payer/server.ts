import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { close, listen } from '../../../sandbox/aws/listen.ts';
import type { Place } from './locate.ts';
import type { StrictPayers } from './strict-payers.ts';

/** Payers that listen. */
export interface PayerServer {
  readonly origin: string;
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Serves the payers on a free port. @param locate which payer a URL belongs to */
export const servePayers = async (
  { handle, locate: byProfile }: StrictPayers,
  locate: (url: URL) => Place | undefined = byProfile,
): Promise<PayerServer> => {
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    const url = new URL(incoming.url ?? '', `http://${incoming.headers.host}`);
    const place = locate(url);
    const body = await text(incoming);
    if (place === undefined) return response.writeHead(404).end();
    const { method = '', headers } = incoming;
    const { outcome, lost } = await handle({ ...place, method, url, headers, body, form: new URLSearchParams(body) });
    const unsent = (): void => {
      if (!response.writableFinished) lost();
    };
    if (response.destroyed) return unsent();
    response.once('close', unsent);
    // The caller gives up by itself.
    if (outcome === 'no answer') return undefined;
    if (outcome === 'reset') return response.destroy();
    if ('write' in outcome) return outcome.write(response);
    response.writeHead(outcome.status, outcome.headers);
    if (outcome.cut === true) return response.write(outcome.body ?? '', () => response.destroy());
    return response.end(outcome.body);
  };
  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy());
  });
  const port = await listen(server, 0, '127.0.0.1');
  return { origin: `http://127.0.0.1:${port}`, port, close: () => close(server) };
};
