import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { accountValues, createWalker, pageOf, readCode } from '../../sandbox/payer/walk.ts';
import { memberNamed } from '../../sandbox/sign-in/member.ts';
import { signIn } from '../../sandbox/sign-in/sign-in.ts';
import { startLocalStack, type LocalStack } from '../../sandbox/stack.ts';
import { runTool } from '../bin/run-tool.ts';
import { askAgainWhereBusy } from './support.ts';

askAgainWhereBusy();

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

const redirectUri = 'http://localhost:5210/callback';
const clients = [
  { clientId: 'my-app', redirectUris: [redirectUri], secret: 'none' },
  { clientId: 'my-server', redirectUris: [redirectUri], secret: 'made' },
] as const;

const member = 'bare';
const signInTo = async (gateway: string, client: string, payer: string, clientSecret?: string): Promise<Tokens> => {
  const from = { gateway, payer, client, redirectUri, scope: undefined };
  const { tokens } = await signIn({ member, from, tokens: { clientSecret, codeVerifier: undefined } });
  return tokens as Tokens;
};

const refresh = async (origin: string, { refresh_token }: Tokens, client: Record<string, string>): Promise<Tokens> => {
  const form = { grant_type: 'refresh_token', refresh_token, ...client };
  const answer = await fetch(`${origin}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) });
  expect([answer.status, answer.status === 200 ? '' : await answer.text()]).toEqual([200, '']);
  return (await answer.json()) as Tokens;
};

const read = (url: string, { access_token }: Tokens, headers = {}): Promise<Response> =>
  fetch(url, { headers: { authorization: `Bearer ${access_token}`, ...headers } });

/** The whole record of a member who has one resource only. */
const readPatient = async (origin: string, payer: string, tokens: Tokens): Promise<unknown> => {
  const answer = await read(`${origin}/r4/${payer}/Patient`, tokens);
  const { entry } = (await answer.json()) as { entry?: { resource: { name: { family: string }[] } }[] };
  return [answer.status, entry?.[0]?.resource.name[0]?.family];
};

/** Signs in at a payer with an e-mail address alone, which needs an account. Returns the consent page's title. */
const signInWithAccount = async (stack: LocalStack, payerId: string): Promise<string> => {
  const query = new URLSearchParams({ client_id: 'demo-partner', redirect_uri: `${stack.urls.partner}/callback` });
  const toPayer = await fetch(`${stack.origin}/oauth2/authorize/${payerId}?${query}`, { redirect: 'manual' });
  const url = toPayer.headers.get('location') ?? '';
  const walker = createWalker(new URL(url).origin);
  const first = pageOf(await walker.open(url), 'Sign in');
  const { email = '' } = accountValues(memberNamed(member));
  const verify = pageOf(await walker.submit(first, { email }), 'Verify your e-mail');
  return pageOf(await walker.submit(verify, { code: await readCode(walker, verify) }), 'Allow access').url;
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'p2p-kept-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const start = (options: { readonly clients?: [] } = {}): Promise<LocalStack> =>
  startLocalStack({ ports: 'free', clients, ...options, state: { folder, fresh: false } });

describe('a local stack that is started again', () => {
  it('has its accounts, grants, tokens, files and client secrets, on other ports too; a running export has failed', async () => {
    const first = await start();
    const secret = first.clients[1]?.secret ?? '';
    const app = await signInTo(first.origin, 'my-app', 'northwind');
    const server = await signInTo(first.origin, 'my-server', 'demo-health-plan', secret);
    const renewed = await refresh(first.origin, app, { client_id: 'my-app' });
    // Its job never begins.
    await first.streamsIdle();
    first.pauseStreams();
    const kickOff = await read(`${first.origin}/r4/northwind/Patient/$export`, renewed, { prefer: 'respond-async' });
    const status = new URL(kickOff.headers.get('content-location') ?? '');
    expect(kickOff.status).toBe(202);
    const stored = [...first.storedObjects()].length;
    await first.close();

    // The apps are gone. Their grants are left alone until they come back.
    const without = await start({ clients: [] });
    expect(await readPatient(without.origin, 'northwind', renewed)).toEqual([401, undefined]);
    await without.close();

    const second = await start();
    expect(second.origin).not.toBe(first.origin);
    expect(second.clients[1]?.secret).toBe(secret);
    expect([...second.storedObjects()].length).toBeGreaterThanOrEqual(stored);
    expect(await readPatient(second.origin, 'northwind', renewed)).toEqual([200, 'Patient456']);
    expect(await readPatient(second.origin, 'demo-health-plan', server)).toEqual([200, 'Patient456']);
    const later = await refresh(second.origin, renewed, { client_id: 'my-app' });
    await refresh(second.origin, server, { client_id: 'my-server', client_secret: secret });
    const failed = await read(second.origin + status.pathname + status.search, later);
    expect([failed.status, await failed.json()]).toEqual([
      500,
      expect.objectContaining({ resourceType: 'OperationOutcome' }),
    ]);
    expect(await signInWithAccount(second, 'northwind')).toContain('/consent');
    await second.close();
  });
});

const command = (flags: readonly string[]): ChildProcess => {
  const ports = ['', 'demo-health-plan-', 'northwind-', 'partner-', 'aws-', 'live-', 'identity-'];
  const free = ports.flatMap((name) => [`--${name}port`, '0']);
  const client = ['--client', `my-app=${redirectUri}`];
  return spawn(process.execPath, ['sandbox/start.ts', ...free, ...client, '--state', folder, ...flags], {
    // What a killed process leaves in its temporary folder is deleted with ours.
    env: { ...process.env, NODE_OPTIONS: '', TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
};

/** Where it serves the gateway and AWS, once everything listens. */
const urlsOf = (child: ChildProcess): Promise<{ readonly gateway: string; readonly aws: string }> =>
  new Promise((resolve, reject) => {
    let out = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      const [gateway, aws] = ['Gateway', String.raw`AWS \(AWS_ENDPOINT_URL\)`].map(
        (name) => new RegExp(`^ +${name} +(\\S+)$`, 'm').exec(out)?.[1],
      );
      if (gateway !== undefined && aws !== undefined && out.includes('Ctrl-C')) resolve({ gateway, aws });
    });
    child.once('exit', () => reject(new Error(`npm start ended: ${out}`)));
  });

const errorOf = async (child: ChildProcess): Promise<string> => {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (more: string) => (text += more));
  await once(child, 'close');
  return text;
};

/** As a partner's own tests would. */
const signInByCommand = async (gateway: string): Promise<Tokens> => {
  const app = ['--client', 'my-app', '--redirect-uri', redirectUri];
  const flags = ['--gateway', gateway, '--payer', 'northwind', '--member', member, ...app, '--tokens'];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, ['sandbox/sign-in.ts', ...flags], { env });
  return JSON.parse(stdout) as Tokens;
};

describe('npm start, killed', () => {
  it('loses nothing that it had answered, and starts again; two at once share no folder', async () => {
    const first = command([]);
    const { gateway, aws } = await urlsOf(first);
    // With the keys and the client that this start has made, or an apply would take them away.
    const untouched = await runTool('registry.ts', ['diff', 'local'], { AWS_ENDPOINT_URL: aws });
    expect(untouched).toEqual({
      code: 0,
      err: '',
      out: expect.stringMatching(
        /^Stage local: what `npm start` serves and the table [^]*\nNo difference: 2 payers, 5 partners\.$/m,
      ),
    });
    const tokens = await signInByCommand(gateway);
    const renewed = await refresh(gateway, tokens, { client_id: 'my-app' });
    const refusal = `${folder} is in use by another local stack; stop that one, or choose another with --state FOLDER\n`;
    expect(await errorOf(command([]))).toBe(refusal);
    expect(await errorOf(command(['--fresh']))).toBe(refusal);
    first.kill('SIGKILL');
    await once(first, 'exit');

    const second = command([]);
    const { gateway: again } = await urlsOf(second);
    expect(await readPatient(again, 'northwind', renewed)).toEqual([200, 'Patient456']);
    await refresh(again, renewed, { client_id: 'my-app' });
    second.kill('SIGINT');
    expect(await once(second, 'exit')).toEqual([0, null]);
  });
});
