import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Hub } from './hub.ts';

const mostReaders = 20;
const readers = new WeakMap<Hub, number>();

/** Places in the order of changes mean something in this process only. */
const run = randomUUID().slice(0, 8);

const placeOf = (id: string | undefined): number => {
  const [ofRun, seq = ''] = (id ?? '').split('.');
  return ofRun === run && /^\d{1,15}$/.test(seq) ? Number(seq) : 0;
};

/**
 * Sends what the hub has, and then what changes, as server-sent events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html). A reader that comes back gets what it missed.
 */
export const streamTo = (
  request: IncomingMessage,
  response: ServerResponse,
  hub: Hub,
  headers: Readonly<Record<string, string>>,
): void => {
  const count = readers.get(hub) ?? 0;
  if (count >= mostReaders) {
    response.writeHead(503, { ...headers, 'content-type': 'text/plain; charset=utf-8', 'retry-after': '5' });
    response.end(`${mostReaders} pages are open already. Close one.\n`);
    return;
  }
  response.writeHead(200, { ...headers, 'content-type': 'text/event-stream; charset=utf-8' });
  if (request.method === 'HEAD') return void response.end();
  readers.set(hub, count + 1);
  const after = placeOf(request.headers['last-event-id'] as string | undefined);
  response.write(`retry: 1000\n${after === 0 ? 'event: begin\ndata: {}\n' : ': welcome back\n'}\n`);
  const reading = hub.read(
    { take: (contents, seq) => response.write(`id: ${run}.${seq}\ndata: ${JSON.stringify(contents)}\n\n`) },
    after,
  );
  response.on('drain', reading.resume);
  response.once('close', () => {
    reading.stop();
    readers.set(hub, (readers.get(hub) ?? 1) - 1);
  });
};
