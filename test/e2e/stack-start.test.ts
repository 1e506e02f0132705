import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { close, listen } from '../../sandbox/aws/listen.ts';
import { freePorts as choosePorts } from '../../sandbox/ports.ts';
import { startLocalStack } from '../../sandbox/stack.ts';
import { eventually } from '../support/eventually.ts';
import { outputOf } from '../support/run-child.ts';
import { askAgainWhereBusy } from './support.ts';

askAgainWhereBusy();

const start = (flags: readonly string[], options: SpawnOptions = {}): ChildProcess =>
  spawn(process.execPath, ['sandbox/start.ts', ...flags], {
    env: { ...process.env, NODE_OPTIONS: '' },
    ...options,
  });

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
  const { code, err } = await outputOf(start(flags));
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
  const write = async (name: string, content: unknown): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'p2p-start-test-'));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('npm start that is stopped while starting leaves nothing listening, and says that it was stopped', async () => {
    const { gateway } = await choosePorts();
    // npm passes a signal on to its shell, which passes none on: it must have become node.
    const flags = ['--port', String(gateway), ...freePorts.slice(2), '--state', join(folder, 'stopped')];
    const child = spawn('npm', ['start', '--silent', '--', ...flags], { env: { ...process.env, NODE_OPTIONS: '' } });
    const ended = outputOf(child);
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

  it('says which file is missing', async () => {
    expect(await refused(['--config', join(folder, 'none.json')])).toEqual([expect.stringContaining('does not exist')]);
  });

  it('serves a configuration of its own, logs requests without their query, and stops on Ctrl-C even if a client stays connected', async () => {
    const config = await write('stage.json', stage);
    const secrets = await write('secrets.json', { 'some-payer': { client_secret: 's' } });
    const child = start([...freePorts, '--config', config, '--secrets', secrets], { detached: true });
    const ended = outputOf(child);
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
    const routed = ['authorize', 'callback', 'connections', 'discovery', 'fetch', 'token'];
    expect(routed.map((name) => byName[name]?.filter(isRunning).length)).toEqual(routed.map(() => 1));
    // Filling the registry was over when the stack had started. The audit of it may still run.
    expect(byName['fillRegistry']).toEqual([]);
    child.kill('SIGKILL');
    // A process that has exited still exists for the system until its parent reads the exit code.
    await eventually(() => !pids.some(isRunning));
  });
});

it('a local stack that finds a port taken says which flag chooses another, and leaves nothing listening', async () => {
  const taken = createServer();
  const takenPort = await listen(taken, 0, 'localhost');
  const free = await choosePorts();
  for (const [name, flag] of [
    ['gateway', '--port'],
    ['partner', '--partner-port'],
    ['aws', '--aws-port'],
    ['live', '--live-port'],
    ['northwind', '--northwind-port'],
    ['demoHealthPlan', '--demo-health-plan-port'],
  ] as const) {
    await expect(startLocalStack({ ports: { ...free, [name]: takenPort } })).rejects.toThrow(
      `Port ${takenPort} is taken; stop what listens there or choose another with ${flag}`,
    );
  }
  await close(taken);
  for (const port of Object.values(free)) {
    const server = createServer();
    expect(await listen(server, port, 'localhost')).toBe(port);
    await close(server);
  }
});

it('a local stack with a configuration names what is wrong in it or in its secrets, and quotes no secret', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'p2p-start-test-'));
  const write = async (name: string, content: unknown): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };
  const refusal = (configFile: string, secretsFile?: string): Promise<string> =>
    startLocalStack({ ports: 'free', configFile, ...(secretsFile === undefined ? {} : { secretsFile }) }).then(
      () => 'it started',
      (error: Error) => error.message,
    );
  const bad = await write('bad.json', { ...stage, payers: [{ ...payer, clientId: 7 }] });
  const config = await write('stage.json', stage);
  const none = await write('none.json', {});
  const broken = await write('broken.json', '{"some-payer": {"client_secret": "canary');
  const shape = await write('shape.json', { 'some-payer': { secret: 'canary' } });

  expect(await refusal(bad)).toContain(`${bad}: payers[0] (some-payer).clientId: `);
  expect(await refusal(config)).toContain('--secrets FILE');
  expect(await refusal(config, none)).toBe(
    `${none}: has no "client_secret" for payer "some-payer"; add "some-payer": {"client_secret": …}`,
  );
  for (const file of [broken, shape]) {
    const says = await refusal(config, file);
    expect(says).toContain(file);
    expect(says).not.toMatch(/canary|\n/);
  }
  await rm(folder, { recursive: true });
});
