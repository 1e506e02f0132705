import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteItemCommand, DynamoDBClient, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { close, listen } from '../../sandbox/aws/listen.ts';
import { freePorts as choosePorts } from '../../sandbox/ports.ts';
import { startLocalStack, type LocalStack } from '../../sandbox/stack.ts';
import { eventually } from '../support/eventually.ts';
import { askAgainWhereBusy } from './support.ts';

askAgainWhereBusy();

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const start = (flags: readonly string[], options: SpawnOptions = {}): ChildProcess =>
  spawn(process.execPath, ['sandbox/start.ts', ...flags], {
    env: { ...process.env, NODE_OPTIONS: '' },
    ...options,
  });

const collected = async (child: ChildProcess): Promise<Ended> => {
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
};

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const freePorts = ['', 'demo-health-plan-', 'northwind-', 'partner-', 'aws-', 'live-'].flatMap((name) => [
  `--${name}port`,
  '0',
]);

const refused = async (flags: readonly string[]): Promise<string[]> => {
  const { code, err } = await collected(start(flags));
  expect(code).toBe(1);
  return err.trimEnd().split('\n');
};

const payer = {
  id: 'some-payer',
  displayName: 'Some Payer',
  fhirBaseUrl: 'https://payer.example.org/r4',
  fhirBaseUrlAliases: [],
  authorizationEndpoint: 'https://payer.example.org/authorize',
  tokenEndpoint: 'https://payer.example.org/token',
  sendsIss: false,
  clientId: 'gateway',
  clientAuthentication: 'client_secret_post',
  publicKeys: [],
  scopes: [],
  everything: true,
  patientFrom: 'token',
  quirks: {
    responseType: true,
    aud: true,
    pkce: true,
    redirectUriAtToken: true,
    extraAuthorizeParameters: {},
    signInOrigins: [],
  },
};
const stage = { stage: 'mine', production: false, payers: [payer], partners: [] };

describe('npm start', () => {
  let folder: string;
  let taken: Server;
  let takenPort: number;
  const write = async (name: string, content: unknown): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'p2p-start-test-'));
    taken = createServer();
    takenPort = await listen(taken, 0, '127.0.0.1');
  });

  afterAll(async () => {
    await close(taken);
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    [['--bogus'], "Unknown option '--bogus'; --help lists the flags"],
    [['extra'], "Unexpected argument 'extra'; --help lists the flags"],
    [['--port', '70000'], '--port is "70000"; write a port from 0 to 65535'],
    [['--aws-port', '65536'], '--aws-port is "65536"; write a port from 0 to 65535'],
    [['--environments', '0'], '--environments is "0"; write a number from 1 to 99'],
    [['--environments', '100'], '--environments is "100"; write a number from 1 to 99'],
    [['--secrets', 'x.json'], '--secrets is for the payers of --config FILE; give both'],
    [
      ['--northwind', 'slow,fast'],
      expect.stringMatching(/^--northwind: there is no switch "fast"; there are slow, drip, 429, /),
    ],
    [['--demo-health-plan', ''], expect.stringMatching(/^--demo-health-plan: there is no switch ""; there are slow, /)],
    [
      ['--northwind', 'slow', '--config', 'x.json'],
      "--demo-health-plan and --northwind are for the sandbox's payers; leave out --config",
    ],
    [
      ['--client', 'demo-partner=http://localhost:5210/callback'],
      expect.stringMatching(/^--client "demo-partner=.*": demo-partner is one of the sandbox's own clients; /),
    ],
    [
      ['--client', 'my-app=http://localhost:5210/callback', '--config', 'x.json'],
      '--client is for the sandbox; with --config FILE, add the client to FILE',
    ],
  ])('refuses %j in one line', async (flags, line) => {
    expect(await refused(flags)).toEqual([line]);
  });

  it('explains each of its flags, and starts nothing', async () => {
    const { code, out, err } = await collected(start(['--help']));
    expect([code, err]).toEqual([0, '']);
    const told = [...out.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag]) => flag);
    expect(told).toEqual([
      '--port',
      '--demo-health-plan-port',
      '--northwind-port',
      '--partner-port',
      '--aws-port',
      '--live-port',
      '--demo-health-plan',
      '--northwind',
      '--client',
      '--client-secret',
      '--webhook',
      '--config',
      '--secrets',
      '--state',
      '--fresh',
      '--environments',
      '--help',
    ]);
    expect(out).not.toContain('http://');
  });

  it('npm start if stopped while starting, leaves nothing listening, and says that it was stopped', async () => {
    const { gateway } = await choosePorts();
    const child = start([...freePorts, '--port', String(gateway), '--state', join(folder, 'stopped')]);
    const ended = collected(child);
    const isListening = (): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect(gateway, 'localhost');
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
        socket.once('close', () => socket.destroy());
        socket.end();
      });
    // It starts to listen seconds before the other servers.
    await eventually(isListening);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 1, err: 'Stopped\n' });
    expect(await isListening()).toBe(false);
  });

  it('says which port is taken, and which flag chooses another', async () => {
    for (const flag of [
      '--port',
      '--partner-port',
      '--aws-port',
      '--live-port',
      '--northwind-port',
      '--demo-health-plan-port',
    ]) {
      const flags = [...freePorts, flag, String(takenPort), '--state', join(folder, 'taken')];
      expect(await refused(flags)).toEqual([
        `Port ${takenPort} is taken; stop what listens there or choose another with ${flag}`,
      ]);
    }
  });

  it('says which file is missing or bad', async () => {
    expect(await refused(['--config', join(folder, 'none.json')])).toEqual([expect.stringContaining('does not exist')]);
    const bad = await write('bad.json', { ...stage, payers: [{ ...payer, clientId: 7 }] });
    expect(await refused(['--config', bad])).toEqual([
      expect.stringContaining(`${bad}: payers[0] (some-payer).clientId: `),
    ]);
  });

  it("says which payer's secret is missing, and never quotes the file", async () => {
    const config = await write('stage.json', stage);
    expect(await refused(['--config', config])).toEqual([expect.stringContaining('--secrets FILE')]);
    const none = await write('none.json', {});
    expect(await refused(['--config', config, '--secrets', none])).toEqual([
      `${none}: has no "client_secret" for payer "some-payer"; add "some-payer": {"client_secret": …}`,
    ]);
    const broken = await write('broken.json', '{"some-payer": {"client_secret": "canary');
    const [line, ...more] = await refused(['--config', config, '--secrets', broken]);
    expect(more).toEqual([]);
    expect(line).not.toContain('canary');
    const shape = await write('shape.json', { 'some-payer': { secret: 'canary' } });
    expect((await refused(['--config', config, '--secrets', shape]))[0]).not.toContain('canary');
  });

  it('serves a configuration of its own, logs requests without their query, and stops on Ctrl-C even if a client stays connected', async () => {
    const config = await write('stage.json', stage);
    const secrets = await write('secrets.json', { 'some-payer': { client_secret: 's' } });
    const child = start([...freePorts, '--config', config, '--secrets', secrets], { detached: true });
    const ended = collected(child);
    const url = await new Promise<string>((resolve) => {
      let out = '';
      child.stdout?.on('data', (text: string) => {
        out += text;
        const found = /Gateway +(\S+)/.exec(out);
        if (found?.[1] !== undefined) resolve(found[1]);
      });
    });
    const answer = await fetch(`${url}/r4/some-payer/.well-known/smart-configuration?token=canary`);
    await answer.text();
    const noToken = await fetch(`${url}/r4/some-payer/Patient`);
    const client = connect(Number(new URL(url).port), 'localhost');
    await once(client, 'connect');
    const left = new Promise((resolve) => client.on('error', () => {}).once('close', resolve));
    // Ctrl-C reaches the whole process group, including the functions, but only the stack may end them.
    process.kill(-(child.pid ?? 0), 'SIGINT');
    const { code, out, err } = await ended;
    expect(out).not.toContain('The process ended');
    await left;
    // This stage has no edge.
    expect(noToken.headers.get('x-amzn-remapped-www-authenticate')).toContain('Bearer');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/gateway +GET \/r4\/some-payer\/\.well-known\/smart-configuration 200 \d+ ms/);
    expect(out).not.toContain('canary');
    expect(out).not.toContain('Demo');
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  it('leaves no function running if it is killed', async () => {
    const script = `
      const { startLocalStack } = await import('./sandbox/stack.ts');
      const stack = await startLocalStack({ ports: 'free', withSandbox: false });
      console.log(JSON.stringify(stack.pids()));`;
    // What it leaves in its temporary folder is deleted with ours.
    const env = { ...process.env, NODE_OPTIONS: '', TMPDIR: folder };
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { env });
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    const { audit: _, ...byName } = JSON.parse(line) as Record<string, number[]>;
    const pids = Object.values(byName).flat();
    const routed = ['authorize', 'callback', 'discovery', 'fetch', 'token'];
    expect(routed.map((name) => byName[name]?.filter(isRunning).length)).toEqual([1, 1, 1, 1, 1]);
    // Filling the registry was over when the stack had started. The audit of it may still run.
    expect(byName['fillRegistry']).toEqual([]);
    child.kill('SIGKILL');
    // A process that has exited still exists for the system until its parent reads the exit code.
    await eventually(() => !pids.some(isRunning));
  });
});

it('a local stack that cannot start leaves nothing listening', async () => {
  const taken = createServer();
  const ports = { ...(await choosePorts()), partner: await listen(taken, 0, 'localhost') };
  await expect(startLocalStack({ ports })).rejects.toThrow(`Port ${ports.partner} is taken`);
  await close(taken);
  for (const port of Object.values(ports)) {
    const server = createServer();
    expect(await listen(server, port, 'localhost')).toBe(port);
    await close(server);
  }
});

describe('a running local stack', () => {
  let stack: LocalStack;
  beforeAll(async () => {
    stack = await startLocalStack({ ports: 'free' });
  });
  afterAll(() => stack.close());

  it('shows the effect of a payer that is down, and only of that one', async () => {
    await stack.stopPayer('northwind');
    await expect(fetch(stack.urls.northwind)).rejects.toThrow('fetch failed');
    expect((await fetch(stack.urls.demoHealthPlan)).status).toBe(200);

    await stack.startPayer('northwind');
    expect((await fetch(stack.urls.northwind)).status).toBe(200);
    await expect(stack.stopPayer('nobody')).rejects.toThrow('The sandbox has no payer nobody');
  });

  it('knows which AWS calls its functions made', async () => {
    const query = new URLSearchParams({ client_id: 'demo-partner', redirect_uri: `${stack.urls.partner}/callback` });
    const authorize = async () => {
      stack.clearCalls();
      await fetch(`${stack.origin}/oauth2/authorize/northwind?${query}`, { redirect: 'manual' });
      return stack.calls().filter((call) => call.function === 'authorize');
    };
    const read = { function: 'authorize', action: 'dynamodb:GetItem', resource: stack.tables['registry'] };
    const write = { function: 'authorize', action: 'dynamodb:PutItem', resource: stack.tables['loginAttempts'] };

    // A new environment reads the payer and the partner; for twenty seconds, it then has both.
    expect(await authorize()).toEqual([read, read, write]);
    expect(await authorize()).toEqual([write]);
  });

  it('fills the registry once: a repeated first deployment and a later one change nothing in it', async () => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const client = new DynamoDBClient({ endpoint: stack.awsEndpoint, region: 'us-east-1', credentials });
    const TableName = stack.tables['registry'];
    const itemsNow = async () =>
      (await client.send(new ScanCommand({ TableName, ConsistentRead: true }))).Items?.map((item) =>
        JSON.stringify(item),
      );
    const change = { ':reason': { S: 'changed by a person' }, ':version': { N: '2' } };
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: { entryId: { S: 'payer#northwind' } },
        UpdateExpression: 'SET reason = :reason, version = :version',
        ExpressionAttributeValues: change,
      }),
    );
    await client.send(new DeleteItemCommand({ TableName, Key: { entryId: { S: 'partner#third-party-app' } } }));
    const before = await itemsNow();

    await stack.requestCustomResources('Update');
    expect(await itemsNow()).toEqual(before);
    await stack.requestCustomResources('Create');
    const after = (await itemsNow()) ?? [];
    // Only what is missing is put again.
    expect(after.filter((item) => !before?.includes(item))).toEqual([
      expect.stringContaining('partner#third-party-app'),
    ]);
    expect(after).toContain(before?.find((item) => item.includes('changed by a person')));
    expect(stack.pids()['fillRegistry']).toEqual([]);
    client.destroy();
  });

  it('refuses to invoke an unknown function', async () => {
    await expect(stack.invoke('nobody', {})).rejects.toThrow('The stack has no function nobody');
  });
});
