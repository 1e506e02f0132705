/** A moto server: a different implementation of AWS than the local stack's, over real HTTP. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** A running server. */
interface Moto {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** What a client of AWS needs to find the server. */
export interface ClientSettings {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Where the Debian package puts it; otherwise wherever the PATH finds one. */
const packaged = '/usr/bin/moto_server';
const advice =
  'The suite needs moto_server: apt-get install python3-moto python3-flask-cors python3-openapi-spec-validator';
const startsWithinMs = 240_000;

/** Resolves with the address that the server says it listens on. */
const addressOf = async (child: ChildProcess): Promise<string> => {
  const said: string[] = [];
  if (child.stderr === null) throw new Error('no output');
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error([...said.slice(-3), advice].join('\n'));
};

/**
 * Starts an empty server on a free port.
 * @throws Error that says what to install if there is none, or if it does not start
 */
const startMoto = async (account: string): Promise<Moto> => {
  const command = existsSync(packaged) ? packaged : 'moto_server';
  const child = spawn(command, ['--host', '127.0.0.1', '--port', '0'], {
    env: { ...process.env, MOTO_ACCOUNT_ID: account },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const missing = once(child, 'error').then(([error]) => {
    throw new Error(`${String(error)}\n${advice}`);
  });
  missing.catch(() => undefined);
  const timer = setTimeout(() => child.kill(), startsWithinMs);
  const url = await Promise.race([addressOf(child), missing]).finally(() => clearTimeout(timer));
  // Its request log must be read, or the server blocks.
  child.stderr?.resume();
  const close = async (): Promise<void> => {
    child.kill();
    await ended;
  };
  return { url, close };
};

/** Starts one for the tests of a file; it runs once their hooks have run. @param account the one that all is in */
export const motoServer = (account = '123456789012'): { readonly settings: () => ClientSettings } => {
  let moto: Moto | undefined;
  beforeAll(async () => {
    moto = await startMoto(account);
  });
  afterAll(() => moto?.close());
  return {
    settings: () => ({
      endpoint: moto?.url ?? '',
      region: 'us-east-1',
      credentials: { accessKeyId: 'moto', secretAccessKey: 'moto' },
    }),
  };
};
