import { createServer } from 'node:http';
import { UsageError } from '../../bin/shared/errors.ts';
import { localStage } from '../../config/local.ts';
import { close, listen } from '../../sandbox/aws/listen.ts';
import { newClientSecret, partnerOf, readClients, registerClients } from '../../sandbox/clients.ts';
import { closersOf, settled } from '../../sandbox/closers.ts';
import type { DrillCase } from '../../sandbox/drill/cases.ts';
import type { DrillResult } from '../../sandbox/drill/drill.ts';
import { casesTable, recordOf } from '../../sandbox/drill/record.ts';
import { faultsIn, type Seen } from '../../sandbox/drill/try-tokens.ts';
import type { Ended } from '../../sandbox/drill/world.ts';
import { refuseFlagsOfNpm } from '../../sandbox/npm-flags.ts';
import { freePorts } from '../../sandbox/ports.ts';
import { readFlags, spec as signInSpec } from '../../sandbox/sign-in/flags.ts';
import type { SignInRequest } from '../../sandbox/sign-in/sign-in.ts';
import { reasonOf, signIn } from '../../sandbox/sign-in/sign-in.ts';
import { optionsOf, spec as startSpec } from '../../sandbox/start-flags.ts';
import { words } from '../support/words.ts';

const optionsFor = (...args: string[]) => optionsOf(args);

it.each([
  [startSpec, '--identity-port'],
  [signInSpec, '--redirect-uri'],
])('says that -- is missing before a flag that npm kept', (spec, flag) => {
  const kept = { [`npm_config_${flag.slice(2).replace('-', '_')}`]: '5000', npm_config_scope: 'of-npm' };

  expect(() => refuseFlagsOfNpm(spec, kept)).toThrow(
    `npm kept ${flag} for itself; write -- before the flags: ${spec.call} ${flag} …`,
  );
});

describe('npm start', () => {
  it.each<[string[], string | RegExp]>([
    [['--bogus'], "Unknown option '--bogus'; --help lists the flags"],
    [['extra'], "Unexpected argument 'extra'; --help lists the flags"],
    [['--port', '70000'], '--port is "70000"; write a whole number from 0 to 65535'],
    [
      ['--port', '-1'],
      '--port needs a value; if that starts with a hyphen, write --port=VALUE; --help lists the flags',
    ],
    [['--aws-port', '65536'], '--aws-port is "65536"; write a whole number from 0 to 65535'],
    [['--environments', '0'], '--environments is "0"; write a whole number from 1 to 99'],
    [['--environments', '100'], '--environments is "100"; write a whole number from 1 to 99'],
    [['--secrets', 'x.json'], '--secrets is for the payers of --config FILE; give both'],
    [['--northwind', 'slow,fast'], /^--northwind: there is no switch "fast"; there are slow, drip, 429, /],
    [['--demo-health-plan', ''], /^--demo-health-plan: there is no switch ""; there are slow, /],
    ...['--northwind', '--demo-health-plan'].map((flag): [string[], string] => [
      [flag, 'slow', '--config', 'x.json'],
      "--demo-health-plan and --northwind are for the sandbox's payers; leave out --config",
    ]),
    ...['--client', '--client-secret', '--webhook'].map((flag): [string[], string] => [
      [flag, 'my-app=http://localhost:5210/callback', '--config', 'x.json'],
      '--client is for the sandbox; with --config FILE, add the client to FILE',
    ]),
    ...[['--state', 'kept'], ['--fresh']].map((flags): [string[], string] => [
      [...flags, '--config', 'x.json'],
      '--state and --fresh are for the sandbox: with --config, nothing is kept; leave them out',
    ]),
    [['--state', ''], '--state is empty; write the path of a folder'],
    [
      ['--client', 'demo-partner=http://localhost:5210/callback'],
      /^--client "demo-partner=.*": demo-partner is one of the sandbox's own clients; /,
    ],
  ])('refuses %j in one line', (args, line) => {
    expect(() => optionsFor(...args)).toThrow(
      expect.objectContaining({
        name: 'UsageError',
        message: typeof line === 'string' ? line : expect.stringMatching(line),
      }) as Error,
    );
  });

  it('takes the ports that the documents name, sets no number of processes, and keeps its state in .local', () => {
    expect(optionsFor()).toEqual({
      ports: {
        gateway: 3000,
        demoHealthPlan: 3001,
        partner: 3002,
        northwind: 3003,
        aws: 3004,
        live: 3005,
        identity: 3006,
      },
      faults: {},
      clients: [],
      state: { folder: '.local', fresh: false },
    });
  });

  it('takes the largest and the smallest of each number, and every port from its own flag', () => {
    const names = ['port', 'demo-health-plan-port', 'partner-port', 'northwind-port', 'aws-port', 'live-port'];
    const ports = names.flatMap((name, index) => [`--${name}`, String([65_535, 0, 11, 12, 13, 14][index])]);

    expect(optionsFor(...ports, '--environments', '99')).toMatchObject({
      ports: { gateway: 65_535, demoHealthPlan: 0, partner: 11, northwind: 12, aws: 13, live: 14 },
      environments: 99,
    });
    expect(optionsFor('--environments', '1')).toMatchObject({ environments: 1 });
  });

  it('gives each payer its own switches, and the state a folder that is emptied first if asked', () => {
    const flags = ['--demo-health-plan', 'slow, 429', '--northwind', 'drip', '--state', 'kept', '--fresh'];

    expect(optionsFor(...flags)).toMatchObject({
      faults: { demoHealthPlan: ['slow', '429'], northwind: ['drip'] },
      state: { folder: 'kept', fresh: true },
    });
  });

  it('serves a configuration with its secrets and keeps nothing', () => {
    const options = optionsFor('--config', 'x.json', '--secrets', 'secrets.json');

    expect(options).toMatchObject({ configFile: 'x.json', secretsFile: 'secrets.json' });
    expect(options).not.toHaveProperty('state');
  });
});

const taken = ['demo-partner'];
const read = (clients: readonly string[], secrets: readonly string[] = [], webhooks: readonly string[] = []) =>
  readClients({ clients, secrets, webhooks }, taken);

describe('npm start -- --client', () => {
  it('registers a public client, and each further redirect URI of the same id', () => {
    const uris = ['http://localhost:5210/callback', 'http://127.0.0.1:5210/callback?from=gateway'];
    expect(read(uris.map((uri) => `my-app=${uri}`))).toEqual([
      { clientId: 'my-app', redirectUris: uris, secret: 'none' },
    ]);
  });

  it('registers several clients, and gives a secret only to those that ask for one', () => {
    const clients = ['a=http://localhost:3101/', 'b=http://localhost:3102/', 'c=http://localhost:3103/'];
    const asked = read(clients, ['b', 'c=my=secret']);
    expect(registerClients(asked, (clientId) => `made-for-${clientId}`)).toEqual([
      { clientId: 'a', redirectUris: ['http://localhost:3101/'] },
      { clientId: 'b', redirectUris: ['http://localhost:3102/'], secret: 'made-for-b' },
      { clientId: 'c', redirectUris: ['http://localhost:3103/'], secret: 'my=secret' },
    ]);
    expect(newClientSecret()).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    [['my-app'], [], /^--client "my-app": has no redirect URI; write ID=REDIRECT_URI, such as my-app=http/],
    [['my-app='], [], /^--client "my-app=": has no redirect URI/],
    [['=http://localhost/'], [], /^--client "=http:\/\/localhost\/": its id is not a valid id; write .* "my-app"$/],
    [['My App=http://localhost/'], [], /its id is not a valid id/],
    [['demo-partner=http://localhost/'], [], /demo-partner is one of the sandbox's own clients; choose another id$/],
    [
      ['my-app=localhost:5210/callback'],
      [],
      /its redirect URI lacks its scheme; write http:\/\/localhost:5210\/callback$/,
    ],
    [['my-app=localhost.example.org:8080/cb'], ['my-app'], /its redirect URI has a private-use scheme/],
    [['my-app=not a url'], [], /its redirect URI is not a URI; write an absolute one/],
    [['my-app=http://example.com/cb'], [], /its redirect URI uses plain http; write https/],
    [['my-app=http://localhost/cb#x'], [], /its redirect URI has a fragment/],
    [['my-app=http://localhost/*'], [], /its redirect URI has a wildcard/],
    [['my-app=http://localhost/?state=1'], [], /its redirect URI has "state" in its query/],
    [
      ['my-app=org.example.app:/cb'],
      ['my-app'],
      /its redirect URI has a private-use scheme, .* or no --client-secret$/,
    ],
    [['my-app=http://localhost/', 'my-app=http://localhost/'], [], /is given twice; leave one out$/],
    [['my-app=http://localhost/'], ['other'], /^--client-secret "other": is for a client of this start; add --client/],
    [['my-app=http://localhost/'], ['my-app', 'my-app'], /^--client-secret "my-app": is given twice/],
    [['my-app=http://localhost/'], ['my-app='], /^--client-secret "my-app": its secret is empty$/],
  ])('refuses %j with the secrets %j in one line', (clients, secrets, line) => {
    expect(() => read(clients, secrets)).toThrow(line);
    expect(() => read(clients, secrets)).toThrow(/^[^\n]*$/);
  });

  it('gives a client a webhook, with a secret of its own that signs events', () => {
    const clients = ['a=http://localhost:3101/', 'b=http://localhost:3102/', 'c=http://localhost:3103/'];
    const asked = read(clients, [], ['a=http://localhost:8080/webhooks?x=1', 'b=https://b.example.com/']);
    const [a, b, c] = registerClients(asked, newClientSecret);
    expect(a?.webhook).toEqual({
      url: 'http://localhost:8080/webhooks?x=1',
      secrets: [expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/)],
    });
    expect(b?.webhook?.secrets).not.toEqual(a?.webhook?.secrets);
    expect(c).not.toHaveProperty('webhook');
    const { partners } = localStage(undefined, { partners: [a, b, c].flatMap((one) => (one ? [partnerOf(one)] : [])) });
    expect(partners.slice(3).map(({ webhook }) => webhook)).toEqual([
      'http://localhost:8080/webhooks?x=1',
      'https://b.example.com/',
      undefined,
    ]);
  });

  it.each([
    [['other=http://localhost/'], /^--webhook "other=.*": is for a client of this start; add --client other=REDIRECT/],
    [['my-app'], /^--webhook "my-app": its URL is missing; write ID=URL, such as my-app=http:\/\/localhost:8080\/$/],
    [['my-app=localhost:8080'], /its URL /],
    [['my-app=http://app.example.com/'], /its URL uses plain http; write https/],
    [['my-app=https://10.0.0.1/'], /its URL is not on the public internet/],
    [['my-app=http://localhost/', 'my-app=http://localhost/'], /my-app has a webhook already; leave one out$/],
  ])('refuses the webhooks %j in one line', (webhooks, line) => {
    expect(() => read(['my-app=http://localhost/'], [], webhooks)).toThrow(line);
    expect(() => read(['my-app=http://localhost/'], [], webhooks)).toThrow(/^[^\n]*$/);
  });

  it('never quotes a secret, and cuts what is too long to read', () => {
    expect(() => read(['a=http://localhost/'], ['b=canary'])).toThrow(/^(?!.*canary)/);
    expect(() => read([`a=${'x'.repeat(10_000)}`])).toThrow(/^.{1,400}$/);
  });

  it('makes entries that the stage accepts: asked by the gateway, with PKCE, a public one open to its own origin', () => {
    const clients = registerClients(
      read(
        ['my-app=http://localhost:5210/cb', 'server=https://app.example.com/cb', 'phone=com.example.app:/cb'],
        ['server=s'],
      ),
      newClientSecret,
    );
    const { partners } = localStage(undefined, { partners: clients.map(partnerOf) });
    expect(partners.slice(3)).toMatchObject([
      {
        clientId: 'my-app',
        name: 'My App',
        homePage: 'http://localhost:5210/',
        clientAuthentication: ['none'],
        webOrigins: ['http://localhost:5210'],
        consent: 'gateway',
        pkceOptional: false,
        payers: ['demo-health-plan', 'northwind'],
      },
      {
        clientId: 'server',
        clientAuthentication: ['client_secret_basic', 'client_secret_post'],
        webOrigins: [],
        consent: 'gateway',
        pkceOptional: false,
      },
      { clientId: 'phone', homePage: 'http://localhost:3002/', webOrigins: [] },
    ]);
  });
});

describe('free ports', () => {
  it('are seven different ports, which are free again', async () => {
    const chosen = Object.values(await freePorts());
    expect(new Set(chosen).size).toBe(7);
    // Outside the range from which the system picks ports for outgoing connections.
    expect(Math.max(...chosen)).toBeLessThan(32_768);
    for (const port of chosen) {
      const server = createServer();
      expect(await listen(server, port, '127.0.0.1')).toBe(port);
      await close(server);
    }
  });

  it('replace only those that are 0, even if another is taken', async () => {
    const server = createServer();
    const takenPort = await listen(server, 0, '127.0.0.1');
    try {
      const ports = await freePorts({
        gateway: 0,
        demoHealthPlan: takenPort,
        partner: 1,
        northwind: 0,
        aws: 65_535,
        live: 0,
        identity: 0,
      });
      expect(ports).toMatchObject({ demoHealthPlan: takenPort, partner: 1, aws: 65_535 });
      expect(ports.gateway).toBeGreaterThan(1024);
      expect([takenPort, 1, 65_535, ports.gateway]).not.toContain(ports.northwind);
    } finally {
      await close(server);
    }
  });
});

/** A promise that the test settles when it wants. */
const later = () => Promise.withResolvers<string>();

describe('the closers', () => {
  it('close each thing once, however often they are called, and not before', async () => {
    const closed: string[] = [];
    const { opened, closeAll } = closersOf();
    for (const name of ['a', 'b']) opened({ close: async () => closed.push(name) });
    expect(closed).toEqual([]);
    await Promise.all([closeAll(), closeAll()]);
    await closeAll();
    expect(closed.sort()).toEqual(['a', 'b']);
  });

  it('close the others if one cannot be closed, and wait for all', async () => {
    const slow = later();
    const { opened, closeAll } = closersOf();
    opened({ close: () => Promise.reject(new Error('stuck')) });
    let isClosed = false;
    opened({ close: () => slow.promise.then(() => (isClosed = true)) });
    const all = closeAll();
    slow.resolve('');
    await all;
    expect(isClosed).toBe(true);
  });
});

describe('things that are started together', () => {
  it('return every result, in order', async () => {
    expect(await settled([Promise.resolve(1), Promise.resolve('two')])).toEqual([1, 'two']);
  });

  it('fail only once the last of them has settled', async () => {
    const slow = later();
    const events: string[] = [];
    const failed = settled([
      Promise.reject(new Error('first')),
      slow.promise.then(() => events.push('the slow one has started')),
    ]).catch((error: Error) => events.push(error.message));
    await new Promise(setImmediate);
    expect(events).toEqual([]);
    slow.resolve('');
    await failed;
    expect(events).toEqual(['the slow one has started', 'first']);
  });
});

const longError = { error: 'invalid_client', error_description: `${'Why. '.repeat(80)}(reference 3f2a9c01-77de)` };
const app = ['--client', 'my-app', '--redirect-uri', 'http://localhost:5210/cb'];
const url = 'http://localhost:3000/oauth2/authorize/northwind?client_id=my-app';

describe('npm run sign-in', () => {
  it('makes a request at the usual gateway for the usual payer and member', () => {
    expect(readFlags(app)).toEqual({
      member: 'clinical',
      from: {
        gateway: 'http://localhost:3000',
        payer: 'demo-health-plan',
        client: 'my-app',
        redirectUri: 'http://localhost:5210/cb',
        scope: undefined,
      },
      tokens: undefined,
    });
  });

  it("takes the app's own authorize URL, and what its code needs", () => {
    const flags = [`${url}&code_challenge=x`, ...words('--member claims --tokens --code-verifier v --client-secret s')];
    expect(readFlags(flags)).toEqual({
      member: 'claims',
      from: { authorizeUrl: `${url}&code_challenge=x` },
      tokens: { clientSecret: 's', codeVerifier: 'v' },
    });
  });

  it.each([
    [[], 'Give an AUTHORIZE_URL, or both --client ID and --redirect-uri URI; --help explains them'],
    [['--client', 'my-app'], 'Give an AUTHORIZE_URL, or both'],
    [['--bogus'], "Unknown option '--bogus'; --help lists the flags"],
    [[url, 'more'], 'Give one AUTHORIZE_URL at most'],
    [[url, '--payer', 'northwind'], '--payer is part of the AUTHORIZE_URL already; leave it out'],
    [[`${url}&code_challenge=x`, '--tokens'], 'has a code_challenge; give its --code-verifier for --tokens'],
    [
      ['https://gateway.example.org/oauth2/authorize/x'],
      'is not on this machine; test members sign in at a local stack',
    ],
    [[...app, '--gateway', 'nonsense'], '--gateway is not a URL'],
    [[...app, '--gateway', 'http://localhost.example.org'], '--gateway is not on this machine'],
    [[...app, '--member', 'nobody'], 'There is no member "nobody"; use one of: clinical, large'],
    [[...app, '--client-secret', 's'], 'are for --tokens; add that, or leave them out'],
    [['--identity', url], 'An AUTHORIZE_URL is for a sign-in at a payer; leave it out, or --identity'],
    [['--identity', '--tokens'], '--tokens is for a sign-in at a payer'],
    [[...app, '--tokens', '--code-verifier', 'v'], '--code-verifier is for an AUTHORIZE_URL'],
  ])('refuses %j in one line', (flags, line) => {
    expect(() => readFlags(flags)).toThrow(UsageError);
    expect(() => readFlags(flags)).toThrow(line);
  });

  it('asks the usual identity provider for a token about the usual member', () => {
    expect(readFlags(['--identity'])).toEqual({
      member: 'clinical',
      issuer: 'http://127.0.0.1:3006',
      clientId: 'demo-partner',
    });
  });

  it.each([
    [undefined, '{}', '{}', '. For a client with a secret add --client-secret'],
    ['wrong', '{}', '{}', ''],
    ['wrong', '{"error":"inv', '{"error":"inv', ''],
    ['wrong', JSON.stringify(longError), `invalid_client: ${longError.error_description}`, ''],
  ])('says what a refused client with the secret %s lacks, answered %s', async (clientSecret, body, said, hint) => {
    const redirect = 'http://localhost:5210/cb?code=c&state=s';
    const { fetch: real } = globalThis;
    globalThis.fetch = (asked) =>
      Promise.resolve(
        new Request(asked).url.endsWith('/token')
          ? new Response(body, { status: 401 })
          : new Response(null, { status: 302, headers: { location: redirect } }),
      );
    const authorizeUrl = `${url}&state=s&redirect_uri=${encodeURIComponent('http://localhost:5210/cb')}`;
    const request: SignInRequest = {
      member: 'clinical',
      from: { authorizeUrl },
      tokens: { clientSecret, codeVerifier: undefined },
    };
    const failure = signIn(request).finally(() => (globalThis.fetch = real));
    await expect(failure).rejects.toThrow(new Error(`/oauth2/token answered 401: ${said}${hint}`));
  });

  it('says in one line that the local stack is not there', async () => {
    const request = readFlags([...app, '--gateway', 'http://localhost:1']);
    const error: unknown = await signIn(request as SignInRequest).catch((reason: unknown) => reason);
    expect(reasonOf(error, request)).toBe(
      'http://localhost:1 or its payer does not answer; start the local stack with npm start',
    );
  });
});

const goesOn: DrillCase = { name: 'a grant', expects: 'goes on' };
const signsIn: DrillCase = { name: 'a grant', expects: 'signs in again' };

describe('what the drill finds wrong with a grant', () => {
  it.each<[DrillCase, Seen]>([
    [goesOn, { code: 400, read: 200, refresh: 200, older: 400 }],
    [signsIn, { code: 400, read: 401, refresh: 400, older: 400 }],
    [signsIn, { code: 400 }],
  ])('is nothing where %j sees %j', (one, seen) => {
    expect(faultsIn(one, seen)).toEqual([]);
  });

  it.each<[DrillCase, Seen, string]>([
    [goesOn, { code: 200, read: 200, refresh: 200 }, 'a grant: its code works a second time'],
    [signsIn, { code: 200 }, 'a grant: its code works a second time'],
    [goesOn, { code: 400, older: 200 }, 'a grant: a replaced refresh token works'],
    [goesOn, { code: 400, read: 401 }, 'a grant: a read is 401, not 200'],
    [signsIn, { code: 400, read: 200 }, 'a grant: a read is 200, not 401'],
    [signsIn, { code: 400, read: 503 }, 'a grant: a read is 503, not 401'],
    [goesOn, { code: 400, refresh: 400 }, 'a grant: a refresh is 400'],
    [signsIn, { code: 400, refresh: 200 }, 'a grant: a refresh is 200'],
  ])('is named where %j sees %j', (one, seen, fault) => {
    expect(faultsIn(one, seen)).toEqual([fault]);
  });
});

describe('the record of a drill', () => {
  const ended = (err: string, ms: number, code: number | null = 0): Ended => ({
    command: 'npm run restore -- grants',
    code,
    out: '{"for":"programs"}\nfor a person\n',
    err,
    ms,
  });
  const result: DrillResult = {
    cases: [
      { case: goesOn, fate: 'putBack', seen: { code: 400, read: 200, refresh: 200, older: 400, exported: 202 } },
      { case: { ...signsIn, name: 'another' }, fate: 'not in the copy', seen: { code: 400 } },
    ],
    steps: [{ title: 'Tables are copied', ms: 1249 }],
    commands: [ended('Would put back 200', 10), ended('', 50, null), ended('Put back 200 grants', 1550)],
    checks: [
      { says: 'One thing.', holds: true },
      { says: 'Another thing.', holds: false },
    ],
    more: 200,
    faults: ['This does not hold: Another thing.'],
  };
  const at = new Date('2026-06-01T23:30:00Z');

  it('has a row for each grant, as wide as its widest cell', () => {
    expect(casesTable(result.cases).split('\n')).toEqual([
      '| the grant | the tool        | the app        | read | refresh | older token | code again | export |',
      '| --------- | --------------- | -------------- | ---- | ------- | ----------- | ---------- | ------ |',
      '| a grant   | put back        | goes on        | 200  | 200     | 400         | 400        | 202    |',
      '| another   | not in the copy | signs in again |      |         |             | 400        |        |',
    ]);
  });

  it('says the day in UTC, what is wrong, what holds, how long it took and what the tool told a person', () => {
    const text = recordOf(result, at);

    expect(text).toContain('`npm run drill -- --write --more 200` wrote this page on June 1, 2026');
    expect(text).toContain('**1 things are wrong:**');
    expect(text).toContain('\n- This does not hold: Another thing.\n');
    expect(text).toContain('- Yes: One thing.\n- **No**: Another thing.\n');
    expect(text).toContain('| Tables are copied | 1.2     |');
    expect(text).toContain('The tool put back 200 grants in 1.6 s, the start of the tool included.');
    expect(text).toContain(
      '    $ npm run restore -- grants\n    for a person\n    Put back 200 grants\n    (exit code 0, 1.6 s)',
    );
    expect(text).toContain('(killed, 0.1 s)');
    expect(text).not.toContain('for":"programs');
  });

  it.each([
    [99, undefined],
    [100, 'The tool put back 100 grants'],
  ])('measures no pace of fewer than a hundred grants: %i', (put, says) => {
    const commands = [...result.commands.slice(0, 2), ended(`Put back ${put} grants`, 1000)];
    const text = recordOf({ ...result, faults: [], commands }, at);

    expect(text).toContain('**All is as it must be:**');
    expect(/The tool put back \d+ grants/.exec(text)?.[0]).toBe(says);
  });
});
