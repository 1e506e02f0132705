import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { close, listen } from '../../sandbox/aws/listen.ts';
import type { Payer, PayerRequest } from './payer.ts';

/** Serves a payer over HTTP. @param onRequest sees each request @returns its origin, and how to stop it */
export const servePayer = async (
  payer: Payer,
  onRequest: (request: PayerRequest) => void,
): Promise<{ readonly origin: string; readonly port: number; readonly close: () => Promise<void> }> => {
  const server = createServer((incoming, response) => {
    void (async () => {
      const body = await text(incoming);
      const headers = new Headers(incoming.headers as Record<string, string>);
      const url = new URL(incoming.url ?? '', 'http://127.0.0.1');
      const request = { method: incoming.method ?? '', url, headers, body };
      onRequest(request);
      const answer = payer.answer(request);
      // Nobody has the time to let one pass.
      if (answer === 'timeout' || answer === 'reset') return response.destroy();
      response.writeHead(answer.status, answer.headers);
      if (answer.cut === true) response.write(answer.body ?? '', () => response.destroy());
      else response.end(answer.body);
      return undefined;
    })();
  });
  const port = await listen(server, 0, '127.0.0.1');
  return { origin: `http://127.0.0.1:${port}`, port, close: () => close(server) };
};
