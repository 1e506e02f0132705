import { EventEmitter } from 'node:events';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { onAnswerBody, onRequestBody } from '../../sandbox/live/tap-bodies.ts';
import { onAnswerHead } from '../../sandbox/live/watch-http.ts';

describe('the head of an answer', () => {
  it.each<[string, readonly unknown[], OutgoingHttpHeaders]>([
    ['a status alone', [201], { kept: 'k' }],
    ['a status and its text', [201, 'Created'], { kept: 'k' }],
    ['no headers', [201, null], { kept: 'k' }],
    ['an object of headers', [201, { 'X-One': '1', Kept: 'new' }], { kept: 'new', 'x-one': '1' }],
    ['a list of headers', [201, 'Created', ['X-One', '1', 'X-Two', '2']], { kept: 'k', 'x-one': '1', 'x-two': '2' }],
  ])('is told with the headers that were set before, where writeHead gets %s', (_what, given, headers) => {
    const written: unknown[] = [];
    const response = {
      statusCode: 201,
      getHeaders: () => ({ kept: 'k' }),
      writeHead: (...all: unknown[]) => written.push(all),
    } as unknown as ServerResponse;
    const told: unknown[] = [];
    onAnswerHead(response, (...head) => void told.push(head));

    (response.writeHead as (...all: readonly unknown[]) => unknown)(...given);

    expect([told, written]).toEqual([[[201, headers]], [given]]);
  });
});

describe('a body', () => {
  const most = 16_384;
  const pieces: readonly [string, readonly unknown[], string][] = [
    ['of several chunks', ['a', Buffer.from('b'), 'c'], 'abc'],
    ['of 16 KB', ['x'.repeat(most - 1), 'y'], `${'x'.repeat(most - 1)}y`],
    ['of a byte more', ['x'.repeat(most), 'y'], ''],
    ['of what is no text', [undefined, 7, 'a'], 'a'],
  ];

  it.each(pieces)('of a request is told at its end, and goes on to its reader: %s', (_what, chunks, text) => {
    const pushed: unknown[] = [];
    const request = { push: (chunk: unknown) => pushed.push(chunk) } as unknown as IncomingMessage;
    const told: string[] = [];
    onRequestBody(request, (body) => void told.push(body));

    for (const chunk of chunks) request.push(chunk);
    expect(told).toEqual([]);
    request.push(null);

    expect([told, pushed]).toEqual([[text], [...chunks, null]]);
  });

  it.each(pieces)('of an answer is told at its end, and goes on to the caller: %s', (_what, chunks, text) => {
    const sent: unknown[] = [];
    const write = (chunk: unknown): unknown => sent.push(chunk);
    const response = Object.assign(new EventEmitter(), { write, end: write }) as unknown as ServerResponse;
    const told: string[] = [];
    onAnswerBody(response, (body) => void told.push(body));

    for (const chunk of chunks.slice(0, -1)) response.write(chunk);
    expect(told).toEqual([]);
    response.end(chunks.at(-1));

    expect([told, sent]).toEqual([[text], chunks]);
  });
});
