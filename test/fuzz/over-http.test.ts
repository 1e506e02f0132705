import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect as open, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import * as fc from 'fast-check';
import { connect, startStack, type RunningStack } from '../e2e/support.ts';
import { eventually } from '../support/eventually.ts';
import type { Tokens } from '../support/login/steps.ts';
import { oddPaths, postedSearches, searches } from './fhir-requests.ts';
import { rawRequests } from './raw-requests.ts';
import { holds } from './seeded.ts';
import { expectSound } from './sound-answer.ts';

/** A connection as the gateway, which runs in this process, sees it. */
interface Seen {
  readonly socket: Socket;
  readonly requests: { readonly request: IncomingMessage; readonly response: ServerResponse }[];
}

/** By the port that the connection comes from. */
const connections = new Map<number | undefined, Seen>();
const seeConnection = (message: unknown): void => {
  const { socket } = message as { socket: Socket };
  const { remotePort } = socket;
  connections.set(remotePort, { socket, requests: [] });
  socket.once('close', () => connections.delete(remotePort));
};
const seeRequest = (message: unknown): void => {
  const { socket, ...seen } = message as Seen['requests'][number] & { socket: Socket };
  connections.get(socket.remotePort)?.requests.push(seen);
};

/** Whether the gateway has read all of it, has answered what was whole, and now waits for more. */
const waitsForMore = ({ socket, requests }: Seen, sentBytes: number): boolean =>
  socket.bytesRead >= sentBytes &&
  requests.every(({ request, response }) => !request.complete || response.writableFinished);

let stack: RunningStack;
let tokens: Tokens;

beforeAll(async () => {
  subscribe('net.server.socket', seeConnection);
  subscribe('http.server.request.start', seeRequest);
  // A cut connection keeps its process busy until the handler has noticed.
  stack = await startStack({ environments: 12 });
  tokens = await connect(stack, 'northwind');
});

afterAll(async () => {
  await stack?.close();
  unsubscribe('net.server.socket', seeConnection);
  unsubscribe('http.server.request.start', seeRequest);
});

/** Far longer than any answer takes on a busy machine. */
const waitMs = 180_000;

/**
 * Writes bytes to the gateway and reads until it closes; fails if it never does. The writing side stays open until the
 * gateway waits for more: Node ends a connection whose client has ended its side, and the answer would be lost.
 */
const exchange = async (bytes: string): Promise<string> => {
  const socket = open(Number(new URL(stack.origin).port), 'localhost');
  const chunks: Buffer[] = [];
  let isClosed = false;
  socket.on('data', (chunk) => chunks.push(chunk));
  // A server that cuts a connection has answered too.
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isClosed = true;
      resolve();
    });
  });
  const timer = setTimeout(() => socket.destroy(new Error('still open')), waitMs);
  socket.write(bytes, 'latin1');
  await eventually(() => {
    const seen = connections.get(socket.localPort);
    return isClosed || (seen !== undefined && waitsForMore(seen, bytes.length));
  });
  socket.end();
  await closed;
  clearTimeout(timer);
  if (socket.errored?.message === 'still open') throw new Error(`still open: ${bytes.slice(0, 200)}`);
  return Buffer.concat(chunks).toString('latin1');
};

/** The answers on a connection, as far as they can be judged. */
const answersIn = (text: string): { statusCode: number; headers: Record<string, string>; body: string }[] =>
  text
    .split(/(?=HTTP\/1\.1 \d{3})/)
    .filter((part) => part.startsWith('HTTP/'))
    .map((part) => {
      const [head = '', ...body] = part.split('\r\n\r\n');
      const [status = '', ...lines] = head.split('\r\n');
      const headers = Object.fromEntries(lines.map((line) => line.split(/:\s*(.*)/s, 2) as [string, string]));
      return { statusCode: Number(status.split(' ')[1]), headers, body: body.join('\r\n\r\n') };
    })
    // An interim answer does not count.
    .filter(({ statusCode }) => statusCode !== 100);

const mostBusy = 20;

/** Whether the gateway asks to come back in five seconds: then a table was slow, as on a busy machine. */
const isBusy = ({ statusCode, headers }: ReturnType<typeof answersIn>[number]): boolean =>
  statusCode === 503 && (headers['Retry-After'] ?? headers['retry-after']) === '5';

/**
 * The answers to a request, once the partner's rate limit admits it and the gateway is not busy, since neither answer
 * shows anything. A gateway that stays busy is no longer excused.
 */
const answersTo = async (bytes: string): Promise<ReturnType<typeof answersIn>> => {
  for (let busy = 0; ;) {
    const answers = answersIn(await exchange(bytes));
    if (answers.some(isBusy)) busy += 1;
    else if (!answers.some(({ statusCode }) => statusCode === 429)) return answers;
    if (busy === mostBusy) return answers;
    await delay(100);
  }
};

const readPatient = (): Promise<Response> =>
  fetch(`${stack.origin}/r4/northwind/Patient/${tokens.patient}`, {
    headers: { Authorization: `Bearer ${tokens.access_token}` },
  });

const stillWorks = async (): Promise<void> => {
  let answer = await readPatient();
  // The requests before may have used up the limit, and keep the machine busy.
  for (let busy = 0; answer.status === 429 || (answer.status === 503 && busy < mostBusy);) {
    if (answer.status === 503) busy += 1;
    await answer.body?.cancel();
    await delay(100);
    answer = await readPatient();
  }
  expect(answer.status).toBe(200);
  await answer.body?.cancel();
};

const kinds = Object.keys(rawRequests('http://localhost', ''));

/** Node closes a connection that would be a tunnel, and waits for more after empty lines. */
const isAnswered = (bytes: string): boolean => !bytes.startsWith('CONNECT ') && bytes.trim() !== '';

describe('raw bytes to the running gateway', () => {
  it.each(kinds)('crash nothing, hang nothing, smuggle nothing and cause no 5xx: %s', async (kind) => {
    stack.requestLines.length = 0;
    const requests = rawRequests(stack.origin, `Authorization: Bearer ${tokens.access_token}`)[kind] ?? [];
    expect(requests.length).toBeGreaterThan(5);

    const statuses: number[] = [];
    for (const bytes of requests) {
      const answers = await answersTo(bytes);
      expect([bytes.slice(0, 200), answers.length]).toEqual([bytes.slice(0, 200), isAnswered(bytes) ? 1 : 0]);
      for (const answer of answers) {
        statuses.push(answer.statusCode);
        // Node's own answer to an unknown HTTP version.
        if (answer.statusCode === 505 && bytes.includes('HTTP/9.9')) continue;
        expectSound(answer);
        expect(Object.keys(answer.headers).map((name) => name.toLowerCase())).not.toContain('x-injected');
      }
    }

    // What the local server refuses for its host never reaches the gateway.
    expect(statuses.filter((status) => status !== 421).length).toBeGreaterThan(requests.length / 2);
    expect(stack.requestLines.filter((line) => !line.startsWith('gateway ') && line.includes('smuggled'))).toEqual([]);
    await stillWorks();
  });

  it('raw bytes to the running gateway on a hundred connections that close after half a request leave the gateway unharmed', async () => {
    const halves = [
      'GET /r4/northwind/Patient HTTP/1.1\r\nHost: lo',
      'POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\ngrant',
    ];
    await Promise.all(
      Array.from(
        { length: 100 },
        (_none, index) =>
          new Promise<void>((resolve) => {
            const socket = open(Number(new URL(stack.origin).port), 'localhost', () => {
              socket.write(halves[index % 2] ?? '', () => socket.destroy());
            });
            socket.on('error', () => undefined);
            socket.on('close', () => resolve());
          }),
      ),
    );

    await stillWorks();
  });
});

describe('a sample of the FHIR fuzz, over HTTP', () => {
  it('is answered without a 5xx and without a stack trace', async () => {
    const authorization = `Authorization: Bearer ${tokens.access_token}`;
    const short = (text: string): boolean => text.length < 4000;
    const seen: Record<number, number> = {};

    await holds(
      fc.oneof(
        searches,
        postedSearches,
        oddPaths.filter(({ method }) => method !== 'CONNECT'),
      ),
      async ({ method, path, query, form = '' }) => {
        const target = `/r4/northwind/${path}${query === '' ? '' : `?${query}`}`.replaceAll(/[\s\0]/g, '');
        if (!short(target) || !short(form)) return;
        const head = [
          `${method} ${Buffer.from(target).toString('latin1')} HTTP/1.1`,
          `Host: ${new URL(stack.origin).host}`,
          'Connection: close',
          authorization,
        ];
        const body = Buffer.from(form).toString('latin1');
        const more =
          form === '' ? [] : ['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${body.length}`];
        const answers = await answersTo([...head, ...more, '', body].join('\r\n'));
        expect(answers).toHaveLength(1);
        for (const answer of answers) {
          expectSound(answer);
          seen[answer.statusCode] = (seen[answer.statusCode] ?? 0) + 1;
        }
      },
      400,
    );

    expect(seen[200]).toBeGreaterThan(10);
    expect(seen[400]).toBeGreaterThan(10);
    expect(seen[421]).toBeUndefined();
    await stillWorks();
    expect(stack.functionLines.filter((line) => /\n\s+at |TypeError|RangeError|Unhandled/.test(line))).toEqual([]);
  });
});
