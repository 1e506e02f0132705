import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { LookupAddress } from 'node:dns';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { jest } from '@jest/globals';
import { createPost, postOf } from '../../../functions/deliver/post.ts';
import { causeOf } from '../../../functions/shared/errors.ts';
import { close, listen } from '../../../sandbox/aws/listen.ts';
import { certificateAuthority } from '../../bin/certificates.ts';
import { words } from '../../support/words.ts';

const host = 'app.example.org';
const authority = certificateAuthority('Test authority');
const closers: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((end) => end())));

const request = { headers: { 'webhook-id': 'evt_1', 'content-type': 'application/json' }, body: '{"type":"é"}' };

interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** A receiver on this machine. */
const receive = async (answer: RequestListener, certificate?: { cert: string; key: string }) => {
  const received: Received[] = [];
  const listener: RequestListener = (incoming, response) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
    incoming.on('end', () => {
      received.push({ method: incoming.method, url: incoming.url, headers: incoming.headers, body });
      answer(incoming, response);
    });
  };
  const server = certificate === undefined ? createServer(listener) : createTlsServer(certificate, listener);
  const port = await listen(server, 0, '127.0.0.1');
  closers.push(() => close(server));
  return { port, received };
};

const ok: RequestListener = (_, response) => void response.writeHead(204).end();
const failureOf = (posting: Promise<number>): Promise<string> => posting.then(String, causeOf);

describe('a post', () => {
  it('is the request as it was signed, and resolves with the status', async () => {
    const { port, received } = await receive(ok);
    const post = createPost({ allowLoopback: true });
    expect(await post(`http://127.0.0.1:${port}/hook?from=gateway`, request)).toBe(204);
    expect(received).toEqual([
      {
        method: 'POST',
        url: '/hook?from=gateway',
        headers: expect.objectContaining({ ...request.headers, 'content-length': '13', connection: 'close' }) as object,
        body: request.body,
      },
    ]);
  });

  it.each(['demo', 'production', 'production-example', 'Local', 'local2', ''])(
    'reaches no app on this machine in stage "%s"',
    async (stage) => {
      const { port, received } = await receive(ok);
      const failure = (url: string) => failureOf(postOf(stage)(url, request));

      expect(await failure(`http://127.0.0.1:${port}/`)).toBe('Error:EPRIVATE');
      expect(await failure(`https://127.0.0.1:${port}/`)).toBe('Error:EPRIVATE');
      expect(await failure(`http://localhost:${port}/`)).toBe('Error:EPLAIN');
      expect(received).toEqual([]);
    },
  );

  it('reaches an app on this machine in stage local', async () => {
    const { port } = await receive(ok);

    expect(await postOf('local')(`http://127.0.0.1:${port}/`, request)).toBe(204);
  });

  it('waits 15 seconds for a receiver, so that its function, which has 60, can write what happened', async () => {
    const limits = jest.spyOn(AbortSignal, 'timeout');
    const { port } = await receive(ok);

    await postOf('local')(`http://127.0.0.1:${port}/`, request);

    expect(limits.mock.calls).toEqual([[15_000]]);
    limits.mockRestore();
  });

  it('follows no redirect', async () => {
    const { port, received } = await receive((_, response) =>
      response.writeHead(307, { location: '/elsewhere' }).end(),
    );
    expect(await createPost({ allowLoopback: true })(`http://127.0.0.1:${port}/`, request)).toBe(307);
    expect(received.map(({ url }) => url)).toEqual(['/']);
  });

  it('to a receiver that hangs ends in time', async () => {
    const { port } = await receive(() => undefined);
    const post = createPost({ allowLoopback: true, timeoutMs: 50 });
    expect(await failureOf(post(`http://127.0.0.1:${port}/`, request))).toMatch(/AbortError|TimeoutError/);
  });

  it('has its status although the body hangs', async () => {
    const { port } = await receive((_, response) => void response.writeHead(200).write('a'));
    const limit = new AbortController();
    const timeout = jest.spyOn(AbortSignal, 'timeout').mockReturnValue(limit.signal);
    // The time is up once the answer's head has come, however long that takes.
    const abort = (): void => void setImmediate(() => limit.abort());
    subscribe('http.client.response.finish', abort);
    try {
      expect(await createPost({ allowLoopback: true })(`http://127.0.0.1:${port}/`, request)).toBe(200);
    } finally {
      unsubscribe('http.client.response.finish', abort);
      timeout.mockRestore();
    }
  });

  it('reads no more than a little of an endless body', async () => {
    let sent = 0;
    const { port } = await receive((_, response) => {
      response.writeHead(200);
      const more = (): void => {
        if (response.destroyed) return;
        sent += 65_536;
        if (response.write(Buffer.alloc(65_536))) setImmediate(more);
        else response.once('drain', more);
      };
      more();
    });
    expect(await createPost({ allowLoopback: true })(`http://127.0.0.1:${port}/`, request)).toBe(200);
    expect(sent).toBeLessThan(50_000_000);
  });

  it('to a receiver that closes the connection fails', async () => {
    const { port } = await receive((incoming) => void incoming.socket.destroy());
    expect(await failureOf(createPost({ allowLoopback: true })(`http://127.0.0.1:${port}/`, request))).toBe(
      'Error:ECONNRESET',
    );
  });

  it('that is answered by another protocol has that status', async () => {
    const { port } = await receive((incoming) => {
      incoming.socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
    });
    expect(await createPost({ allowLoopback: true })(`http://127.0.0.1:${port}/`, request)).toBe(101);
  });
});

describe('an address that is not public', () => {
  it.each([
    ...words(`
      https://127.0.0.1/ https://10.1.2.3/ https://100.64.0.1/ https://169.254.169.254/latest/meta-data
      https://172.16.0.1/ https://192.168.1.1/ https://0.0.0.0/ https://224.0.0.1/ https://255.255.255.255/
      https://[::1]/ https://[::]/ https://[fe80::1]/ https://[fd12::1]/ https://[ff02::1]/ https://[::ffff:10.1.2.3]/
      https://[64:ff9b::10.1.2.3]/ https://[2002:a01:203::1]/
    `),
    // Other spellings of 127.0.0.1 and 10.0.0.1.
    'https://2130706433/',
    'https://0x7f.1/',
    'https://012.0.0.1/',
  ])('is refused: %s', async (url) => {
    const post = createPost({ allowLoopback: false, resolve: () => Promise.reject(new Error('no look-up')) });
    expect(await failureOf(post(url, request))).toBe('Error:EPRIVATE');
  });

  it.each([
    ['alone', ['10.0.0.7']],
    ['beside a public one', ['93.184.216.34', '10.0.0.7']],
    ['mapped to IPv6', ['::ffff:10.0.0.7']],
    ['of no one', []],
  ])('is refused when DNS gives it %s', async (_, addresses) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const post = createPost({ allowLoopback: false, resolve: async () => found });
    expect(await failureOf(post(`https://${host}/`, request))).toBe('Error:EPRIVATE');
  });

  it('is never reached, even if DNS gave an allowed one before: the checked address is the one connected to', async () => {
    const certificate = authority.certificateFor(host, 10);
    const { port, received } = await receive(ok, certificate);
    const answers: LookupAddress[][] = [
      [{ address: '127.0.0.1', family: 4 }],
      [{ address: '10.0.0.7', family: 4 }],
      [{ address: '127.0.0.1', family: 4 }],
    ];
    let lookups = 0;
    const resolve = async (): Promise<LookupAddress[]> => answers[(lookups += 1) - 1] ?? [];
    // Loopback is allowed here in place of a public address.
    const post = createPost({ allowLoopback: true, resolve, ca: authority.cert });
    const url = `https://${host}:${port}/`;
    expect(await post(url, request)).toBe(204);
    expect(lookups).toBe(1);
    expect(await failureOf(post(url, request))).toBe('Error:EPRIVATE');
    expect(lookups).toBe(2);
    // The third look-up shows that no connection was reused.
    expect(await post(url, request)).toBe(204);
    expect([lookups, received.length]).toEqual([3, 2]);
  });

  it('may be this machine for stage local, and no other', async () => {
    const { port, received } = await receive(ok);
    const local = createPost({ allowLoopback: true });
    expect(await local(`http://localhost:${port}/`, request)).toBe(204);
    // No name but its own is this machine's over plain http, and that name only if it leads there.
    const resolve = async () => [{ address: '93.184.216.34', family: 4 }];
    const elsewhere = createPost({ allowLoopback: true, resolve });
    expect(await failureOf(elsewhere(`http://localhost:${port}/`, request))).toBe('Error:EPRIVATE');
    expect(await failureOf(local('http://10.0.0.7/', request))).toBe('Error:EPRIVATE');
    expect(await failureOf(createPost({ allowLoopback: false })(`http://localhost:${port}/`, request))).toBe(
      'Error:EPLAIN',
    );
    expect(received).toHaveLength(1);
  });
});

describe('plain http', () => {
  it.each([
    'http://app.example.org/',
    'http://93.184.216.34/',
    'ftp://app.example.org/',
    'http://127.example.org/',
    'http://127.0.0.1.example.org/',
    'http://localhost.example.org/',
    'http://notlocalhost/',
  ])('is refused, for stage local too: %s', async (url) => {
    for (const allowLoopback of [true, false]) {
      expect(await failureOf(createPost({ allowLoopback })(url, request))).toBe('Error:EPLAIN');
    }
  });
});

describe('a certificate', () => {
  it.each([
    ['nobody vouches for', undefined, host],
    ['is another host’s', authority.cert, 'other.example.org'],
  ])('that %s ends the post before anything is sent', async (_, ca, name) => {
    const { port, received } = await receive(ok, authority.certificateFor(name, 10));
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    const post = createPost({ allowLoopback: true, resolve, ...(ca === undefined ? {} : { ca }) });
    expect(await failureOf(post(`https://${host}:${port}/`, request))).toMatch(/^Error:(UNABLE_TO_|ERR_TLS_CERT)/);
    expect(received).toEqual([]);
  });
});
