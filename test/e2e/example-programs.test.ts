import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { close, listen } from '../../sandbox/aws/listen.ts';
import { identify } from '../../sandbox/identity/identify.ts';
import { freePort } from '../../sandbox/ports.ts';
import { runTool } from '../bin/run-tool.ts';
import { launchChromium, openPage } from '../browser/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { askAgainWhereBusy, startStack, walkLogin, type RunningStack } from './support.ts';

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

/** Runs a program until it asks for the sign-in, signs the member in, and gives it the redirect. */
const runProgram = (
  command: readonly string[],
  handOver: (child: ChildProcess, back: URL) => void,
  environment: Readonly<Record<string, string>> = {},
  clientId = 'my-app',
): Promise<string> =>
  callback.lend(async () => {
    const [program = '', ...first] = command;
    const child = spawn(program, [...first, base(), clientId, redirectUri()], {
      cwd: folder,
      env: { ...process.env, NODE_OPTIONS: '', ...environment },
    });
    let out = '';
    let isSignedIn = false;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      const url = /^http\S+(?=\n)/m.exec(out)?.[0];
      if (url === undefined || isSignedIn) return;
      isSignedIn = true;
      void walkLogin(url).then(
        (back) => handOver(child, back),
        (error: unknown) => {
          out += String(error);
          child.kill();
        },
      );
    });
    await new Promise((resolve) => child.on('close', resolve));
    return out;
  });

const paste = (child: ChildProcess, back: URL): void => void child.stdin?.end(`${back.href}\n`);
/** What the member's browser does. */
const follow = (_child: ChildProcess, back: URL): void => void fetch(back).then((answer) => answer.text());

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
    const out = await runProgram([...interpreter, join(examples, name)], handOver);

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

      expect(await runProgram(command, handOver, { CLIENT_SECRET: secret }, 'my-server')).toContain(
        'record.ndjson has',
      );
    },
  );

  it('the programs of the quick start read the same whole record and the one for curl refuses an address of another sign-in', async () => {
    const other = new URL('http://localhost/callback?code=p2pc_other&state=other');
    const out = await runProgram(['sh', join(examples, 'read-record.sh')], (child) => paste(child, other));

    expect(out).toContain('This is not the answer to this sign-in.');
    expect(out).not.toContain('record.ndjson has');
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
  const run = (): Promise<string> =>
    new Promise((resolve) => {
      const child = spawn(interpreter, [join(examples, name), base(), 'demo-partner', key, 'demo-partner-1'], {
        env: { ...process.env, NODE_OPTIONS: '', ID_TOKEN: idToken },
      });
      let out = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (out += text));
      child.on('close', () => resolve(out));
    });

  const tokens = JSON.parse(await run()) as Record<string, string>;
  expect(tokens).toMatchObject({ scope: 'launch/patient patient/*.rs offline_access' });
  const answer = await fetch(`${base()}/Patient/${tokens['patient']}`, {
    headers: { authorization: `Bearer ${tokens['access_token']}` },
  });
  expect(await answer.json()).toMatchObject({ birthDate: '2011-01-04', name: [{ given: ['Mayte822'] }] });
  // Once only, and the program says why.
  expect(await run()).toContain('invalid_grant');
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

it('the SMART app in one page signs in and shows the readings', () =>
  callback.lend(async () => {
    const browser = await launchChromium();
    if (browser === undefined) return;
    const command = [join(examples, 'serve-smart-app.mjs'), base(), 'my-app', redirectUri()];
    const server = spawn(process.execPath, command, { env: { ...process.env, NODE_OPTIONS: '' } });
    const [told] = (await once(server.stdout.setEncoding('utf8'), 'data')) as [string];
    expect(told).toBe(`Open this in a browser:\n${redirectUri()}\n`);
    const tab = await openPage(browser);
    await tab.goto(redirectUri());
    await tab.waitForURL((url) => url.href.startsWith(`${stack.origin}/oauth2/authorize/`));
    await tab.goto((await walkLogin(tab.url())).href);
    await tab.waitForFunction('document.querySelectorAll("li").length > 50');
    expect(await tab.title()).toMatch(/^\d+ readings$/);
    await browser.close();
    const closed = once(server, 'close');
    server.kill();
    await closed;
  }));
