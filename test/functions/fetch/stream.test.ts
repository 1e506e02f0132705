import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { jest } from '@jest/globals';
import { turns } from '../../support/eventually.ts';
import { fakeTimeouts } from '../../support/fake-timeouts.ts';
import { fetchGateway, fhir, issueOf, read } from '../../support/fetch-gateway.ts';
import { startMs } from '../../support/gateway.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** A gateway whose payer is a real server, so that cuts, drips and hangs happen on a real connection. */
const overHttp = async (answer: (response: ServerResponse) => void | Promise<void>) => {
  const test = fetchGateway();
  const ends: string[] = [];
  const server = createServer((_request, response) => {
    response.once('close', () => ends.push(response.writableFinished ? 'finished' : 'broken off'));
    void answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  test.payer.http = (input, init) => fetch(String(input).replace(':3003', `:${port}`), init);
  const { token } = await test.grant();
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  /** How the payer saw the connection end. */
  const closed = async (): Promise<string | undefined> => {
    while (ends.length === 0) await wait(5);
    return ends[0];
  };
  return { test, token, closed, close };
};
const start = (response: ServerResponse, status = 200): ServerResponse =>
  response.writeHead(status, { 'content-type': 'application/fhir+json' });
const drip = async (response: ServerResponse): Promise<void> => {
  while (!response.destroyed) {
    response.write(' ');
    await wait(20);
  }
};

/** A caller that takes whatever comes. */
const caller = (onFirst: () => void = () => undefined) => {
  const { promise: first, resolve } = Promise.withResolvers<void>();
  const pieces: Buffer[] = [];
  const onChunk = (piece: Buffer): void => {
    pieces.push(piece);
    if (pieces.length > 1) return;
    resolve();
    onFirst();
  };
  /** Resolves with the first chunk. */
  return { onChunk, first, text: () => Buffer.concat(pieces).toString() };
};

afterEach(() => void jest.useRealTimers());

describe('a stream that ends early', () => {
  it('is counted apart from crashes, under the time at which its request began, as Lambda counts it', async () => {
    const { onChunk, first } = caller();
    const cut = await overHttp(async (response) => {
      start(response).write('{');
      await first;
      // Four minutes into the answer.
      cut.test.deps.clock.now = () => startMs + 240_000;
      response.destroy();
    });
    await read(cut.test.deps, 'Patient', cut.token, { stream: { onChunk } });
    await cut.close();
    const whole = await overHttp((response) => void start(response).end('{}'));
    await read(whole.test.deps, 'Patient', whole.token);
    await whole.close();

    const counted = ({ lines }: { lines: readonly string[] }): unknown[] =>
      lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => 'answersCut' in line);
    expect(counted(whole.test)).toEqual([]);
    const ofItself = (Timestamp: number) => ({ CloudWatchMetrics: [{ Dimensions: [['function']] }], Timestamp });
    // It started in the first seconds of a minute, so Lambda may have started it in the minute before.
    expect(counted(cut.test)).toMatchObject([
      { answersCut: 1, function: 'fetch', _aws: ofItself(startMs) },
      { answersCut: 1, function: 'fetch', _aws: ofItself(startMs - 10_000) },
    ]);
    expect(counted(cut.test)[0]).not.toHaveProperty('outcome');
  });

  it('ends with an error when the time budget is over, however slowly the payer drips', async () => {
    const { test, token, closed, close } = await overHttp((response) => drip(start(response)));
    const pass = fakeTimeouts();
    const { onChunk } = caller(() => void turns().then(() => pass(597_000)));
    const answer = await read(test.deps, 'Patient', token, { stream: { remainingMs: 600_000, onChunk } });
    expect(answer.statusCode).toBe(200);
    expect(answer.error).toMatchObject({ message: 'The answer was cut' });
    expect(test.events).toEqual(['end hook']);
    expect(test.log()).toEqual([
      expect.objectContaining({
        error: 'payer_timeout',
        detail: expect.stringMatching(/^cut after [1-9]\d* bytes: TimeoutError$/) as string,
      }),
    ]);
    expect(await closed()).toBe('broken off');
    await close();
  });

  it('ends with a bare error if the payer cuts the answer after the first byte, and logs nothing of it', async () => {
    const { onChunk, first, text } = caller();
    const { test, token, close } = await overHttp(async (response) => {
      start(response).write('{"name":"canary-resource"');
      await first;
      response.destroy();
    });
    const answer = await read(test.deps, 'Patient', token, { stream: { onChunk } });
    expect(text()).toBe('{"name":"canary-resource"');
    expect(answer.error).toMatchObject({ message: 'The answer was cut' });
    expect(answer.error).not.toHaveProperty('cause');
    expect(test.events).toEqual(['end hook']);
    expect(test.log()).toEqual([expect.objectContaining({ error: 'payer_error', bytes: 25, outcome: 'failed' })]);
    expect(test.lines.join('')).not.toContain('canary');
    await close();
  });

  it('is read no faster than Lambda takes it', async () => {
    const test = fetchGateway();
    const { token } = await test.grant();
    let pulled = 0;
    let sent = 0;
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      pulled += 1;
      if (pulled > 50) controller.close();
      else controller.enqueue(Buffer.alloc(64 * 1024, ' '));
    };
    test.payer.http = async () => fhir(new ReadableStream({ pull }, { highWaterMark: 0 }));
    const ahead: number[] = [];

    await read(test.deps, 'Patient', token, {
      stream: {
        onChunk: async (chunk) => {
          sent += chunk.length;
          await turns();
          ahead.push(pulled - sent / (64 * 1024));
        },
      },
    });

    expect(Math.max(...ahead)).toBeLessThan(5);
  });

  // Lambda closes none, whoever has left; a defect may.
  it.each([
    ['before the first byte', { onStart: (stream: Writable) => void stream.destroy() }],
    [
      'while the payer is silent',
      { onChunk: (_: Buffer, stream: Writable) => void turns().then(() => stream.destroy()) },
    ],
  ])('whose stream is closed %s releases the payer, awaits the end hook, and is logged as cut', async (_, stream) => {
    const { test, token, closed, close } = await overHttp((response) => void start(response).write('{'));
    await read(test.deps, 'Patient', token, { stream: { remainingMs: 600_000, ...stream } });
    expect(await closed()).toBe('broken off');
    expect(test.events).toEqual(['end hook']);
    expect(test.log()).toEqual([
      expect.objectContaining({
        outcome: 'failed',
        error: 'server_error',
        detail: expect.stringMatching(/^cut after [01] bytes: /) as string,
      }),
    ]);
    await close();
  });
});

describe('a payer that does not answer', () => {
  it('is 504 once the time budget is over', async () => {
    const pass = fakeTimeouts();
    const { test, token, closed, close } = await overHttp(() => pass(47_000));
    const answer = await read(test.deps, 'Patient', token, { stream: { remainingMs: 50_000 } });
    expect(answer.statusCode).toBe(504);
    expect(issueOf(answer).code).toBe('timeout');
    expect(test.log()).toEqual([expect.objectContaining({ error: 'payer_timeout', detail: 'FHIR API: TimeoutError' })]);
    expect(await closed()).toBe('broken off');
    await close();
  });

  it('is 504 after a minute without headers, however much time is left', async () => {
    const test = fetchGateway();
    const { token } = await test.grant();
    test.payer.http = (_input, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
        jest.advanceTimersByTime(59_999);
        expect(init?.signal?.aborted).toBe(false);
        jest.advanceTimersByTime(1);
      });
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    const answer = await read(test.deps, 'Patient', token, { stream: { remainingMs: 600_000 } });
    jest.useRealTimers();
    expect(answer.statusCode).toBe(504);
  });

  it('is 504 if no time is left at all', async () => {
    const { test, token, close } = await overHttp(() => undefined);
    const answer = await read(test.deps, 'Patient', token, { stream: { remainingMs: 100 } });
    expect(answer.statusCode).toBe(504);
    await close();
  });

  it("delays an error no longer than the time budget, even if the error's body drips", async () => {
    const { test, token, close } = await overHttp((response) => drip(start(response, 404)));
    const pass = fakeTimeouts();
    const { http } = test.payer;
    test.payer.http = async (...asked) => {
      const response = await http(...asked);
      void turns().then(() => pass(597_000));
      return response;
    };
    const answer = await read(test.deps, 'Patient', token, { stream: { remainingMs: 600_000 } });
    expect(answer.statusCode).toBe(404);
    expect(issueOf(answer).code).toBe('not-found');
    await close();
  });

  it('may cut the answer after its status: the answer is still ours', async () => {
    const { test, token, close } = await overHttp((response) => {
      start(response, 429).write('x', () => response.destroy());
    });
    expect((await read(test.deps, 'Patient', token)).statusCode).toBe(429);
    await close();
  });
});

describe('a large answer', () => {
  it('of 100 MB streams through with flat memory, no faster than the caller takes it', async () => {
    const test = fetchGateway();
    const { token } = await test.grant();
    const chunk = Buffer.alloc(1024 * 1024, `{"reference":"http://127.0.0.1:3003/r4/Patient/1"},${' '.repeat(973)}`);
    let sent = 0;
    let taken = 0;
    let ahead = 0;
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      const isLast = sent === 101;
      controller.enqueue(sent === 0 ? Buffer.from('[') : isLast ? Buffer.from('{}]') : Uint8Array.from(chunk));
      sent += 1;
      ahead = Math.max(ahead, (sent - 1) * chunk.length - taken);
      if (isLast) controller.close();
    };
    test.payer.http = async () => fhir(new ReadableStream({ pull }, { highWaterMark: 0 }));
    const retained = (): number => {
      gc();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const held = new Map<number, number>();
    const onChunk = async (piece: Buffer): Promise<void> => {
      taken += piece.length;
      if (sent % 10 === 0 && !held.has(sent)) held.set(sent, retained());
      await new Promise((resolve) => setImmediate(resolve));
    };
    const answer = await read(test.deps, 'Observation', token, { stream: { onChunk } });
    expect(answer.error).toBeUndefined();
    expect(taken).toBeGreaterThan(100 * 1024 * 1024);
    expect(ahead).toBeLessThan(8 * 1024 * 1024);
    // What a collection leaves behind for the next one comes and goes by 20 MB. An answer that is kept only grows: by 50 MB
    // from the least of the first half to the least of the second.
    const levels = [...held.values()];
    expect(levels.length).toBeGreaterThanOrEqual(10);
    const middle = Math.floor(levels.length / 2);
    expect(Math.min(...levels.slice(middle)) - Math.min(...levels.slice(0, middle))).toBeLessThan(24 * 1024 * 1024);
    expect(test.log()[0]).toMatchObject({ bytes: taken, outcome: 'ok' });
  });
});
