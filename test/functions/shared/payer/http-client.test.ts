import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer as createTlsServer } from 'node:https';
import { createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { jest } from '@jest/globals';
import { acceptEncoding, decodeBody, isDecodable } from '../../../../functions/shared/payer/decode-body.ts';
import { createPayerHttp } from '../../../../functions/shared/payer/http-client.ts';
import type { PayerRequest } from '../../../../functions/shared/payer/http.ts';
import { readText } from '../../../../functions/shared/payer/read-text.ts';
import { close, listen } from '../../../../sandbox/aws/listen.ts';
import { selfSigned } from '../../../bin/certificates.ts';
import { fakeTimeouts } from '../../../support/fake-timeouts.ts';
import { startRawServer, type RawRequest, type RawServer } from '../../../support/raw-server.ts';

const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody';

let server: RawServer | undefined;
afterEach(() => {
  jest.useRealTimers();
  return server?.close();
});

type Answer = (socket: Socket, request: RawRequest) => void | Promise<void>;

/** A client of its own, and a server that gives this answer. */
const start = async (answer: Answer, limits: Parameters<typeof createPayerHttp>[0] = {}) => {
  server = await startRawServer(answer);
  const { url, requests, connections } = server;
  const http = createPayerHttp(limits);
  const ask = async (init: PayerRequest = {}): Promise<string> => {
    const response = await http(url, init);
    return `${response.status} ${await readText(response, 1e6)}`;
  };
  return { ask, http, url, requests, connections };
};

/** Until an answered connection is back in its agent's pool. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('a connection', () => {
  it('serves one request after the other', async () => {
    const { ask, connections } = await start((socket) => void socket.write(whole));
    for (let times = 0; times < 3; times += 1) {
      expect(await ask()).toBe('200 body');
      await settled();
    }
    expect(connections()).toBe(1);
  });

  it('that the payer had just closed is replaced, and the read repeated', async () => {
    const { ask, requests, connections } = await start((socket, { ofConnection }) => {
      if (ofConnection === 1) socket.write(whole);
      else socket.destroy();
    });
    await ask();
    await settled();
    expect(await ask()).toBe('200 body');
    expect(requests).toHaveLength(3);
    expect(connections()).toBe(2);
  });

  it('that the payer had closed before the read was written is replaced too', async () => {
    const clients: Socket[] = [];
    const note = (message: unknown): void => void clients.push((message as { socket: Socket }).socket);
    subscribe('net.client.socket', note);
    const { ask, connections } = await start((socket) => void socket.write(whole));
    await ask();
    await settled();
    const refuse: Socket['_write'] = (_chunk, _encoding, done) =>
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    Object.assign(clients[0] ?? {}, { _write: refuse, _writev: undefined });
    expect(await ask()).toBe('200 body');
    expect(connections()).toBe(2);
    unsubscribe('net.client.socket', note);
  });

  it.each<[string, string, (socket: Socket) => unknown]>([
    ['by what the payer sends', 'HPE_INVALID_CONSTANT', (socket) => socket.end('nothing of HTTP')],
    ['after the head of an answer', 'ECONNRESET', (socket) => socket.write(whole.slice(0, -2), () => socket.destroy())],
  ])('that breaks %s is not replaced: a second read would not help', async (_, code, breakOff) => {
    const { ask, requests } = await start((socket, { ofConnection }) => {
      if (ofConnection === 1) socket.write(whole);
      else breakOff(socket);
    });
    await ask();
    await settled();
    await expect(ask()).rejects.toMatchObject({ code });
    expect(requests).toHaveLength(2);
  });

  it('whose read took too long is not replaced', async () => {
    const reason = new DOMException('over', 'TimeoutError');
    const ending = new AbortController();
    const { ask, requests } = await start((socket, { ofConnection }) => {
      if (ofConnection === 1) socket.write(whole);
      else ending.abort(reason);
    });
    await ask();
    await settled();
    await expect(ask({ signal: ending.signal })).rejects.toBe(reason);
    await settled();
    expect(requests).toHaveLength(2);
  });

  it('that the payer closes immediately is not retried', async () => {
    const { ask, requests } = await start((socket) => void socket.destroy());
    await expect(ask()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(requests).toHaveLength(1);
  });

  it('of a one-time request is its own: no other request uses it, and none is sent twice', async () => {
    const { ask, requests, connections } = await start((socket, { number, head }) => {
      if (head.startsWith('GET') || number === 2) socket.write(whole);
      else socket.destroy();
    });
    await ask();
    await settled();
    const once = { method: 'POST', body: 'code=1', oneTime: true } as const;
    expect(await ask(once)).toBe('200 body');
    await settled();
    await expect(ask(once)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(requests.map(({ ofConnection }) => ofConnection)).toEqual([1, 1, 1]);
    expect(connections()).toBe(3);
    expect(requests[1]?.head).toMatch(/^connection: close$/im);
  });

  it('that receives unexpected bytes is not reused', async () => {
    const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
    const sockets: Socket[] = [];
    const { ask, connections } = await start((socket) => {
      sockets.push(socket);
      socket.write(whole);
    });
    expect(await ask()).toBe('200 body');
    await settled();
    const closed = new Promise((resolve) => sockets[0]?.once('close', resolve));
    sockets[0]?.write(evil);
    await closed;
    expect(await ask()).toBe('200 body');
    expect(connections()).toBe(2);
  });

  it('that receives unexpected bytes is closed even if Node does not close it', async () => {
    const opened: Socket[] = [];
    const note = (message: unknown): void => void opened.push((message as { readonly socket: Socket }).socket);
    subscribe('net.client.socket', note);
    const { ask, connections } = await start((socket) => void socket.write(whole));
    expect(await ask()).toBe('200 body');
    unsubscribe('net.client.socket', note);
    await settled();
    // What Node does in the place of its own guard.
    opened[0]?.emit('data', Buffer.from('evil'));

    expect(opened).toMatchObject([{ destroyed: true }]);
    expect(await ask()).toBe('200 body');
    expect(connections()).toBe(2);
  });

  it('that does not open in time is abandoned', async () => {
    // Accepts the connection, and never starts TLS.
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => void sockets.push(socket));
    await expect(createPayerHttp({ connectMs: 50 })(`https://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: 'ETIMEDOUT',
    });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });

  it('with TLS needs a trusted certificate', async () => {
    const tls = createTlsServer(selfSigned('127.0.0.1'), (_request, response) => response.end('body'));
    const port = await listen(tls, 0, '127.0.0.1');
    await expect(createPayerHttp()(`https://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: expect.stringMatching(/SELF_SIGNED|UNABLE_TO_VERIFY/),
    });
    await close(tls);
  });

  it.each(['ftp://127.0.0.1/', 'data:,x', 'file:///etc/passwd'])('is http or https, not %s', async (url) => {
    await expect(createPayerHttp()(url)).rejects.toThrow('is not supported for payers');
  });
});

describe('a request', () => {
  it('has its user agent, accepted codings, and given headers', async () => {
    const { ask, requests } = await start((socket) => void socket.write(whole));
    await ask({ headers: { Accept: 'application/fhir+json', Authorization: 'Bearer x' } });
    const lines = requests[0]?.head.toLowerCase().split('\r\n') ?? [];
    expect(lines[0]).toBe('get / http/1.1');
    expect(lines).toEqual(
      expect.arrayContaining([
        'accept: application/fhir+json',
        'accept-encoding: gzip, deflate, br',
        'authorization: bearer x',
        'user-agent: p2p-gateway',
      ]),
    );
    expect(lines.filter((line) => line.startsWith('accept:'))).toHaveLength(1);
    expect(lines.some((line) => /^(?:content-length|transfer-encoding|te):/.test(line))).toBe(false);
  });

  it('has the length of its body in bytes, and zero if it has none', async () => {
    const { ask, requests } = await start((socket) => void socket.write(whole));
    await ask({ method: 'POST', body: 'ä' });
    await ask({ method: 'POST', body: '' });
    await ask({ method: 'POST' });
    expect(requests.map(({ head }) => /^content-length: (\d+)/im.exec(head)?.[1])).toEqual(['2', '0', '0']);
  });

  it('with a header that cannot be sent fails before anything is sent', async () => {
    const { ask, requests } = await start((socket) => void socket.write(whole));
    await expect(ask({ headers: { prefer: 'a\r\nb: c' } })).rejects.toMatchObject({ code: 'ERR_INVALID_CHAR' });
    expect(requests).toHaveLength(0);
  });

  it.each(['before it is sent', 'before the head', 'in the body'])('ends with its signal, %s', async (when) => {
    const ending = new AbortController();
    const reason = new DOMException('over', 'TimeoutError');
    const { ask } = await start((socket) => {
      const abort = (): void => ending.abort(reason);
      if (when === 'in the body') socket.write(whole.slice(0, -2), abort);
      else abort();
    });
    if (when === 'before it is sent') ending.abort(reason);
    await expect(ask({ signal: ending.signal })).rejects.toBe(reason);
  });

  it('leaves its connection alone if its signal comes after its end', async () => {
    const ending = new AbortController();
    const { ask, connections } = await start((socket) => void socket.write(whole));
    await ask({ signal: ending.signal });
    await settled();
    ending.abort();
    expect(await ask()).toBe('200 body');
    expect(connections()).toBe(1);
  });

  it('does not follow a redirect', async () => {
    const { http, url, requests } = await start(
      (socket) => void socket.write('HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n'),
    );
    const { status, headers } = await http(url);
    expect([status, headers.get('Location')]).toEqual([302, '/elsewhere']);
    expect(requests).toHaveLength(1);
  });
});

describe('an answer', () => {
  it.each([
    ['100 and 103', `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${whole}`],
    ['102', `HTTP/1.1 102 Processing\r\n\r\n${whole}`],
  ])('may come after %s', async (_name, text) => {
    const { ask, connections } = await start((socket) => void socket.write(text));
    expect(await ask()).toBe('200 body');
    await settled();
    expect(await ask()).toBe('200 body');
    expect(connections()).toBe(1);
  });

  it('that asks for another protocol is refused', async () => {
    const { ask } = await start(
      (socket) => void socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n'),
    );
    await expect(ask()).rejects.toMatchObject({ name: 'UnusableAnswer', code: 'UPGRADE' });
  });

  it.each([
    ['to HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 400\r\n\r\n'],
    ['of 204', 'GET', 'HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n'],
    ['of 304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Encoding: br\r\nContent-Length: 400\r\n\r\n'],
  ] as const)('%s has no body, and its connection can be reused', async (_name, method, text) => {
    const { http, url, connections } = await start((socket) => void socket.write(text));
    for (let times = 0; times < 2; times += 1) {
      expect((await http(url, { method })).body).toBeNull();
      await settled();
    }
    expect(connections()).toBe(1);
  });

  it('may come before the request is completely sent', async () => {
    const { ask } = await start((socket) => void socket.end(whole));
    expect(await ask({ method: 'POST', body: 'x'.repeat(64_000) })).toBe('200 body');
  });

  it('has all values of a repeated header', async () => {
    const { http, url } = await start(
      (socket) =>
        void socket.write('HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 0\r\n\r\n'),
    );
    const { headers } = await http(url);
    expect(headers.get('content-type')).toBe('a/b, c/d');
    expect(headers.get('etag')).toBeNull();
  });

  it('has all its headers, even 2,500', async () => {
    const many = 'a: b\r\n'.repeat(2500);
    const { http, url } = await start(
      (socket) => void socket.write(`HTTP/1.1 200 OK\r\n${many}ETag: last\r\nContent-Length: 0\r\n\r\n`),
    );
    expect((await http(url)).headers.get('etag')).toBe('last');
  });

  it.each([
    ['headers of more than 16 KB', `HTTP/1.1 200 OK\r\na: ${'b'.repeat(17_000)}\r\nContent-Length: 0\r\n\r\n`],
    ['a folded header', 'HTTP/1.1 200 OK\r\nETag: a\r\n b\r\nContent-Length: 0\r\n\r\n'],
    ['a header with a bare line end', 'HTTP/1.1 200 OK\r\nETag: a\nLocation: b\r\nContent-Length: 0\r\n\r\n'],
    ['no head', '{"resourceType":"Bundle"}'],
  ])('with %s is refused', async (_name, text) => {
    const { ask } = await start((socket) => void socket.end(text));
    await expect(ask()).rejects.toMatchObject({ code: expect.stringMatching(/^HPE_/) });
  });

  it('that pauses for too long while its reader waits is cut', async () => {
    const { ask } = await start((socket) => void socket.write(whole.slice(0, -2)), { idleMs: 50 });
    await expect(ask()).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('is not cut because its reader pauses', async () => {
    const sockets: Socket[] = [];
    const { http, url } = await start(
      (socket) => {
        sockets.push(socket);
        socket.write(whole.slice(0, -2));
      },
      { idleMs: 50 },
    );
    const pass = fakeTimeouts();
    const pieces: string[] = [];
    for await (const piece of (await http(url)).body ?? []) {
      pieces.push(Buffer.from(piece).toString());
      if (pieces.length > 1) continue;
      pass(150);
      sockets[0]?.write('dy');
    }
    expect(pieces.join('')).toBe('body');
  });

  it('whose body is not wanted closes its connection', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const { http, url } = await start((socket) => {
      socket.once('close', () => resolve());
      socket.write(whole.slice(0, -2));
    });
    const pass = fakeTimeouts();
    const { body } = await http(url);
    await body?.[Symbol.asyncIterator]().next();
    await body?.cancel();
    await closed;

    // Nor does it wait for the next byte.
    pass(120_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('in gzip whose reader leaves closes its connection, even if no byte comes', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const { http, url } = await start((socket) => {
      socket.once('close', () => resolve());
      socket.write('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 400000\r\n\r\n');
      socket.write(gzipSync(randomBytes(200_000)));
    });
    expect(await readText(await http(url), 1000)).toBeUndefined();
    await closed;
  });

  it('that breaks before anyone reads it reports it to its first reader', async () => {
    const { promise: broken, resolve } = Promise.withResolvers<void>();
    const { http, url } = await start((socket) => {
      socket.once('close', () => resolve());
      socket.write(whole.slice(0, -2), () => socket.destroy());
    });
    const response = await http(url);
    await broken;
    await settled();
    await expect(readText(response, 100)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

const text = JSON.stringify({ resourceType: 'Bundle', entry: Array.from({ length: 300 }, (_, id) => ({ id })) });

/** Decodes a body that arrives in pieces of this size. */
const decoded = async (bytes: Uint8Array, coding: string | undefined, pieceBytes = Infinity): Promise<string> => {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  return (await buffer(decodeBody(Readable.from(pieces, { objectMode: false }), coding))).toString();
};

const codings: readonly (readonly [coding: string, encode: (text: string) => Buffer])[] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
];
const isAskedFor = (coding: string): boolean => acceptEncoding.split(', ').includes(coding);

describe('a body', () => {
  it.each(codings)('in %s is decoded, however it arrives', async (coding, encode) => {
    for (const pieceBytes of [1, 7, 100, Infinity]) {
      expect(await decoded(encode(text), coding, pieceBytes)).toBe(text);
    }
  });

  it('in deflate is decoded too if it lacks zlib’s frame, as some send it', async () => {
    for (const level of [0, 1, 9]) {
      expect(await decoded(deflateRawSync(text, { level }), 'deflate', 5)).toBe(text);
      expect(await decoded(deflateSync(text, { level }), 'deflate', 5)).toBe(text);
    }
  });

  it.each([undefined, '', ' ', 'identity', ' Identity '])(
    'without a coding (%j) is passed on as it is',
    async (coding) => {
      expect(await decoded(Buffer.from(text), coding, 10)).toBe(text);
      expect(await decoded(Buffer.alloc(0), coding)).toBe('');
    },
  );

  it.each([' gzip', 'GZIP', 'gzip '])('may have its coding named %j', async (coding) => {
    expect(await decoded(gzipSync(text), coding)).toBe(text);
  });

  it.each(codings)('in %s that ends early is refused, not taken for whole', async (coding, encode) => {
    const bytes = encode(text);
    for (const length of [1, 12, bytes.length - 1]) {
      await expect(decoded(bytes.subarray(0, length), coding)).rejects.toMatchObject({
        code: expect.stringMatching(/^(?:Z_BUF_ERROR|ERR_)/) as string,
      });
    }
  });

  it.each(codings)('in %s that is empty is refused', async (coding) => {
    await expect(decoded(Buffer.alloc(0), coding)).rejects.toMatchObject({
      name: 'UnusableAnswer',
      code: 'CONTENT_ENCODING',
    });
  });

  it.each(codings)('in %s with bytes behind its end is refused', async (coding, encode) => {
    const bytes = Buffer.concat([encode(text), Buffer.from('more')]);
    // After gzip's end zlib expects another member, so it may report the error first.
    const code = coding.endsWith('gzip') ? /^(?:TRAILING_BYTES|Z_DATA_ERROR)$/ : /^TRAILING_BYTES$/;
    for (const pieceBytes of [bytes.length - 4, Infinity]) {
      await expect(decoded(bytes, coding, pieceBytes)).rejects.toMatchObject({
        code: expect.stringMatching(code) as string,
      });
    }
  });

  it('in another coding is refused, whatever JavaScript calls its own things', async () => {
    for (const coding of ['zstd', 'gzip, br', 'constructor', 'toString', '__proto__']) {
      await expect(decoded(Buffer.from(text), coding)).rejects.toMatchObject({
        name: 'UnusableAnswer',
        code: 'CONTENT_ENCODING',
        message: 'CONTENT_ENCODING',
      });
    }
  });

  it.each(codings)('in %s whose reader stops is not waited for', async (coding, encode) => {
    const source = new Readable({ read: () => undefined });
    const bytes = encode(text);
    source.push(bytes.subarray(0, bytes.length - 3));
    for await (const piece of decodeBody(source, coding)) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }

    expect(source.destroyed).toBe(true);
  });
});

describe('what is said of a coding before its body is read', () => {
  it.each([...codings.map(([coding]) => coding), ' GZip ', 'identity', '', undefined])(
    '%j can be decoded',
    (coding) => {
      expect(isDecodable(coding)).toBe(true);
    },
  );

  it.each(['zstd', 'compress', 'gzip, br', 'gzip gzip', '*', 'constructor', 'toString', '__proto__'])(
    '%j cannot',
    (coding) => {
      expect(isDecodable(coding)).toBe(false);
    },
  );

  it('is that each coding that we ask for can be decoded', () => {
    expect(codings.map(([coding]) => coding).filter(isAskedFor)).toEqual(acceptEncoding.split(', '));
  });
});
