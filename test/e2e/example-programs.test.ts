import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { close, listen } from '../../sandbox/aws/listen.ts';
import { identify } from '../../sandbox/identity/identify.ts';
import { freePort } from '../../sandbox/ports.ts';
import { runTool } from '../bin/run-tool.ts';
import { launchChromium, openPage } from '../browser/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { setSwitches } from '../support/payer-switches.ts';
import { outputOf, type Ended } from '../support/run-child.ts';
import {
  askAgainWhereBusy,
  askOnce,
  connect as connectMember,
  startStack,
  walkLogin,
  type RunningStack,
} from './support.ts';

askAgainWhereBusy();

const root = join(import.meta.dirname, '../..');
const examples = join(root, 'docs/examples');
const payer = 'demo-health-plan';
/** Debian's Python has Debian's Authlib. */
const python = '/usr/bin/python3';

/**
 * Whether a program's tools are there. If not, one line says what was not run.
 * @throws Error if CI is set, since nothing else would run what CI skips
 */
const hasTools = ([name]: readonly [string, ...unknown[]]): boolean => {
  const probe = name.endsWith('.py') ? [python, '-c', 'import authlib'] : ['jq', '--version'];
  if (name.endsWith('.mjs') || spawnSync(probe[0] ?? '', probe.slice(1)).status === 0) return true;
  const missing = `${probe.join(' ')} failed: ${name} did not run.`;
  if (process.env['CI']) throw new Error(missing);
  process.stderr.write(`${missing}\n`);
  return false;
};

interface HeldPort {
  readonly port: number;
  /** Lets a program have the port for a while. */
  readonly lend: <T>(use: () => Promise<T>) => Promise<T>;
  readonly close: () => Promise<void>;
}

/** A port that nobody else gets while no program has it: the stacks of other tests look for free ones, too. */
const holdPort = async (): Promise<HeldPort> => {
  const port = await freePort();
  const hold = createServer(({ socket }) => socket.destroy());
  const take = () => listen(hold, port, '127.0.0.1');
  await take();
  const lend: HeldPort['lend'] = async (use) => {
    await close(hold);
    return use().finally(take);
  };
  return { port, lend, close: () => close(hold) };
};

let stack: RunningStack;
let folder: string;
let callback: HeldPort;
let webhook: HeldPort;
const secret = 'a-secret-of-the-example-programs';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'example-programs-'));
  callback = await holdPort();
  webhook = await holdPort();
  stack = await startStack({
    clients: [
      { clientId: 'my-app', redirectUris: [redirectUri()], secret: 'none', webhook: webhookUrl() },
      { clientId: 'my-server', redirectUris: [redirectUri()], secret: { value: secret } },
    ],
  });
});
afterAll(async () => {
  await stack?.close();
  await Promise.all([callback.close(), webhook.close()]);
  await rm(folder, { recursive: true });
});

const redirectUri = (): string => `http://localhost:${callback.port}/callback`;
const webhookUrl = (): string => `http://localhost:${webhook.port}/webhooks`;
const base = (): string => `${stack.origin}/r4/${payer}`;

/** Runs a program to its end. @param onOut is told what it has printed so far */
const run = (
  [program = '', ...rest]: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  onOut: (child: ChildProcess, out: string) => void = () => undefined,
): Promise<Ended> => {
  const child = spawn(program, rest, { cwd: folder, env: { ...process.env, NODE_OPTIONS: '', ...environment } });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => onOut(child, (out += text)));
  return outputOf(child);
};

interface SignInOptions {
  readonly base?: string;
  readonly clientId?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly signIn?: (url: string) => Promise<URL>;
}

/** Runs a program until it asks for the sign-in, signs the member in, and gives it the redirect. */
const runProgram = (
  command: readonly string[],
  handOver: (child: ChildProcess, back: URL) => void,
  { base: at = base(), clientId = 'my-app', environment = {}, signIn = walkLogin }: SignInOptions = {},
): Promise<Ended> =>
  callback.lend(async () => {
    let isSignedIn = false;
    return run([...command, at, clientId, redirectUri()], environment, (child, out) => {
      const url = /^http\S+(?=\n)/m.exec(out)?.[0];
      if (url === undefined || isSignedIn) return;
      isSignedIn = true;
      void signIn(url).then(
        (back) => handOver(child, back),
        (error: unknown) => {
          process.stderr.write(`${String(error)}\n`);
          child.kill();
        },
      );
    });
  });

const paste = (child: ChildProcess, back: URL): void => void child.stdin?.end(`${back.href}\n`);
/** What the member's browser does: it keeps a connection for later, asks for an icon, and comes with the answer. */
const follow = (child: ChildProcess, back: URL): void => {
  const idle = connect(Number(back.port), back.hostname);
  child.once('exit', () => idle.destroy());
  idle.once('connect', async () => {
    await (await askOnce(new URL('/favicon.ico', back))).text();
    await (await askOnce(back)).text();
  });
};

/** The record that a program has written: resources by type. */
const writtenRecord = async (): Promise<Record<string, number>> => {
  const lines = (await readFile(join(folder, 'record.ndjson'), 'utf8')).trimEnd().split('\n');
  const types = lines.map((line) => (JSON.parse(line) as { resourceType: string }).resourceType);
  return Object.fromEntries([...Map.groupBy(types, (type) => type)].map(([type, all]) => [type, all.length]));
};

const programs = (
  [
    ['read-record.mjs', [process.execPath], follow],
    ['read_record.py', [python], follow],
    ['read-record.sh', ['sh'], paste],
  ] as const
).filter(hasTools);

describe('the programs of the quick start read the same whole record', () => {
  const records: Record<string, number>[] = [];

  it.each(programs)('%s', async (name, interpreter, handOver) => {
    const { out } = await runProgram([...interpreter, join(examples, name)], handOver);

    const record = await writtenRecord();
    const count = Object.values(record).reduce((sum, each) => sum + each, 0);
    expect(out).toContain(`record.ndjson has ${count} resources.\n`);
    expect(record).toMatchObject({ Patient: 1 });
    expect(record['Observation']).toBeGreaterThan(50);
    records.push(record);
    expect(record).toEqual(records[0]);
  });

  it.each(programs.filter(([name]) => !name.endsWith('.sh')))(
    '%s as a client with a secret',
    async (name, interpreter, handOver) => {
      const command = [...interpreter, join(examples, name)];

      const environment = { CLIENT_SECRET: secret };
      const { out } = await runProgram(command, handOver, { environment, clientId: 'my-server' });
      expect(out).toContain('record.ndjson has');
    },
  );
});

describe('the programs show what the gateway says, and fail', () => {
  const typo = (): string => `${stack.origin}/r4/demo-healthplan`;
  const withoutReference = (sentence = ''): string => sentence.replace(/ \(reference .*/s, '');
  /** What the gateway says to whoever sends this. */
  const said = async (...asked: Parameters<typeof fetch>): Promise<string> => {
    const { error_description: description, issue } = (await (await fetch(...asked)).json()) as {
      error_description?: string;
      issue?: { diagnostics: string }[];
    };
    return withoutReference(description ?? issue?.[0]?.diagnostics);
  };
  const expectSaid = ({ code, err }: Ended, sentence: string): void => {
    expect(sentence.length).toBeGreaterThan(10);
    expect(err).toContain(sentence);
    expect(err).not.toMatch(/Traceback|^ +at .*:\d+:\d+/m);
    expect(code).toBe(1);
  };
  const saidOfTypo = (): Promise<string> => said(`${typo()}/.well-known/smart-configuration`);

  it.each(programs)('%s: a typo in the payer', async (name, interpreter, handOver) => {
    expectSaid(
      await runProgram([...interpreter, join(examples, name)], handOver, { base: typo() }),
      await saidOfTypo(),
    );
  });

  it.each(programs)('%s: a code that does not work', async (name, interpreter, handOver) => {
    const form = {
      grant_type: 'authorization_code',
      code: 'p2pc_used',
      client_id: 'my-app',
      code_verifier: 'v'.repeat(43),
    };
    const ended = await runProgram([...interpreter, join(examples, name)], (child, back) => {
      back.searchParams.set('code', form.code);
      handOver(child, back);
    });

    const body = new URLSearchParams({ ...form, redirect_uri: redirectUri() });
    expectSaid(ended, await said(`${stack.origin}/oauth2/token`, { method: 'POST', body }));
  });

  it.each(programs)('%s: the member refuses', async (name, interpreter, handOver) => {
    let sentence = '';
    const ended = await runProgram(
      [...interpreter, join(examples, name)],
      (child, back) => {
        sentence = back.searchParams.get('error_description') ?? '';
        handOver(child, back);
      },
      { signIn: (url) => walkLogin(url, undefined, { decision: 'deny' }) },
    );

    expectSaid(ended, sentence);
  });

  it.each(programs)('%s: the answer to another sign-in, an error', async (name, interpreter, handOver) => {
    const forged = { state: 'other', error: 'access_denied', error_description: 'Forged.' };
    const ended = await runProgram([...interpreter, join(examples, name)], (child, back) => {
      back.search = new URLSearchParams({ ...forged, iss: base() }).toString();
      handOver(child, back);
    });

    expectSaid(ended, name.endsWith('.mjs') ? 'unexpected "state"' : 'This is not the answer to this sign-in.');
    expect(ended.err).not.toContain('Forged');
  });

  it.each(programs)('%s: an error on a page', async (name, interpreter, handOver) => {
    const { access_token, patient } = await connectMember(stack, payer);
    const headers = { authorization: `Bearer ${access_token}` };
    try {
      const ended = await runProgram([...interpreter, join(examples, name)], (child, back) => {
        void setSwitches(stack.urls.demoHealthPlan, ['html']).then(() => handOver(child, back));
      });

      expectSaid(ended, await said(`${base()}/Patient/${patient}/$everything`, { headers }));
    } finally {
      await setSwitches(stack.urls.demoHealthPlan, []);
    }
  });

  it.each(
    (
      [
        ['present-identity.mjs', process.execPath],
        ['present_identity.py', python],
        ['present-identity.sh', 'sh'],
        ['system-token.mjs', process.execPath],
      ] as const
    ).filter(hasTools),
  )('%s: a typo in the payer', async (name, interpreter) => {
    const key = join(examples, 'demo-partner-key.pem');
    const command = [interpreter, join(examples, name), typo(), 'demo-partner', key, 'demo-partner-1'];

    expectSaid(await run(command, { ID_TOKEN: 'none' }), await saidOfTypo());
  });

  it.each([
    ['whole-record.mjs', process.execPath],
    ['whole_record.py', 'python3'],
  ])('%s: no token of the gateway', async (name, interpreter) => {
    const headers = { authorization: 'Bearer none', prefer: 'respond-async' };

    expectSaid(
      await run([interpreter, join(examples, name), base(), folder], { ACCESS_TOKEN: 'none' }),
      await said(`${base()}/Patient/$export`, { headers }),
    );
  });
});

const identityPrograms = (
  [
    ['present-identity.mjs', process.execPath],
    ['present_identity.py', python],
    ['present-identity.sh', 'sh'],
  ] as const
).filter(hasTools);

it.each(identityPrograms)('%s gets tokens of the member with an identity token', async (name, interpreter) => {
  const key = join(examples, 'demo-partner-key.pem');
  const idToken = await identify({
    issuer: stack.urls.identity,
    clientId: 'demo-partner',
    redirectUri: 'http://localhost/identity/callback',
    member: 'clinical',
  });
  const command = [interpreter, join(examples, name), base(), 'demo-partner', key, 'demo-partner-1'];
  const present = (): Promise<Ended> => run(command, { ID_TOKEN: idToken });

  const tokens = JSON.parse((await present()).out) as Record<string, string>;
  expect(tokens).toMatchObject({ scope: 'launch/patient patient/*.rs offline_access' });
  const answer = await fetch(`${base()}/Patient/${tokens['patient']}`, {
    headers: { authorization: `Bearer ${tokens['access_token']}` },
  });
  expect(await answer.json()).toMatchObject({ birthDate: '2011-01-04', name: [{ given: ['Mayte822'] }] });
  // Once only, and the program says why.
  expect(await present()).toMatchObject({ code: 1, err: expect.stringContaining('invalid_grant') as string });
});

it.each(identityPrograms)('%s signs with an EC key too', async (name, interpreter) => {
  const key = join(examples, 'new-plan-key.pem');
  const command = [interpreter, join(examples, name), base(), 'new-plan', key, 'new-plan-1'];

  // A plan's own system presents no members; a wrong signature would be invalid_client.
  expect((await run(command, { ID_TOKEN: 'none' })).err).toContain('unauthorized_client');
});

it.each([
  ['receive-events.mjs', process.execPath],
  ['receive_events.py', python],
])('%s takes the test event that a developer sends to the webhook of npm start', (name, interpreter) =>
  webhook.lend(async () => {
    const [signing = ''] = stack.clients.find(({ clientId }) => clientId === 'my-app')?.webhook?.secrets ?? [];
    const receiver = spawn(interpreter, [join(examples, name), String(webhook.port)], {
      env: { ...process.env, NODE_OPTIONS: '', WEBHOOK_SECRETS: signing },
    });
    let out = '';
    receiver.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    const said = (line: RegExp): Promise<void> => eventually(() => line.test(out));
    try {
      await said(/^listening on \d+$/m);
      const test = ['webhook', 'my-app', '--test', '--stage', 'local'];
      const { code, out: told } = await runTool('partners.ts', test, { AWS_ENDPOINT_URL: stack.urls.aws });

      expect([code, told]).toEqual([0, 'The webhook of My App (my-app) took the test event.\n']);
      await said(/^evt_[\w-]{32} webhook\.test/m);
    } finally {
      const closed = once(receiver, 'close');
      receiver.kill();
      await closed;
    }
  }),
);

it.each([
  [
    'an unknown app',
    payer,
    'nobody',
    /authorize\/demo-health-plan answered 400: The app that sent you here is not registered \(client_id\)\.$/,
  ],
  [
    'an unknown payer',
    'demo-healthplan',
    'my-app',
    /authorize\/demo-healthplan answered 400: The last part of the path is no id .* the ids\.$/,
  ],
])('npm run sign-in says in one line what the gateway says of %s', async (_what, at, client, line) => {
  const command = [process.execPath, join(root, 'sandbox/sign-in.ts'), '--gateway', stack.origin];

  const { code, err } = await run([...command, '--payer', at, '--client', client, '--redirect-uri', redirectUri()]);

  expect(err.trim()).toMatch(line);
  expect(code).toBe(1);
});

describe('the SMART app in one page', () => {
  let browser: Awaited<ReturnType<typeof launchChromium>>;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(async () => browser?.close());

  /** Serves the app for a FHIR base, and opens it. */
  const withApp = (at: string, walk: (tab: Page) => Promise<void>): Promise<void> =>
    callback.lend(async () => {
      if (browser === undefined) return;
      const command = [join(examples, 'serve-smart-app.mjs'), at, 'my-app', redirectUri()];
      const server = spawn(process.execPath, command, { env: { ...process.env, NODE_OPTIONS: '' } });
      const closed = once(server, 'close');
      try {
        const [told] = (await once(server.stdout.setEncoding('utf8'), 'data')) as [string];
        expect(told).toBe(`Open this in a browser:\n${redirectUri()}\n`);
        const tab = await openPage(browser);
        await tab.goto(redirectUri());
        await walk(tab);
        await tab.close();
      } finally {
        server.kill();
        await closed;
      }
    });
  const signIn = async (tab: Page, ...how: [decision?: 'allow' | 'deny']): Promise<void> => {
    await tab.waitForURL((url) => url.href.startsWith(`${stack.origin}/oauth2/authorize/`));
    await tab.goto((await walkLogin(tab.url(), undefined, { decision: how[0] ?? 'allow' })).href);
  };
  const showsReadings = async (tab: Page): Promise<void> => {
    await tab.waitForFunction('document.querySelectorAll("li").length > 50');
    expect(await tab.title()).toMatch(/^\d+ readings$/);
  };

  it('signs in, shows the readings, and goes on with its session after a reload', () =>
    withApp(base(), async (tab) => {
      await signIn(tab);
      await showsReadings(tab);
      await tab.reload();
      await showsReadings(tab);
    }));

  it('shows why a sign-in failed, and signs in at the next try', () =>
    withApp(base(), async (tab) => {
      await signIn(tab, 'deny');
      await tab.getByText('access_denied').waitFor();
      await tab.goto(redirectUri());
      await signIn(tab);
      await showsReadings(tab);
      await tab.goto(`${redirectUri()}?code=p2pc_used&state=other`);
      await tab.getByText('No state found!').waitFor();
    }));

  it('shows that there is no such payer', () =>
    withApp(`${stack.origin}/r4/demo-healthplan`, async (tab) => {
      await tab.waitForFunction('document.querySelector("h1").textContent !== "Readings"');
      expect(await tab.locator('h1').innerText()).toContain('demo-healthplan');
    }));
});
