import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { jest } from '@jest/globals';
import { examine } from '../../bin/payers/examine.ts';
import { reach, type ReachDeps } from '../../bin/payers/reach.ts';
import { connect } from '../../functions/shared/payer/connect.ts';
import { eventually } from '../support/eventually.ts';
import { certificateAuthority, selfSigned } from './certificates.ts';
import { payerDeps, plan, todosOf } from './payer-deps.ts';

const authority = certificateAuthority('Test authority');
const strangers = certificateAuthority('Unknown authority');
const servers: Server[] = [];
const sockets: Socket[] = [];

const listening = async (server: Server): Promise<number> => {
  servers.push(server);
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
};

afterEach(async () => {
  jest.restoreAllMocks();
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** Limits that the test ends itself, instead of `AbortSignal.timeout`. */
const handLimits = () => {
  const limits: { readonly ms: number; readonly controller: AbortController }[] = [];
  jest.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const controller = new AbortController();
    limits.push({ ms, controller });
    return controller.signal;
  });
  return {
    limits,
    fire: (of: number): void => {
      const late = new DOMException('late', 'TimeoutError');
      for (const { ms, controller } of limits) if (ms === of) controller.abort(late);
    },
  };
};

/** What the doctor says about a TLS server that runs with these options, as `localhost`. */
const askedOverTls = async (options: TlsOptions): Promise<string[]> => {
  const port = await listening(createTlsServer(options, (socket) => socket.on('error', () => {})));
  const base = `https://localhost:${port}`;
  const payer = { ...plan, fhirBaseUrl: `${base}/r4`, authorizationEndpoint: base, tokenEndpoint: base };
  const deps: ReachDeps = {
    now: Date.now,
    lookup: async () => ['127.0.0.1'],
    connect: (url) => connect(url, { ca: authority.cert }),
  };
  const { findings } = await reach(deps, { ...payer, revocationEndpoint: base });
  return findings.map(({ text, todo }) => `${text}${todo === undefined ? '' : ` → ${todo}`}`);
};

describe('a host', () => {
  it('a host with a good certificate passes, with its TLS version and the days that are left', async () => {
    const [, connection] = await askedOverTls(authority.certificateFor('localhost', 40.5));

    expect(connection).toMatch(/^localhost:\d+: TLSv1\.3, the certificate is valid for 40 more days$/);
  });

  it.each([
    ['that has expired', authority.certificateFor('localhost', -1), /has expired → ask the payer to renew it/],
    [
      'that ends within days',
      authority.certificateFor('localhost', 3.5),
      /valid for 3 more days → ask the payer to renew it now/,
    ],
    ['for another host', authority.certificateFor('other.test', 40), /is for another host → /],
    ['that is self-signed', selfSigned('localhost'), /is self-signed → ask the payer for one from a public/],
    [
      'without its chain',
      strangers.certificateFor('localhost', 40),
      /without its chain, or from an unknown authority → /,
    ],
  ])('a host with a certificate %s gives one line that says what to do', async (_, certificate, line) => {
    const [, connection] = await askedOverTls(certificate);

    expect(connection).toMatch(line);
  });

  it.each([
    [7, true],
    [6.99, false],
  ])('a host with a certificate that ends in %d days is all right: %s', async (days, isRight) => {
    const deps = payerDeps(
      {},
      {
        now: () => 0,
        connect: async () => ({ tls: { protocol: 'TLSv1.3', verdict: undefined, validUntilMs: days * 86_400_000 } }),
      },
    ).deps;

    expect(todosOf(await examine(deps, 'test', plan))).toEqual(
      isRight ? [] : [expect.stringMatching(/^connection: .* for 6 more days → ask the payer to renew it now$/)],
    );
  });

  it.each([
    ['CERT_HAS_EXPIRED', /has expired → ask the payer to renew it$/],
    ['CERT_NOT_YET_VALID', /is not valid yet → check this machine's clock/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /is for another host → /],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /is self-signed → /],
    ['SELF_SIGNED_CERT_IN_CHAIN', /is from a private certificate authority → /],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /comes without its chain, or from an unknown authority → /],
    ['CERT_REVOKED', /is refused \(CERT_REVOKED\) → ask the payer for a certificate that clients trust$/],
  ])('a host whose certificate has the verdict %s gets one line, and no request', async (verdict, line) => {
    const { deps, sent } = payerDeps(
      {},
      {
        connect: async () => ({ tls: { protocol: 'TLSv1.3', verdict, validUntilMs: 0 } }),
      },
    );

    expect(todosOf(await examine(deps, 'test', plan))).toEqual([expect.stringMatching(line)]);
    expect(sent).toEqual([]);
  });

  it.each([
    ['ENODATA', /^name: plan.test is not a known host → check its spelling/],
    ['ESERVFAIL', /^name: plan.test cannot be looked up \(.*ESERVFAIL\) → check this machine's DNS/],
  ])('a host whose name cannot be looked up because of %s gets one line', async (code, line) => {
    const lookup = (): Promise<never> => Promise.reject(Object.assign(new Error('x'), { code }));

    expect(todosOf(await examine(payerDeps({}, { lookup }).deps, 'test', plan))).toEqual([expect.stringMatching(line)]);
  });

  it('a host without TLS 1.2 gives one line that says what to do', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;

    const [, connection] = await askedOverTls({ ...authority.certificateFor('localhost', 40), ...old });

    expect(connection).toMatch(/offers no TLS 1\.2 or later → ask the payer to offer it/);
  });

  it('a host that is unknown gets no further requests', async () => {
    const unknown = (): Promise<never> => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' }));
    const { deps, sent } = payerDeps({}, { lookup: unknown });

    const todos = todosOf(await examine(deps, 'test', plan));

    expect(todos).toEqual([
      expect.stringMatching(/^name: plan.test is not a known host → check its spelling, or ask the payer/),
    ]);
    expect(sent).toEqual([]);
  });

  it('a host whose port is closed gets no further requests', async () => {
    const server = createServer();
    const port = await listening(server);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const { deps, sent } = payerDeps({}, { connect });
    const base = `http://127.0.0.1:${port}`;
    const { revocationEndpoint: _, issuer: __, ...rest } = plan;
    const payer = { ...rest, fhirBaseUrl: `${base}/r4`, authorizationEndpoint: base, tokenEndpoint: base };

    const todos = todosOf(await examine(deps, 'test', payer));

    expect(todos).toEqual([
      expect.stringMatching(`^connection: 127.0.0.1:${port} refuses connections → check host and port`),
    ]);
    expect(sent).toEqual([]);
  });

  it('a host that accepts connections but never answers gets all requests at once, for five seconds, and each is reported', async () => {
    const port = await listening(createServer((socket) => socket.on('error', () => {})));
    const base = `http://127.0.0.1:${port}`;
    const { deps } = payerDeps({}, { connect, http: (url, init) => fetch(url, init) });
    const payer = {
      ...plan,
      fhirBaseUrl: `${base}/r4`,
      issuer: base,
      revocationEndpoint: `${base}/revoke`,
      authorizationEndpoint: `${base}/authorize`,
      tokenEndpoint: `${base}/token`,
    };
    const { limits, fire } = handLimits();

    const examining = examine(deps, 'test', payer);
    // One limit is for connecting. The others exist already because all requests are sent at once.
    await eventually(() => limits.length === 8);
    fire(5000);

    const todos = todosOf(await examining);
    expect(limits.map(({ ms }) => ms)).toEqual([1500, 5000, 5000, 5000, 5000, 5000, 5000, 5000]);
    expect(todos.length).toBeGreaterThanOrEqual(5);
    for (const todo of todos) expect(todo).toMatch(/does not answer in time → ask the payer/);
  });

  it('a host whose TLS handshake never ends is given up after two tries of a second and a half', async () => {
    const port = await listening(createServer((socket) => socket.on('error', () => {})));
    const { limits, fire } = handLimits();
    const base = `https://127.0.0.1:${port}`;
    const { revocationEndpoint: _, issuer: __, ...rest } = plan;
    const payer = { ...rest, fhirBaseUrl: base, authorizationEndpoint: base, tokenEndpoint: base };

    const examining = examine(payerDeps({}, { connect }).deps, 'test', payer);
    await eventually(() => limits.length > 0);
    fire(1500);
    await eventually(() => limits.length > 1);
    fire(1500);

    const todos = todosOf(await examining);
    expect(limits.map(({ ms }) => ms)).toEqual([1500, 1500]);
    expect(todos).toEqual([expect.stringMatching(/^connection: 127.0.0.1:\d+ does not answer in time/)]);
  });

  it('a host that misses one attempt to connect and takes the next has no fault', async () => {
    const port = await listening(createServer());
    const tooLate = AbortSignal.abort(new DOMException('late', 'TimeoutError'));
    jest.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(tooLate);
    await expect(connect(new URL(`http://127.0.0.1:${port}`))).resolves.toEqual({});
  });
});
