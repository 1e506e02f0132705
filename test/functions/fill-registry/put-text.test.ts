import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { jest } from '@jest/globals';
import { putText } from '../../../functions/fill-registry/put-text.ts';
import { close, listen } from '../../../sandbox/aws/listen.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/** Puts a text to a server that answers like this, and lets the server live until the end of `then`. */
const putTo = async (answer: Answer, then: () => Promise<void> = async () => {}): Promise<number | Error> => {
  const server = createServer((request, response) => void answer(request, response));
  const port = await listen(server, 0, '127.0.0.1');
  try {
    const status = await putText(`http://127.0.0.1:${port}/answer?signed=yes`, 'the text');
    await then();
    return status;
  } catch (error) {
    return error as Error;
  } finally {
    server.closeAllConnections();
    await close(server);
  }
};

describe('a text', () => {
  it('is put whole, with an empty content type, as its URL was signed', async () => {
    const received: unknown[] = [];
    const status = await putTo(async (request, response) => {
      const { method, url, headers } = request;
      received.push({
        method,
        url,
        type: headers['content-type'],
        length: headers['content-length'],
        body: await text(request),
      });
      response.writeHead(201).end();
    });

    expect(status).toBe(201);
    expect(received).toEqual([{ method: 'PUT', url: '/answer?signed=yes', type: '', length: '8', body: 'the text' }]);
  });

  it('may be answered without a body', async () => {
    expect(await putTo((_request, response) => void response.writeHead(204).end())).toBe(204);
  });

  it('follows no redirect', async () => {
    const urls: unknown[] = [];
    const status = await putTo((request, response) => {
      urls.push(request.url);
      response.writeHead(307, { Location: '/elsewhere' }).end();
    });

    expect([status, urls]).toEqual([307, ['/answer?signed=yes']]);
  });

  it('has five seconds for one try', async () => {
    const soon = AbortSignal.timeout(50);
    const timeout = jest.spyOn(AbortSignal, 'timeout').mockReturnValue(soon);
    const failure = await putTo(() => {});

    expect(timeout).toHaveBeenCalledWith(5000);
    expect(failure).toMatchObject({ name: 'TimeoutError' });
    timeout.mockRestore();
  });

  it('holds no connection for an answer’s body', async () => {
    const closed = Promise.withResolvers<void>();
    // No time limit closes it, so a connection that is held hangs until Jest ends the test.
    const timeout = jest.spyOn(AbortSignal, 'timeout').mockReturnValue(new AbortController().signal);
    const status = await putTo(
      (_request, response) => {
        response.on('close', () => closed.resolve());
        response.writeHead(200).write('a beginning without an end');
      },
      () => closed.promise,
    );

    expect(status).toBe(200);
    timeout.mockRestore();
  });
});
