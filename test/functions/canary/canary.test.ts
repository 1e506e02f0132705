import type { Context } from 'aws-lambda';
import { canaryHandler } from '../../../functions/canary/handler.ts';
import { planRun } from '../../../functions/canary/sample.ts';
import { isTurn } from '../../../functions/canary/watch-drift.ts';
import { GatewayError, unavailable } from '../../../functions/shared/errors.ts';
import { payerDownThreshold } from '../../../functions/shared/metrics/metrics.ts';
import type { Stop } from '../../../functions/shared/registry/stops.ts';
import type { RegistryData } from '../../../functions/shared/registry/types.ts';
import { metric, metricsOf, signalsOf } from '../../support/embedded-metrics.ts';
import { startMs, testDeps } from '../../support/gateway.ts';
import { localRegistry, withoutPartner, withPartner, withPayer } from '../../support/login.ts';
import { authorizeRequest, documentRequest } from '../../support/login/requests.ts';
import { ask, handlersOf } from '../../support/world/handlers.ts';

const origin = 'http://localhost:3000';
const payerIds = localRegistry().payers.map(({ id }) => id);

type Answer = (url: URL) => Promise<Response> | Response;

/** The canary in front of a working gateway, and payers that show their sign-in page. */
const canary = ({ registry = localRegistry(), answer }: { registry?: RegistryData; answer?: Answer } = {}) => {
  const test = testDeps({ registry });
  const handlers = handlersOf({ ...test.deps, writeLog: () => undefined });
  const asked: { url: URL; init: RequestInit | undefined }[] = [];

  const ours = async ({ pathname, searchParams }: URL): Promise<Response> => {
    const payer = /^\/(?:oauth2\/authorize|r4)\/([\w-]+)/.exec(pathname)?.[1] ?? '';
    const request = pathname.startsWith('/r4/')
      ? documentRequest(payer, '.well-known/smart-configuration')
      : authorizeRequest(payer, [...searchParams]);
    const { status, headers, body } = await ask(handlers, request);
    return new Response(body, { status, headers });
  };
  const whole: Answer = (url) => (url.origin === origin ? ours(url) : new Response('<h1>Sign in</h1>'));
  const deps = {
    ...test.deps,
    limits: { client: test.dynamo.client, name: 'Limits' },
    connect: async () => ({}),
    http: async (input: string | URL, init?: RequestInit): Promise<Response> => {
      const url = new URL(input);
      asked.push({ url, init });
      return (await answer?.(url)) ?? whole(url);
    },
  };
  const run = async (
    remainingMs = () => 60_000,
    event: unknown = {},
    change: Partial<typeof deps> = {},
  ): Promise<Record<string, unknown>[]> => {
    const context = { awsRequestId: 'canary-1', getRemainingTimeInMillis: remainingMs } as Context;
    await canaryHandler({ ...deps, ...change })(event, context);
    return test.lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ payer }) => payer !== undefined);
  };
  /** The line of the last run, as it was written. */
  const ofRun = (): string => test.lines.at(-1) ?? '';
  return { ...test, deps, asked, run, ofRun };
};
const expectAllWell = async (running: ReturnType<ReturnType<typeof canary>['run']>): Promise<void> =>
  expect((await running).map(({ outcome }) => outcome)).toEqual(payerIds.map(() => 'ok'));
const sent = (url: URL): Record<string, string> => Object.fromEntries(url.searchParams);

/** Answers one kind of request differently; `undefined` leaves it unchanged. */
const otherwise = (matches: (url: URL) => boolean, answer: () => Response | Promise<Response>) =>
  ((url) => (matches(url) ? answer() : undefined)) as Answer;
const toDiscovery = ({ pathname }: URL): boolean => pathname.startsWith('/r4/northwind/');
const toAuthorize = ({ origin: at, pathname }: URL): boolean =>
  at === origin && pathname.endsWith('/authorize/northwind');
const toPayer = ({ host }: URL): boolean => host === '127.0.0.1:3003';
const toSignIn = (url: URL): boolean => toPayer(url) && url.pathname === '/oauth2/authorize';
const toToken = (url: URL): boolean => toPayer(url) && url.pathname === '/oauth2/token';
const toFhir = (url: URL): boolean => toPayer(url) && url.pathname === '/r4/metadata';

/** A stage whose partners all leave consent to the gateway's page. */
const everyPartnerAsks = (): RegistryData =>
  localRegistry().partners.reduce(
    (data, { clientId }) => withPartner(clientId, { consent: 'gateway' })(data),
    localRegistry(),
  );

describe('the canary', () => {
  it('follows a login up to each payer’s sign-in page, and writes one line per payer', async () => {
    const { run, lines, asked } = canary();

    const log = await run();
    const ofPayers = lines.slice(0, -1);

    expect(log).toHaveLength(payerIds.length);
    expect(new Set(log.map(({ payer }) => payer))).toEqual(new Set(payerIds));
    for (const line of log) {
      expect(line).toMatchObject({
        level: 'info',
        requestId: 'canary-1',
        function: 'canary',
        step: 'canary',
        outcome: 'ok',
      });
      expect(line).not.toHaveProperty('detail');
    }
    for (const line of ofPayers) {
      expect(metric(line, 'requests')).toEqual({ 'step=canary outcome=ok': 1 });
      expect(metricsOf(line).map(({ name }) => name)).toEqual(['requests', 'ms']);
    }
    const ofNorthwind = asked.filter(({ url }) => url.href.includes('northwind') || toPayer(url));
    expect(ofNorthwind.map(({ url, init }) => `${init?.method ?? 'GET'} ${url.pathname}`)).toEqual([
      'GET /r4/northwind/.well-known/smart-configuration',
      'GET /oauth2/authorize/northwind',
      'GET /oauth2/authorize',
      'POST /oauth2/token',
      'GET /r4/metadata',
    ]);
  });

  it.each([
    ['userinfo endpoint', { userinfoEndpoint: 'http://127.0.0.1:3003/oauth2/userinfo' }],
    ['JWKS', { jwksUri: 'http://127.0.0.1:3003/oauth2/jwks' }],
  ])('asks the %s of a payer whose logins need it', async (what, profile) => {
    const [url = ''] = Object.values(profile);
    const isDown = otherwise(
      ({ href }) => href === url,
      () => new Response('', { status: 503 }),
    );
    const { run, asked } = canary({ registry: withPayer('northwind', profile)(localRegistry()), answer: isDown });

    const log = await run();

    expect(asked.filter((one) => one.url.href === url).map(({ init }) => init)).toEqual([
      expect.objectContaining({
        headers: { Accept: 'application/json', 'User-Agent': 'p2p-gateway-canary' },
        redirect: 'manual',
      }),
    ]);
    expect(log.find(({ payer }) => payer === 'northwind')).toMatchObject({ detail: `${what}: status 503` });
  });

  it('identifies itself, follows no redirect, and sends a payer neither a credential nor a code', async () => {
    const { run, asked } = canary();
    await run();

    const common = { redirect: 'manual', signal: expect.any(AbortSignal) as AbortSignal };
    const form = { Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded' };
    for (const { url, init } of asked) {
      const headers = { 'User-Agent': 'p2p-gateway-canary' };
      if (url.pathname.endsWith('/token')) {
        const body = 'grant_type=authorization_code';
        expect(init).toEqual({ ...common, method: 'POST', headers: { ...headers, ...form }, body });
      } else if (url.pathname.endsWith('/metadata')) {
        expect(init).toEqual({ ...common, headers: { ...headers, Accept: 'application/fhir+json' } });
      } else expect(init).toEqual({ ...common, headers });
    }
  });

  it('logs when it checked a payer, and how long that took', async () => {
    const registry = localRegistry();
    const northwind = registry.payers.filter(({ id }) => id === 'northwind');
    const uptime = { ms: 5_000.5 };
    const answer = otherwise(toSignIn, () => {
      uptime.ms += 1_234.56;
      return new Response('<h1>Sign in</h1>');
    });
    const { run, deps, lines } = canary({ registry: { ...registry, payers: northwind }, answer });
    deps.clock.monotonic = () => uptime.ms;

    expect(await run()).toEqual([
      expect.objectContaining({ time: new Date(startMs).toISOString(), payer: 'northwind', ms: 1_234.6 }),
    ]);
    expect(metric(lines[0] ?? '', 'ms')).toEqual({ 'step=canary': 1_234.6 });
  });

  it('releases connections whose body it does not read, and blames no payer if that fails', async () => {
    let canceled = 0;
    const page = (): Response =>
      new Response(
        new ReadableStream({
          cancel: () => {
            canceled += 1;
            throw new Error('already gone');
          },
        }),
      );
    const { run } = canary({ answer: otherwise(toPayer, page) });

    await expectAllWell(run());
    // Sign-in page, token endpoint and FHIR API.
    expect(canceled).toBe(3);
  });

  it('skips a partner that leaves consent to the gateway if another does not', async () => {
    const { run, asked } = canary({ registry: withPartner('demo-partner', { consent: 'gateway' })(localRegistry()) });
    await run();

    expect(sent(asked.find(({ url }) => toAuthorize(url))?.url ?? new URL('about:blank'))).toMatchObject({
      client_id: 'demo-app',
      redirect_uri: 'http://localhost:3002/app/callback',
    });
  });

  it('asks as a partner that has its members’ consent, with a fresh state and challenge', async () => {
    const { run, asked } = canary();
    await run();
    await run();

    const requests = asked.filter(({ url }) => toAuthorize(url)).map(({ url }) => sent(url));
    expect(requests).toHaveLength(2);
    for (const request of requests) {
      expect(request).toEqual({
        response_type: 'code',
        client_id: 'demo-partner',
        redirect_uri: 'http://localhost:3002/callback',
        state: expect.stringMatching(/^[\w-]{43}$/) as string,
        code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
        code_challenge_method: 'S256',
      });
    }
    expect(new Set(requests.flatMap(({ state, code_challenge: challenge }) => [state, challenge])).size).toBe(4);
  });

  it('looks for the consent page if every partner shows it, and still checks the payer’s sign-in', async () => {
    const { run, asked, dynamo } = canary({ registry: everyPartnerAsks() });

    await expectAllWell(run());
    expect(sent(asked.find(({ url }) => toPayer(url))?.url ?? new URL('about:blank'))).toMatchObject({
      client_id: 'gateway-at-northwind',
      redirect_uri: `${origin}/oauth2/callback/northwind`,
    });
    expect(dynamo.items('LoginAttempts').size).toBe(0);
  });

  it('asks a payer that no partner may read from for its discovery only', async () => {
    const nobody = localRegistry().partners.reduce(
      (data, { clientId }) => withoutPartner(clientId)(data),
      localRegistry(),
    );
    const { run, asked } = canary({ registry: nobody });

    await expectAllWell(run());
    expect(asked.map(({ url }) => url.pathname)).toEqual(
      payerIds.map((id) => `/r4/${id}/.well-known/smart-configuration`),
    );
  });
});

describe('what an operator has stopped', () => {
  const stop: Stop = { at: startMs / 1000 - 60, by: 'arn:aws:iam::111122223333:user/one', reason: 'Ticket 4711' };
  const pathsTo = (asked: readonly { url: URL }[], host: string): string[] =>
    asked
      .map(({ url }) => url)
      .filter((url) => url.host === host)
      .map(({ pathname }) => pathname);

  it('is not probed if it is a payer: its line says that it is paused, and no metric counts it', async () => {
    const { run, asked, lines, stops } = canary();
    stops.set('payer#northwind', stop);

    const log = await run();

    const index = log.findIndex(({ payer }) => payer === 'northwind');
    expect(log[index]).toEqual({
      level: 'info',
      time: new Date(startMs).toISOString(),
      requestId: 'canary-1',
      function: 'canary',
      step: 'canary',
      payer: 'northwind',
      detail: 'the payer is paused, and was not checked',
      ms: 0,
    });
    expect(metricsOf(lines[index] ?? '')).toEqual([]);
    expect(asked.filter(({ url }) => toPayer(url) || url.pathname.includes('northwind'))).toEqual([]);
    expect(log.filter(({ outcome }) => outcome === 'ok')).toHaveLength(payerIds.length - 1);
  });

  it('is probed again once a payer’s pause has ended', async () => {
    const { run, stops } = canary();
    stops.set('payer#northwind', { ...stop, until: startMs / 1000 });

    await expectAllWell(run());
  });

  it('is not asked as if it is a partner, and the payer’s endpoints are checked all the same', async () => {
    const { run, asked, stops } = canary();
    stops.set('partner#demo-partner', stop);

    await expectAllWell(run());
    expect(pathsTo(asked, 'localhost:3000')).toContain('/r4/northwind/.well-known/smart-configuration');
    expect(asked.filter(({ url }) => toAuthorize(url))).toEqual([]);
    expect(pathsTo(asked, '127.0.0.1:3003').toSorted()).toEqual(['/oauth2/authorize', '/oauth2/token', '/r4/metadata']);
    expect(sent(asked.find(({ url }) => toSignIn(url))?.url ?? new URL('about:blank'))).toMatchObject({
      client_id: 'gateway-at-northwind',
      redirect_uri: `${origin}/oauth2/callback/northwind`,
    });
  });
});

describe('what has changed since the canary read the directory', () => {
  it.each([
    ['a payer that is gone', 'payer'],
    ['a partner that is gone', 'partner'],
  ] as const)('%s is no failure', async (_, kind) => {
    const { run, deps, asked } = canary();
    const registry = { ...deps.registry, [kind]: async () => undefined };

    const log = await run(undefined, {}, { registry });

    expect(log.map(({ outcome }) => outcome)).toEqual(kind === 'payer' ? [] : payerIds.map(() => 'ok'));
    expect(asked.filter(({ url }) => toAuthorize(url))).toEqual([]);
  });

  it.each<[string, Error, string]>([
    ['with its reason', unavailable('registry: TimeoutError'), 'registry: TimeoutError'],
    ['by its code if it has none', new GatewayError('server_error', 'Sorry.'), 'GatewayError:server_error'],
    ['by its name if it is not ours', new TypeError('a secret text'), 'TypeError'],
  ])('an entry that cannot be read is a failure, told %s', async (_, error, detail) => {
    for (const kind of ['payer', 'partner'] as const) {
      const { run, deps, lines } = canary();
      const registry = { ...deps.registry, [kind]: () => Promise.reject(error) };

      const log = await run(undefined, {}, { registry });

      expect(log).toEqual(payerIds.map(() => expect.objectContaining({ outcome: 'failed', detail }) as object));
      expect(lines.flatMap((line) => signalsOf(line))).not.toContain('breakerOpened');
    }
  });
});

describe('whether a run went well', () => {
  const stop: Stop = { at: 1, by: 'arn', reason: 'Ticket 4711' };
  const [payer] = localRegistry().payers;
  const one = { ...localRegistry(), payers: [payer!] };
  const down = (): Response => new Response('', { status: 500 });

  /** Runs the canary. Returns the metric's value and the level of the log line that has it. */
  const told = async (
    options: Parameters<typeof canary>[0],
    prepare?: (test: ReturnType<typeof canary>) => unknown,
  ) => {
    const test = canary(options);
    await prepare?.(test);
    await test.run();
    const { level } = JSON.parse(test.ofRun()) as { level: string };
    return [metric(test.ofRun(), 'canaryWell'), level];
  };
  const [yes, no] = [
    [{ '': 1 }, 'info'],
    [{ '': 0 }, 'error'],
  ];

  it('is told by each run: yes if a payer passed, whatever the others did', async () => {
    expect(await told({})).toEqual(yes);
    expect(await told({ answer: otherwise(toPayer, down) })).toEqual(yes);
    expect(await told({ registry: one, answer: down })).toEqual(no);
  });

  it('is yes if an operator has paused every payer, and no if one that is not fails', async () => {
    const pause =
      (ids: readonly string[]) =>
      ({ stops }: ReturnType<typeof canary>) =>
        ids.forEach((id) => stops.set(`payer#${id}`, stop));

    expect(await told({}, pause(payerIds))).toEqual(yes);
    expect(await told({ answer: down }, pause(payerIds.slice(1)))).toEqual(no);
  });

  it('is yes in a stage without payers, and no if pages of the directory are gone or damaged', async () => {
    const none = { ...localRegistry(), payers: [] };
    expect(await told({ registry: none })).toEqual(yes);
    const damage = ({ deps: { registry } }: ReturnType<typeof canary>): void => {
      const { directory } = registry;
      Object.assign(registry, { directory: async () => ({ ...(await directory()), isWhole: false }) });
    };
    expect(await told({ registry: none }, damage)).toEqual(no);
    expect(await told({}, damage)).toEqual(yes);
  });

  it('is told before a run fails whose time did not suffice', async () => {
    const test = canary();
    await expect(test.run(() => 34_000)).rejects.toThrow('no time');

    expect(metric(test.ofRun(), 'canaryWell')).toEqual({ '': 0 });
  });
});

describe('what the canary reports as a failure, for this payer only', () => {
  const redirect =
    (location: string, status = 302) =>
    () =>
      new Response(null, { status, headers: { location } });
  const says =
    (body: string, status = 200) =>
    () =>
      new Response(body, { status });
  const answers = (status: number) => says('canary', status);
  const away = async (): Promise<never> => {
    throw new TypeError('canary text', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) });
  };
  const late = async (): Promise<never> => {
    throw new DOMException('canary text', 'TimeoutError');
  };
  const ourRequest =
    'http://127.0.0.1:3003/oauth2/authorize?client_id=gateway-at-northwind&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Foauth2%2Fcallback%2Fnorthwind';
  const changed = (from: string, to: string) => redirect(ourRequest.replace(from, to));
  const toPartner = 'http://localhost:3002/callback?error=canary';
  const otherPlace = JSON.stringify({ authorization_endpoint: 'https://canary.example' });
  const another = 'discovery: another authorization endpoint';
  const elsewhere = 'authorize: a redirect to somewhere else';
  const noRedirect = (status: number) => `authorize: status ${status} instead of a redirect`;
  const noConnection = 'TypeError < Error:ECONNREFUSED';
  const allLate = ['sign-in page', 'token endpoint', 'FHIR API'].map((what) => `${what}: TimeoutError`).join('; ');

  it.each<[string, (url: URL) => boolean, () => Response | Promise<Response>, string]>([
    ['discovery with another status', toDiscovery, answers(404), 'discovery: status 404'],
    ['discovery that is no JSON', toDiscovery, answers(200), 'discovery: SyntaxError'],
    ['discovery that is null', toDiscovery, says('null'), another],
    ['another’s authorization endpoint', toDiscovery, says(otherPlace), another],
    ['discovery that is late', toDiscovery, late, 'discovery: TimeoutError'],
    ['authorize with an error page', toAuthorize, answers(400), noRedirect(400)],
    ['authorize that sends to the partner', toAuthorize, redirect(toPartner), elsewhere],
    ['authorize that sends nowhere', toAuthorize, redirect('canary'), elsewhere],
    ['authorize with another client_id', toAuthorize, changed('=gateway-at-northwind', '=canary'), elsewhere],
    ['authorize with another redirect_uri', toAuthorize, changed('callback%2Fnorthwind', 'callback%2Fca'), elsewhere],
    ['our request to another origin', toAuthorize, changed('127.0.0.1:3003', 'canary.example'), elsewhere],
    ['our request to another path', toAuthorize, changed('/authorize?', '/authorize/canary?'), elsewhere],
    ['authorize that names no place', toAuthorize, () => new Response(null, { status: 302 }), elsewhere],
    ['the status before redirects', toAuthorize, redirect(ourRequest, 299), noRedirect(299)],
    ['the status after redirects', toAuthorize, redirect(ourRequest, 400), noRedirect(400)],
    ['the gateway that is away', toAuthorize, away, `authorize: ${noConnection}`],
    ['a sign-in page that fails', toSignIn, answers(500), 'sign-in page: status 500'],
    ['a sign-in page that is away', toSignIn, away, `sign-in page: ${noConnection}`],
    ['a sign-in page that is late', toSignIn, late, 'sign-in page: TimeoutError'],
    ['a token endpoint that fails', toToken, answers(500), 'token endpoint: status 500'],
    ['a token endpoint that is away', toToken, away, `token endpoint: ${noConnection}`],
    ['a token endpoint that sends elsewhere', toToken, answers(300), 'token endpoint: status 300'],
    ['a FHIR API that fails', toFhir, answers(503), 'FHIR API: status 503'],
    ['a FHIR API that is late', toFhir, late, 'FHIR API: TimeoutError'],
    ['a FHIR API that sends elsewhere', toFhir, answers(399), 'FHIR API: status 399'],
    ['a payer of which nothing answers, with all that is wrong', toPayer, late, `${allLate}; breaker opened`],
  ])('is %s', async (_, where, answer, detail) => {
    const { run, lines } = canary({ answer: otherwise(where, answer) });

    const log = await run();

    expect(log.find(({ payer }) => payer === 'northwind')).toMatchObject({ level: 'error', outcome: 'failed', detail });
    expect(log.filter(({ outcome }) => outcome === 'ok')).toHaveLength(payerIds.length - 1);
    const line = lines.find((one) => one.includes('northwind')) ?? '';
    expect(metric(line, 'requests')).toEqual({
      'step=canary outcome=failed': 1,
      'payer=northwind step=canary outcome=failed': 1,
    });
    // Enough for the alarm by itself.
    expect(metric(line, 'payerDown')).toEqual({ '': payerDownThreshold, 'payer=northwind': payerDownThreshold });
    expect(new Set(metricsOf(line).map(({ name }) => name))).toEqual(
      new Set(['requests', 'ms', 'payerDown', ...(detail.endsWith('breaker opened') ? ['breakerOpened'] : [])]),
    );
    expect(
      lines
        .join()
        .toLowerCase()
        .replaceAll(/"canary(?:well)?"/g, '')
        .replaceAll('canary-1', ''),
    ).not.toContain('canary');
  });

  it('is not a payer that refuses, or whose sign-in page asks the browser to continue', async () => {
    const well = [
      otherwise(toSignIn, redirect('/sign-in')),
      ...[200, 299, 400, 499].map((status) => otherwise(toPayer, answers(status))),
    ];
    for (const answer of well) {
      const { run } = canary({ answer });

      await expectAllWell(run());
    }
  });

  it.each([300, 302, 399])('is not a redirect (%d) that contains our request and more', async (status) => {
    const { run } = canary({ answer: otherwise(toAuthorize, redirect(`${ourRequest}&state=x&aud=y`, status)) });

    await expectAllWell(run());
  });

  it('is not the consent page of a partner that shows one', async () => {
    const { run } = canary({ registry: everyPartnerAsks(), answer: otherwise(toAuthorize, redirect(ourRequest)) });

    expect(await run()).toContainEqual(
      expect.objectContaining({ payer: 'northwind', detail: 'authorize: status 302 instead of the consent page' }),
    );
  });
});

describe('a stage of many payers', () => {
  const many = (count: number): RegistryData => {
    const { payers, partners, ...rest } = localRegistry();
    const [payer] = payers;
    const [partner] = partners;
    if (payer === undefined || partner === undefined) throw new Error('an empty stage');
    const ids = Array.from({ length: count }, (_, index) => `payer-${index}`);
    const named = (id: string): typeof payer => ({ ...payer, id, fhirBaseUrl: `https://${id}.example/r4` });
    return { ...rest, payers: ids.map(named), partners: [{ ...partner, payers: ids }] };
  };

  it('is checked completely, eight payers at once', async () => {
    let [now, most] = [0, 0];
    const { run } = canary({
      registry: many(50),
      answer: (async () => {
        now += 1;
        most = Math.max(most, now);
        await new Promise((resolve) => setImmediate(resolve));
        now -= 1;
      }) as unknown as Answer,
    });

    const log = await run();

    expect(new Set(log.map(({ payer }) => payer)).size).toBe(50);
    // Each payer's three endpoints are called at the same time.
    expect(most).toBe(3 * 8);
  });

  it('that takes too long makes the canary itself fail, and says nothing about the remaining payers', async () => {
    const { run, lines } = canary({ registry: many(50) });
    let asked = 0;

    await expect(run(() => ((asked += 1) <= 20 ? 60_000 : 20_000))).rejects.toThrow('no time for 30 payers');

    expect(lines).toHaveLength(21);
  });

  it('begins no check that could outlast it: four requests of 8 s, and 2 s to write the line', async () => {
    const tooLittle = canary({ registry: many(3) });
    await expect(tooLittle.run(() => 34_000)).rejects.toThrow('no time for 3 payers');
    expect(tooLittle.asked).toEqual([]);

    const enough = canary({ registry: many(3) });
    expect(await enough.run(() => 34_001)).toHaveLength(3);
  });

  const facadesOf = (asked: readonly { url: URL }[]): string[] =>
    asked.flatMap(({ url }) => /^\/r4\/(payer-\d+)\//.exec(url.pathname)?.[1] ?? []);
  const readApisOf = (asked: readonly { url: URL }[]): string[] =>
    asked.flatMap(({ url }) => /^(payer-\d+)\.example$/.exec(url.host)?.[1] ?? []);

  it('of more than a hundred has a hundred facades checked in a run, and every payer’s endpoints', async () => {
    const { run, asked } = canary({ registry: many(130) });
    // When no payer's published documents are due, which are read beside.
    const isQuiet = (at: number): boolean => !many(130).payers.some((payer) => isTurn(payer, at));
    const time = Array.from({ length: 288 }, (_, at) => startMs + at * 300_000).find(isQuiet)!;

    const log = await run(undefined, { time: new Date(time).toISOString() });

    expect(new Set(facadesOf(asked)).size).toBe(100);
    expect(facadesOf(asked)).toHaveLength(100);
    expect(readApisOf(asked)).toHaveLength(130);
    expect(new Set(readApisOf(asked)).size).toBe(130);
    expect(log.filter(({ outcome }) => outcome === 'ok').map(({ payer }) => payer)).toEqual(facadesOf(asked));
  });

  it('gets no more than a hundred discoveries in a run for payers that no partner may read from', async () => {
    const { run, asked, ofRun } = canary({ registry: { ...many(130), partners: [] } });
    await run();

    expect(JSON.parse(ofRun())).toMatchObject({ payers: 130, checked: 130, failed: 0 });
    expect(facadesOf(asked)).toHaveLength(100);
    expect(asked).toHaveLength(100);
  });

  it('of a hundred has a line for each of them', async () => {
    const { run, asked } = canary({ registry: many(100) });

    expect((await run()).map(({ outcome }) => outcome)).toEqual(Array.from({ length: 100 }, () => 'ok'));
    expect(facadesOf(asked)).toHaveLength(100);
  });

  it('has a line for the run, after those of payers that fail or are paused', async () => {
    // This run checks only the endpoints of these payers.
    const [paused, ...down] = ['payer-7', 'payer-5', 'payer-6'];
    const failing = otherwise(
      ({ host }) => down.some((id) => host === `${id}.example`),
      () => new Response('', { status: 500 }),
    );
    const { run, asked, deps, stops, ofRun } = canary({ registry: many(130), answer: failing });
    stops.set(`payer#${paused}`, { at: 1, by: 'arn', reason: 'Ticket 4711' });
    let ms = 0;
    deps.clock.monotonic = () => (ms += 1);

    const log = await run(undefined, { time: new Date(300_000 * 14).toISOString() });

    const told = log.filter(({ outcome }) => outcome !== 'ok');
    expect(told).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ payer: paused, detail: 'the payer is paused, and was not checked' }),
        ...down.map((payer) => expect.objectContaining({ payer, detail: 'FHIR API: status 500' }) as object),
      ]),
    );
    expect(told).toHaveLength(3);
    expect(facadesOf(asked)).not.toContain('payer-5');
    expect(JSON.parse(ofRun())).toEqual({
      level: 'info',
      time: new Date(startMs).toISOString(),
      requestId: 'canary-1',
      function: 'canary',
      payers: 130,
      checked: 129,
      failed: 2,
      paused: 1,
      ms: ms - 1,
      canaryWell: 1,
      _aws: expect.any(Object) as unknown,
    });
  });

  it('has the facades checked whose turn it is when the schedule was due, however late the run starts', async () => {
    const facadesIn = async (event: unknown, lateMs = 0): Promise<string[]> => {
      const { run, asked, passSeconds } = canary({ registry: many(250) });
      passSeconds(lateMs / 1000);
      await run(undefined, event);
      return facadesOf(asked).toSorted();
    };
    const due = (minute: number) => ({ time: new Date(startMs + minute * 60_000).toISOString() });
    const first = await facadesIn(due(0));

    expect(await facadesIn(due(0), 600_000)).toEqual(first);
    expect((await facadesIn(due(5))).filter((id) => first.includes(id))).toEqual([]);
    // Without a scheduled time in the event, the clock's time is used.
    for (const event of [undefined, null, {}, { time: 'soon' }, { time: 2026 }]) {
      expect(await facadesIn(event)).toEqual(first);
    }
    expect(await facadesIn({}, 300_000)).toEqual(await facadesIn(due(5)));
  });

  it('has the other endpoints asked from a random payer on', async () => {
    const firstOf = async (random: number): Promise<string | undefined> => {
      const { deps, asked, run } = canary({ registry: many(200) });
      deps.randomBytes = (size) => (size === 4 ? Buffer.from([random, 0, 0, 0]) : Buffer.alloc(size));
      await run(undefined, { time: new Date(0).toISOString() });
      const whole = new Set(facadesOf(asked));
      return readApisOf(asked).find((id) => !whole.has(id));
    };
    const others = Array.from({ length: 200 }, (_, index) => `payer-${index}`)
      .toSorted()
      .slice(100);

    expect(await firstOf(0)).toBe(others[0]);
    expect(await firstOf(128)).toBe(others[50]);
    expect(await firstOf(192)).toBe(others[75]);
  });

  it('has at most 160 payers checked at the same time', async () => {
    const now = new Set<string>();
    let most = 0;
    const { run } = canary({
      registry: many(400),
      answer: async ({ host }) => {
        if (!host.endsWith('.example')) return undefined as unknown as Response;
        now.add(host);
        most = Math.max(most, now.size);
        for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        now.delete(host);
        return new Response('');
      },
    });
    await run();

    expect(most).toBe(160);
  });

  it('for which the time does not suffice says how many are left, facades or not', async () => {
    const { run, asked } = canary({ registry: many(130) });

    await expect(run(() => 34_000)).rejects.toThrow('There was no time for 130 payers');
    expect(asked).toEqual([]);
  });
});

/** Unordered, like the directory's pages. */
const directory = Array.from({ length: 5000 }, (_, index) => {
  const id = `payer-${String((index * 7) % 5000).padStart(4, '0')}`;
  return { id, displayName: id };
});

describe('the payers whose facade a run checks', () => {
  const at = (number: number) => planRun(directory, { atMs: number * 300_000, most: 100, random: 0.5 });

  it('change with each run, so that fifty runs check each of 5,000 once', () => {
    const runs = Array.from({ length: 50 }, (_, number) => at(1000 + number).whole.map(({ id }) => id));

    expect(new Set(runs.flat()).size).toBe(5000);
  });

  it('are not asked twice, and no other is left out', () => {
    const { whole, endpointsOnly } = at(7);

    expect(new Set([...whole, ...endpointsOnly].map(({ id }) => id)).size).toBe(5000);
    expect(whole.length + endpointsOnly.length).toBe(5000);
  });

  it('are all of a small stage, in order in every run', () => {
    for (const count of [99, 100]) {
      const small = planRun(directory.slice(0, count), { atMs: 300_000, most: 100, random: 0.5 });

      expect(small.whole.map(({ id }) => id)).toEqual(
        directory
          .slice(0, count)
          .map(({ id }) => id)
          .toSorted(),
      );
      expect(small.endpointsOnly).toEqual([]);
    }
  });

  it('leave the others in an order that begins anywhere, so that time is never short for the same ones', () => {
    const first = (random: number) => planRun(directory, { atMs: 0, most: 100, random }).endpointsOnly[0]?.id;

    expect([first(0), first(0.5), first(0.999_999)]).toEqual(['payer-0100', 'payer-2550', 'payer-4999']);
  });
});
